// Asks the original's four frameworks what the table in README.md tells, and prints it:
//   node probe.mjs [ROW ...]

import { once } from "node:events";
import { connect } from "node:net";
import { createServer, registerAllRoutes } from "@juspay/neurolink/server";
import { engine } from "./engine.mjs";
import { life } from "./experiments/life.mjs";
import { limits } from "./experiments/limits.mjs";
import { middleware } from "./experiments/middleware.mjs";
import { requests } from "./experiments/requests.mjs";

const FRAMEWORKS = ["hono", "express", "fastify", "koa"];
const SILENCE_MS = 1500;
const PATIENCE_MS = 10_000;
const STACK = /\bat [^"]*:\d+:\d+/;

/** What would have ended the process of a server that nobody watches. */
let fatal;
for (const event of ["uncaughtException", "unhandledRejection"]) process.on(event, (error) => (fatal ??= error));
// The adapters' log; the answers are what counts here.
for (const level of ["log", "info", "warn", "error", "debug"]) console[level] = () => {};

/** Starts servers with what an experiment needs, and closes them afterwards. */
export class Lab {
  listeners = [];

  constructor(framework) {
    this.framework = framework;
  }

  async serve({
    config,
    middleware = [],
    routes = [],
    late = [],
    groups = [],
    allRoutes = true,
    errorListener = true,
    own = engine,
  } = {}) {
    const quiet = { logging: { enabled: false }, rateLimit: { enabled: false } };
    const server = await createServer(own, {
      framework: this.framework,
      config: { ...quiet, ...config, host: "127.0.0.1", port: config?.port ?? 0 },
    });
    if (errorListener) server.on("error", () => {});
    await server.initialize();
    for (const one of middleware) server.registerMiddleware(one);
    if (allRoutes) registerAllRoutes(server, "/api");
    for (const [method, path, handler, more] of routes) server.registerRoute({ method, path, handler, ...more });
    for (const group of groups) server.registerRouteGroup(group);
    for (const one of late) server.registerMiddleware(one);
    await server.start();
    this.server = server;
    await this.listening();
  }

  async listening() {
    const listener = this.server.server ?? this.server.getFrameworkInstance().server;
    if (!listener.listening) await once(listener, "listening");
    this.listeners.push(listener);
    this.port = listener.address().port;
  }

  /** Sends a request on a connection of its own, and gives what came back until the server closed or fell silent. */
  async ask(method, path, { headers = {}, body, hold = false, wait = SILENCE_MS } = {}) {
    const socket = connect(this.port, "127.0.0.1");
    await once(socket, "connect");
    const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    const fields = { Host: "localhost", Connection: hold ? "keep-alive" : "close", ...length, ...headers };
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    let bytes = "";
    socket.on("data", (data) => (bytes += data)).on("error", () => {});
    socket.write(`${method} ${path} HTTP/1.1\r\n${head.join("")}\r\n${body ?? ""}`);
    if (hold)
      return {
        socket,
        until: async (text) => {
          while (!bytes.includes(text)) await once(socket, "data");
          return new Answer(bytes);
        },
      };
    const closed = once(socket, "close").catch(() => {});
    const silent = new Promise((resolve) => setTimeout(resolve, wait, "silent"));
    const end = await Promise.race([closed, silent]);
    socket.destroy();
    return new Answer(bytes, end === "silent");
  }

  get = (path, headers) => this.ask("GET", path, { headers });

  post(path, body, type = "application/json") {
    return this.ask("POST", path, { headers: type ? { "Content-Type": type } : {}, body });
  }

  /** Without the adapter's own stop(), which waits for connections that nobody uses. */
  close() {
    for (const listener of this.listeners) {
      listener.close();
      listener.closeAllConnections();
    }
  }
}

/** What the chunks hold; their lengths are taken as ASCII, which is all that is asked here. */
function unchunked(text) {
  let body = "";
  for (let rest = text; rest;) {
    const [, size] = /^([0-9a-f]+)\r\n/i.exec(rest) ?? [undefined, "0"];
    const start = size.length + 2;
    body += rest.slice(start, start + parseInt(size, 16));
    if (parseInt(size, 16) === 0) break;
    rest = rest.slice(start + parseInt(size, 16) + 2);
  }
  return body;
}

/** An answer, and how a table cell tells it. */
class Answer {
  constructor(bytes, silent = false) {
    const [head, ...body] = bytes.split("\r\n\r\n");
    this.head = head;
    this.body = body.join("\r\n\r\n");
    if (/^transfer-encoding: *chunked/im.test(head)) this.body = unchunked(this.body);
    this.silent = silent;
    this.status = Number(head.split(" ")[1]) || 0;
  }

  header(name) {
    return new RegExp(`^${name}: *(.*)$`, "im").exec(this.head)?.[1].trim();
  }

  get json() {
    try {
      return JSON.parse(this.body);
    } catch {
      return undefined;
    }
  }

  toString() {
    if (this.status === 0) return this.silent ? "hangs" : "closes";
    const type = this.header("content-type") ?? "";
    const leak = /secret|hunter2/.test(this.body) ? ", with the secret" : "";
    const trace = STACK.test(this.body) ? ", with the stack" : "";
    const rest = leak + trace + (this.silent && !this.body ? ", hangs" : "");
    if (type.includes("html")) return `${this.status} HTML${rest}`;
    if (this.json) return `${this.status}${this.json?.error ? ` ${this.json.error.code ?? "JSON"}` : ""}${rest}`;
    if (this.body === "") return `${this.status} empty${rest}`;
    return `${this.status} text${rest}`;
  }
}

async function result(experiment, framework) {
  fatal = undefined;
  const lab = new Lab(framework);
  let told;
  try {
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, "no end"));
    told = String(await Promise.race([experiment(lab), patience]));
  } catch (error) {
    told = `throws ${error.name}: ${error.message.split("\n")[0].slice(0, 60)}`;
  }
  lab.close();
  return fatal ? `${told}; the process ends: ${fatal.code ?? fatal.name}` : told;
}

// An experiment has a row, the words for what is asked, and a function from a lab to the words of a cell.
const asked = process.argv.slice(2);
process.stdout.write(`| row | request | ${FRAMEWORKS.join(" | ")} |\n|---|---|---|---|---|---|\n`);
for (const [row, what, experiment] of [...requests, ...middleware, ...limits, ...life]) {
  if (asked.length && !asked.includes(row)) continue;
  const cells = [];
  for (const framework of FRAMEWORKS) cells.push((await result(experiment, framework)).replaceAll("|", "\\|"));
  process.stdout.write(`| ${row} | ${what} | ${cells.join(" | ")} |\n`);
}
process.exit();
