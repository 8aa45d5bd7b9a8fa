// Stands in for NeuroLink's own object and its providers: answers from nothing but the request.

// The agent's routes ask this registry themselves, and the package exports it nowhere.
import { ProviderFactory } from "./node_modules/@juspay/neurolink/dist/factories/providerFactory.js";

const MODELS = ["offline-echo", "offline/chunks-50", "offline/slow-100ms"];
const PAUSE_MS = 100;

const textParameter = (name) => ({ type: "object", properties: { [name]: { type: "string" } }, required: [name] });

const TOOLS = [
  { name: "calculate", description: "Divides two whole numbers, as in 6/3", inputSchema: textParameter("expression") },
  { name: "echo", description: "Gives back a text", inputSchema: textParameter("text") },
  { name: "time", description: "Tells the time in UTC as ISO 8601", inputSchema: { type: "object", properties: {} } },
];

function text(args, name) {
  if (typeof args?.[name] !== "string") throw new Error(`\`${name}\` is required and must be a string`);
  return args[name];
}

function divide(expression) {
  const [dividend, divisor] = expression.split("/").map(Number);
  if (divisor === 0) throw new Error("division by zero");
  return dividend / divisor;
}

const toolRegistry = {
  listTools: async () => TOOLS,
  executeTool: async (name, args) => {
    if (name === "echo") return { text: text(args, "text") };
    if (name === "calculate") return { result: divide(text(args, "expression")) };
    return { time: new Date().toISOString() };
  },
};

/** The words of an answer, and the tool call that the text asked for. */
async function answer({ input, provider = "offline", model = MODELS[0] }) {
  if (provider !== "offline" || !MODELS.includes(model)) throw new Error("unknown provider or model");
  if (model === "offline/chunks-50") return { model, words: Array.from({ length: 50 }, (_, n) => `chunk-${n + 1}`) };
  const said = input.text.trim();
  if (!said.toLowerCase().startsWith("echo ")) return { model, words: `You said: ${said}`.split(" ") };
  const args = { text: said.slice("echo ".length).trim() };
  const result = await toolRegistry.executeTool("echo", args);
  const toolCalls = [{ toolName: "echo", toolCallId: "call_1", args }];
  return { model, toolCalls, words: `The tool echo answered: ${result.text}.`.split(" ") };
}

async function* streamed(model, words) {
  for (const [place, word] of words.entries()) {
    if (model === "offline/slow-100ms") await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    yield { content: place === 0 ? word : ` ${word}` };
  }
}

const vector = (text) => [text.length, 1];
const embedder = { embed: async (text) => vector(text), embedMany: async (texts) => texts.map(vector) };
ProviderFactory.registerProvider("offline", () => embedder, "offline-embed");

export const engine = {
  getToolRegistry: () => toolRegistry,
  getExternalServerManager: () => undefined,
  generate: async (request) => {
    const { model, words, toolCalls } = await answer(request);
    if (model === "offline/slow-100ms") await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * words.length));
    const input = request.input.text.split(/\s+/).length;
    const usage = { input, output: words.length, total: input + words.length };
    return { content: words.join(" "), provider: "offline", model, usage, finishReason: "stop", toolCalls };
  },
  stream: async (request) => {
    const { model, words } = await answer(request);
    return { stream: streamed(model, words) };
  },
};
