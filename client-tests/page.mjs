// What docs/client.md says, and what the package has.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as client from "@juspay/neurolink/client";

const page = readFileSync("../docs/client.md", "utf8");

/** What a value of each class is called on the page. */
const INSTANCES = {
  NeuroLinkClient: "client",
  NeuroLinkSSE: "sse",
  SSEClient: "connection",
  NeuroLinkLanguageModel: "model",
  NeuroLinkAIProvider: "provider",
  NeuroLinkWebSocket: "socket",
  WebSocketStreamingClient: "channel",
  OAuth2TokenManager: "oauth",
  JWTTokenManager: "jwt",
};

/** The names that the page has in its pieces of code: `a.b(c(..))` has a.b and c. */
export function namesOnPage() {
  const pieces = [...page.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
  return new Set(pieces.flatMap((code) => code.match(/[\w.]*\w/g) ?? []));
}

/** The rows that make a request: the call as it is written, method, path with `{places}`, and status. */
export function rowsWithRequest() {
  const row = /^\| (.+) \| (GET|POST) `(\/[^`]*)` \| (\d{3})\b.* \|$/gm;
  return [...page.matchAll(row)].map(([, call, method, path, status]) => ({ call, method, path, status: Number(status) }));
}

/** Everything that can be called: what the package exports, and the public methods of its classes. */
export function callable() {
  const declarations = types();
  return Object.entries(client).flatMap(([name, value]) => {
    const isClass = typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
    if (!isClass || value.prototype instanceof Error) return [name];
    const methods = publicMethods(declarations, value.name);
    if (methods.length === 0) throw new Error(`no public method of ${name} was found in the package's types`);
    return [name, ...methods.map((method) => `${INSTANCES[name] ?? name}.${method}`)];
  });
}

/** The package's type declarations, which alone know what is private. */
function types() {
  const folder = dirname(fileURLToPath(import.meta.resolve("@juspay/neurolink/client")));
  const files = readdirSync(folder).filter((file) => file.endsWith(".d.ts"));
  return files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
}

function publicMethods(declarations, name) {
  const start = declarations.indexOf(`export declare class ${name} `);
  const body = declarations.slice(start, declarations.indexOf("\n}", start));
  const methods = [...body.matchAll(/^ {4}(\w+)[(<]/gm)].map(([, method]) => method);
  return [...new Set(methods)].filter((method) => method !== "constructor");
}
