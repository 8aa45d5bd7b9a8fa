// The original as a server to measure: node bench.mjs FRAMEWORK PORT bare|jobs
//
// The engine does the work of the other measured servers; `jobs` adds the original's own middleware for a request id,
// security headers, CORS, a limit that nobody reaches, and a token verified as its documentation shows.

import {
  createAuthMiddleware,
  createRateLimitMiddleware,
  createRequestIdMiddleware,
  createSecurityHeadersMiddleware,
  createServer,
  registerAllRoutes,
} from "@juspay/neurolink/server";
import { jwtVerify } from "jose";

const [framework, port, kind] = process.argv.slice(2);
const SECRET = new TextEncoder().encode("a-secret-of-at-least-thirty-two-bytes");
const EVENTS = 50;
const words = (text) => text.split(" ").length;

const engine = {
  getToolRegistry: () => ({ listTools: async () => [], executeTool: async () => undefined }),
  getExternalServerManager: () => undefined,
  generate: async ({ input: { text } }) => ({
    content: text,
    provider: "work",
    model: "work",
    usage: { input: words(text), output: words(text), total: 2 * words(text) },
    finishReason: "stop",
  }),
  stream: async () => ({ stream: pieces() }),
};

async function* pieces() {
  for (let number = 0; number < EVENTS; number += 1) yield { content: `chunk ${number} ` };
}

async function user(token) {
  try {
    const { payload } = await jwtVerify(token, SECRET, { issuer: "bench", audience: "bench", algorithms: ["HS256"] });
    return { id: payload.sub, roles: [] };
  } catch {
    return null;
  }
}

const jobs = kind === "jobs";
const config = {
  host: "127.0.0.1",
  port: Number(port),
  basePath: "/api",
  cors: jobs ? { origins: ["https://app.example.com"] } : { enabled: false },
  bodyParser: { maxSize: "1mb", jsonLimit: "1mb" },
  rateLimit: { enabled: false },
  logging: { enabled: false },
};
for (const level of ["log", "info", "warn", "debug"]) console[level] = () => {};
const server = await createServer(engine, { framework, config });
server.on("error", () => {});
await server.initialize();
if (jobs) {
  server.registerMiddleware(createRequestIdMiddleware());
  server.registerMiddleware(createSecurityHeadersMiddleware());
  server.registerMiddleware(createRateLimitMiddleware({ maxRequests: 1e12, windowMs: 60_000 }));
  server.registerMiddleware(createAuthMiddleware({ type: "bearer", validate: user }));
}
registerAllRoutes(server, config.basePath);
const item = { id: "item-1", name: "an item", tags: ["one", "two"] };
server.registerRoute({ method: "GET", path: "/api/item", handler: async () => item });
await server.start();
