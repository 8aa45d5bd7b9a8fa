// docs/client.md has every call of the client, and what the page says of each request is what happens.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  SSEClient,
  collectStream,
  createAsyncStream,
  createClient,
  createNeuroLinkModel,
  createSSEClient,
  createStreamingClient,
  createStreamingResponse,
} from "@juspay/neurolink/client";
import { callable, namesOnPage, rowsWithRequest } from "./page.mjs";
import { FRAMEWORKS, TOKEN, serve } from "./server.mjs";

const authorization = { Authorization: `Bearer ${TOKEN}` };
const input = { text: "hi" };

/** The calls of the page's rows. What needs React or a WebSocket is no call here: its request is made by hand. */
function calls(baseUrl) {
  const client = createClient({ baseUrl, token: TOKEN, retry: { maxAttempts: 1 } });
  // It forgets its timer after an error, and the process would wait for that.
  const sse = createSSEClient({ baseUrl, token: TOKEN, autoReconnect: false, timeout: 0 });
  const connection = () => new SSEClient(`${baseUrl}/api/agent/stream`, { headers: authorization });
  const offline = { baseUrl, token: TOKEN, provider: "offline" };
  const model = createNeuroLinkModel({ ...offline, modelId: "offline/chunks-50" });
  return {
    "`client.generate`": () => client.generate({ input }),
    "`client.stream`": () => client.stream({ input }),
    "`client.streamAgent`": () => client.streamAgent({ agentId: "a", input: "hi" }),
    "`client.executeAgent`": () => client.executeAgent({ agentId: "a", input: "hi" }),
    "`client.listAgents`": () => client.listAgents(),
    "`client.getAgent`": () => client.getAgent("a"),
    "`client.executeWorkflow`": () => client.executeWorkflow({ workflowId: "w", input: {} }),
    "`client.resumeWorkflow`": () => client.resumeWorkflow("w", "t"),
    "`client.getWorkflowStatus`": () => client.getWorkflowStatus("w", "r"),
    "`client.cancelWorkflow`": () => client.cancelWorkflow("w", "r"),
    "`client.listWorkflows`": () => client.listWorkflows(),
    "`client.getWorkflow`": () => client.getWorkflow("w"),
    "`client.listTools`": () => client.listTools({ category: "c" }),
    "`client.getTool`": () => client.getTool("echo"),
    "`client.executeTool`": () => client.executeTool("echo", { text: "hi" }),
    "`client.listProviders`": () => client.listProviders(),
    "`client.getProviderStatus`": () => client.getProviderStatus("offline"),
    "`client.health`": () => client.health(),
    "`collectStream(createAsyncStream(fetch(..)))`": () =>
      collectStream(createAsyncStream(fetch(`${baseUrl}/api/agent/stream`, post({ input: "hi" })))),
    "`connection.connect` of an `SSEClient`": () => connection().connect({ body: { input } }),
    "`connection.events`": () => drain(connection().events({ body: { input } })),
    "`sse.stream` of a `NeuroLinkSSE`": () => sse.stream("/api/agent/stream", { body: { input } }),
    "`sse.generate`": () => sse.generate("hi"),
    "`sse.chat`": () => sse.chat([{ role: "user", content: "hi" }]),
    "`sse.executeAgent`": () => sse.executeAgent("a", "hi"),
    "`createStreamingClient(..).stream`": () =>
      createStreamingClient({ baseUrl, token: TOKEN, transport: "sse" }).stream({ input }),
    "`model.doGenerate`": () => model.doGenerate({ prompt: "hi" }),
    "`model.doStream`": async () => drain((await model.doStream({ prompt: "hi" })).stream),
    "`createStreamingResponse`": async () =>
      (await createStreamingResponse({ ...offline, model: "offline/chunks-50", input })).text(),
  };
}

function post(body) {
  return { method: "POST", headers: { "content-type": "application/json", ...authorization }, body: JSON.stringify(body) };
}

function byHand(baseUrl, { method, path }) {
  const name = path.startsWith("/api/tools/") ? "echo" : "x";
  const url = baseUrl + path.replace(/\{\w+\}/g, name);
  return fetch(url, method === "POST" ? post({ input: "hi" }) : { headers: authorization });
}

async function drain(stream) {
  for await (const _ of stream);
}

/** The requests that a call makes, as `POST /path -> 200`; that it fails is part of its result. */
async function requestsOf(call) {
  const made = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (url, init) => {
    const response = await fetch(url, init);
    made.push(`${init?.method ?? "GET"} ${new URL(url).pathname} -> ${response.status}`);
    return response;
  };
  try {
    await call();
  } catch (error) {
    if (made.length === 0) throw error;
  } finally {
    globalThis.fetch = fetch;
  }
  return made;
}

test("the page has every public call of the package", () => {
  const names = namesOnPage();
  assert.deepEqual(callable().filter((name) => !names.has(name)), []);
});

test("every call that is made here has its row on the page", () => {
  const rows = rowsWithRequest().map(({ call }) => call);
  assert.deepEqual(Object.keys(calls("http://localhost")).filter((call) => !rows.includes(call)), []);
});

for (const framework of FRAMEWORKS) {
  describe(`the page's requests on ${framework}`, () => {
    let server;
    before(async () => {
      server = await serve(framework);
    });
    after(() => server?.stop());

    for (const row of rowsWithRequest()) {
      const { call, method, path, status } = row;
      test(`${call}: ${method} ${path} is ${status}`, async () => {
        // Clients take `fetch` when they are made.
        const made = await requestsOf(() => (calls(server.url)[call] ?? (() => byHand(server.url, row)))());
        const wanted = new RegExp(`^${method} ${path.replace(/\{\w+\}/g, "[^/]+")} -> ${status}$`);
        assert.equal(made.length, 1, `one request: ${made}`);
        assert.match(made[0], wanted);
      });
    }
  });
}
