// The rows of the table: a name, what is asked, and the experiment that gives the words of a cell.

import {
  AuthenticationError, createAuthMiddleware, createCacheMiddleware, createRateLimitMiddleware, createRoleMiddleware, createSecurityHeadersMiddleware,
  createTimingMiddleware,
} from "@juspay/neurolink/server";
import { engine } from "./engine.mjs";

const DRAIN = { drainTimeoutMs: 1500, gracefulShutdownTimeoutMs: 3000 };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const yesNo = (value) => (value ? "yes" : "no");
const shown = (value) => (value === undefined ? "undefined" : JSON.stringify(value));

const echo = ["POST", "/api/x/echo", async ({ body }) => ({ body: body === undefined ? "undefined" : body })];
const param = ["GET", "/api/x/param/:id", async ({ params }) => params];
const hello = ["GET", "/api/x/hello", async () => "hello"];
const routes = [echo, param, hello, ["GET", "/api/x/admin", async () => "admin"], ["GET", "/api/x/query", async ({ query }) => query]];
const throwing = (error) => [["GET", "/api/x/throw", async () => { throw error; }]];

/** An experiment with the plain server. */
const plain = (experiment, options) => async (lab) => {
  await lab.serve({ routes, ...options });
  return experiment(lab);
};
const body = (answer) => (answer.status === 200 ? `200 ${shown(answer.json.data.body)}` : answer);
const data = (answer) => (answer.status === 200 ? `200 ${shown(answer.json.data)}` : answer);

const auth = () => createAuthMiddleware({ type: "bearer", validate: async (token) => (token === "good" ? { id: "u1", roles: ["admin"] } : null) });
const good = { Authorization: "Bearer good" };
const whoami = ["GET", "/api/x/whoami", async ({ user }) => ({ user: user?.id ?? null })];
const guarded = (experiment, more = []) => plain(experiment, { middleware: [auth(), ...more], routes: [whoami, hello] });

/** Whether a middleware with these settings ran for a path, and what was answered. */
const scoped = (settings, path, route = path) => async (lab) => {
  let ran = false;
  const handler = (_ctx, next) => { ran = true; return next(); };
  await lab.serve({ middleware: [{ name: "scoped", handler, ...settings }], routes: [["GET", route, async () => "handler"]] });
  const answer = await lab.get(path);
  return `${answer}, ${ran ? "run" : "not run"}`;
};

const cors = (settings, path = "/api/x/hello") => plain(async (lab) => {
  const answer = await lab.get(path, { Origin: "https://evil.example" });
  const credentials = answer.header("access-control-allow-credentials");
  return `${answer.header("access-control-allow-origin") ?? "none"}${credentials ? `, credentials ${credentials}` : ""}`;
}, { config: { cors: settings } });

const limited = (settings, experiment, more) => plain(experiment, { config: { rateLimit: { enabled: true, windowMs: 60_000, maxRequests: 2, ...settings } }, ...more });
const times = async (lab, path, headers) => {
  const seen = [];
  for (const each of headers) seen.push((await lab.get(path, each)).status);
  return seen.join(", ");
};

/** An engine that counts what it makes, a piece each 20 ms. */
function counting() {
  const made = { pieces: 0, done: false };
  const own = {
    ...engine,
    generate: async () => { await pause(300); made.done = true; return { content: "late" }; },
    stream: async () => ({ stream: (async function* () { for (; made.pieces < 30; made.pieces += 1) { yield { content: "piece" }; await pause(20); } })() }),
  };
  return { made, own };
}

const leaves = (path, experiment) => async (lab) => {
  const { made, own } = counting();
  await lab.serve({ own });
  const json = { "Content-Type": "application/json" };
  const { socket } = await lab.ask("POST", path, { headers: json, body: '{"input":"x"}', hold: true });
  await pause(100);
  socket.destroy();
  await pause(3000);
  return experiment(made);
};

const frames = (input, own = engine) => plain(async (lab) => {
  const answer = await lab.post("/api/agent/stream", shown(input));
  const lines = answer.body.replaceAll(/"(?:timestamp|metadata)":[^}]*}?/g, "…").split(/\r?\n/).filter((line) => /^(event|data):/.test(line));
  const told = lines.length > 4 ? [...lines.slice(0, 2), "…", ...lines.slice(-2)] : lines;
  return `${answer.status} \`${told.join(" ⏎ ").replaceAll(/"details":.*\]/g, '"details":…')}\``;
}, { own });

export const experiments = [
  ["V1", "`GET /nope?q=1`", plain(async (lab) => {
    const answer = await lab.get("/nope?q=1");
    return answer.json ? `${answer}, metadata ${yesNo(answer.json.metadata)}, query told ${yesNo(answer.body.includes("q=1"))}` : answer;
  })],
  ["V2", "`POST /api/health`", plain(async (lab) => { const answer = await lab.post("/api/health", undefined, null); return `${answer}, Allow ${answer.header("allow") ?? "none"}`; })],
  ["V3", "`HEAD /api/health`", plain((lab) => lab.ask("HEAD", "/api/health"))],
  ["V4", "`OPTIONS`, no CORS headers", plain((lab) => lab.ask("OPTIONS", "/api/health"))],
  ["V5", "`/api/health/`", plain((lab) => lab.get("/api/health/"))],
  ["V6", "`/API/HEALTH`", plain((lab) => lab.get("/API/HEALTH"))],
  ["V7", "`//api//health`", plain((lab) => lab.get("//api//health"))],
  ["V8", "`%zz` in a parameter", plain(async (lab) => data(await lab.get("/api/x/param/%zz")))],
  ["V9", "`/api/x/%61dmin`", plain((lab) => lab.get("/api/x/%61dmin"))],
  ["V10", "parameter `a%2Fb`", plain(async (lab) => data(await lab.get("/api/x/param/a%2Fb")))],
  ["V11", "`?q=a&q=b`", plain(async (lab) => data(await lab.get("/api/x/query?q=a&q=b")))],
  ["V12", "malformed JSON to the agent", plain(async (lab) => {
    const answer = await lab.ask("POST", "/api/agent/execute", { headers: { "Content-Type": "application/json", Origin: "https://a.example" }, body: "{" });
    return `${answer}, requestId ${yesNo(answer.json?.metadata?.requestId)}`;
  })],
  ["V13", '`"str"`; `null` as JSON', plain(async (lab) => `${body(await lab.post("/api/x/echo", '"str"'))}; ${body(await lab.post("/api/x/echo", "null"))}`)],
  ["V14", '`{"__proto__":{}}`', plain(async (lab) => body(await lab.post("/api/x/echo", '{"__proto__":{}}')))],
  ["V15", "JSON type, empty body", plain(async (lab) => body(await lab.post("/api/x/echo", "")))],
  ["V16", "no type, no body", plain(async (lab) => body(await lab.post("/api/x/echo", undefined, null)))],
  ["V17", "`text/plain`", plain(async (lab) => body(await lab.post("/api/x/echo", "hi", "text/plain")))],
  ["V18", "form", plain(async (lab) => body(await lab.post("/api/x/echo", "a=1", "application/x-www-form-urlencoded")))],
  ["V19", "`application/vnd.api+json`", plain(async (lab) => body(await lab.post("/api/x/echo", "{}", "application/vnd.api+json")))],
  ["V20", "11 MB JSON, default limit", plain(async (lab) => (await lab.post("/api/x/echo", shown({ a: "x".repeat(11e6) }))).status)],
  ["V21", "limit 1kb; 5 kB JSON / text / form", plain(async (lab) => {
    const large = "x".repeat(5000);
    const kinds = [[shown({ large }), "application/json"], [large, "text/plain"], [`a=${large}`, "application/x-www-form-urlencoded"]];
    const seen = [];
    for (const kind of kinds) seen.push((await lab.post("/api/x/echo", ...kind)).status);
    return seen.join(" / ");
  }, { config: { bodyParser: { maxSize: "1kb", jsonLimit: "1kb" } } })],
  ["V22", 'handler throws `Error("secret")`', plain((lab) => lab.get("/api/x/throw"), { routes: throwing(new Error("secret")) })],
  ["V23", "same, no `error` listener", plain((lab) => lab.get("/api/x/throw"), { routes: throwing(new Error("secret")), errorListener: false })],
  ["V24", "handler throws AuthenticationError", plain((lab) => lab.get("/api/x/throw"), { routes: throwing(new AuthenticationError("no")) })],
  ["V25", "handler throws `{status: 418}`", plain((lab) => lab.get("/api/x/throw"), { routes: throwing(Object.assign(new Error("tea"), { status: 418 })) })],
  ["V26", "auth middleware, no token", guarded((lab) => lab.get("/api/x/whoami"))],
  ["V27", "valid token: the handler's user; with `X-Request-ID`", guarded(async (lab) => {
    const [without, withId] = [await lab.get("/api/x/whoami", good), await lab.get("/api/x/whoami", { ...good, "X-Request-ID": "r1" })];
    return `${data(without)}; ${data(withId)}`;
  })],
  ["V28", "auth and role, valid admin; with `X-Request-ID`", guarded(async (lab) => {
    const [without, withId] = [await lab.get("/api/x/whoami", good), await lab.get("/api/x/whoami", { ...good, "X-Request-ID": "r1" })];
    return `${without}; ${withId}`;
  }, [createRoleMiddleware({ requiredRoles: ["admin"] })])],
  ["V29", "middleware registered after the routes", async (lab) => {
    let ran = false;
    await lab.serve({ routes, late: [{ name: "late", handler: (_ctx, next) => { ran = true; return next(); } }] });
    return `${await lab.get("/api/x/hello")}, ${ran ? "run" : "not run"}`;
  }],
  ["V30", "`/api/metrics` behind auth", guarded((lab) => lab.get("/api/metrics"))],
  ["V31", "auth on an unmatched path", guarded((lab) => lab.get("/api/x/nope"))],
  ["V32", "order of (late 100, early 1)", async (lab) => {
    const seen = [];
    const traced = (name, order) => ({ name, order, handler: async (_ctx, next) => { seen.push(name); const value = await next(); seen.push(`/${name}`); return value; } });
    await lab.serve({ middleware: [traced("late", 100), traced("early", 1)], routes: [["GET", "/api/x/hello", async () => { seen.push("handler"); await pause(30); seen.push("/handler"); return "x"; }]] });
    await lab.get("/api/x/hello");
    return seen.join(" ");
  }],
  ["V33", "middleware returns without `next()`", plain((lab) => lab.get("/api/x/hello"), { middleware: [{ name: "deny", handler: async () => ({ denied: true }) }] })],
  ["V34", "`paths: [/api/x/a]` on `/api/x/a/sub`", scoped({ paths: ["/api/x/a"] }, "/api/x/a/sub")],
  ["V35", "same on `/api/x/afoo`", scoped({ paths: ["/api/x/a"] }, "/api/x/afoo")],
  ["V36", "same on `/api/x/%61/sub`", scoped({ paths: ["/api/x/a"] }, "/api/x/%61/sub", "/api/x/a/sub")],
  ["V37", "`paths: [/api/x/a/*]` on `/api/x/a/sub`", scoped({ paths: ["/api/x/a/*"] }, "/api/x/a/sub")],
  ["V38", "`ctx.path` in middleware with paths", async (lab) => {
    let path = "not run";
    await lab.serve({ middleware: [{ name: "scoped", paths: ["/api/x"], handler: (ctx, next) => { path = ctx.path; return next(); } }, { name: "exact", paths: ["/api/x/hello"], handler: (ctx, next) => { if (path === "not run") path = `not run; exact: ${ctx.path}`; return next(); } }], routes });
    await lab.get("/api/x/hello");
    return path;
  }],
  ["V39", "`excludePaths: [/api/x/h]` on `/api/x/hello`", scoped({ excludePaths: ["/api/x/h"] }, "/api/x/hello")],
  ["V40", "a group's middleware on its route", async (lab) => {
    let ran = false;
    const middleware = [{ name: "group", handler: (_ctx, next) => { ran = true; return next(); } }];
    await lab.serve({ groups: [{ prefix: "/api/grp", middleware, routes: [{ method: "GET", path: "/api/grp/one", handler: async () => "one" }] }] });
    return `${await lab.get("/api/grp/one")}, ${ran ? "run" : "not run"}`;
  }],
  ["V41", "cache middleware, second GET", async (lab) => {
    let calls = 0;
    await lab.serve({ middleware: [createCacheMiddleware({ ttlMs: 60_000 })], routes: [["GET", "/api/x/hello", async () => (calls += 1)]] });
    await lab.get("/api/x/hello");
    const answer = await lab.get("/api/x/hello");
    return `${answer}, X-Cache ${answer.header("x-cache") ?? "none"}, handler called ${calls} times`;
  }],
  ["V42", "timing header of a 60 ms handler", async (lab) => {
    await lab.serve({ middleware: [createTimingMiddleware()], routes: [["GET", "/api/x/slow", async () => { await pause(60); return "x"; }]] });
    return (await lab.get("/api/x/slow")).header("x-response-time") ?? "none";
  }],
  ["V43", "security headers by default", plain(async (lab) => {
    const answer = await lab.get("/api/x/hello");
    return ["strict-transport-security", "x-frame-options", "x-powered-by"].map((name) => answer.header(name) ?? "none").join(" / ");
  })],
  ["V44", "with the middleware: X-Frame-Options", plain(async (lab) => (await lab.get("/api/x/hello")).header("x-frame-options") ?? "none", { middleware: [createSecurityHeadersMiddleware()] })],
  ["V45", "same on 404 / on a stream", plain(async (lab) => {
    const stream = await lab.post("/api/agent/stream", '{"input":"x"}');
    return `${(await lab.get("/nope")).header("x-frame-options") ?? "none"} / ${stream.header("x-frame-options") ?? "none"}`;
  }, { middleware: [createSecurityHeadersMiddleware()] })],
  ["V46", "the adapter's rate limit headers", limited({}, async (lab) => {
    const answer = await lab.get("/api/x/hello");
    const names = [...answer.head.matchAll(/^((?:x-)?ratelimit-[a-z]+):/gim)].map(([, name]) => name.toLowerCase().replace("ratelimit-", "…-"));
    const reset = answer.header("x-ratelimit-reset") ?? answer.header("ratelimit-reset");
    return `${names.join(" ")}, reset ${Number(reset) > 1e6 ? "epoch" : "delta"}`;
  })],
  ["V47", "third request, 2 allowed", limited({}, async (lab) => {
    await times(lab, "/api/x/hello", [{}, {}]);
    const answer = await lab.get("/api/x/hello");
    return `${answer}, Retry-After ${answer.header("retry-after") ?? "none"}`;
  })],
  ["V48", "`skipPaths`; `keyGenerator`: third request", async (lab) => {
    await limited({ skipPaths: ["/api/x"] }, async () => {})(lab);
    const skipped = await times(lab, "/api/x/hello", [{}, {}, {}]);
    let asked = false;
    await limited({ keyGenerator: () => { asked = true; return "k"; } }, async () => {})(lab);
    await lab.get("/api/x/hello");
    return `${skipped}; generator ${asked ? "asked" : "not asked"}`;
  }],
  ["V49", "third request with another X-Forwarded-For", limited({}, (lab) => times(lab, "/api/x/hello", [{}, {}, { "X-Forwarded-For": "1.2.3.4" }]))],
  ["V50", "a request after two 404s", limited({}, async (lab) => { await times(lab, "/nope", [{}, {}]); return (await lab.get("/api/x/hello")).status; })],
  ["V51", "createRateLimitMiddleware over its limit", plain(async (lab) => {
    await lab.get("/api/x/hello");
    const answer = await lab.get("/api/x/hello");
    return `${answer}, Retry-After ${answer.header("retry-after") ?? "none"}`;
  }, { middleware: [createRateLimitMiddleware({ maxRequests: 1, windowMs: 60_000 })] })],
  ["V52", "CORS default, a GET's ACAO", cors({})],
  ["V53", "origins `*` with credentials", cors({ origins: ["*"], credentials: true })],
  ["V54", "a foreign origin, with credentials", cors({ origins: ["https://app.example"], credentials: true })],
  ["V55", "CORS on a stream", plain(async (lab) => {
    const answer = await lab.ask("POST", "/api/agent/stream", { headers: { "Content-Type": "application/json", Origin: "https://app.example" }, body: '{"input":"x"}' });
    return answer.header("access-control-allow-origin") ?? "none";
  }, { config: { cors: { origins: ["https://app.example"] } } })],
  ["V56", "CORS on malformed JSON", plain(async (lab) => {
    const answer = await lab.ask("POST", "/api/x/echo", { headers: { "Content-Type": "application/json", Origin: "https://app.example" }, body: "{" });
    return answer.header("access-control-allow-origin") ?? "none";
  }, { config: { cors: { origins: ["https://app.example"] } } })],
  ["V57", "X-Request-ID on an answer / a stream / malformed JSON", plain(async (lab) => {
    const json = { "Content-Type": "application/json", "X-Request-ID": "r1" };
    const answers = [await lab.get("/api/x/hello", { "X-Request-ID": "r1" }), await lab.ask("POST", "/api/agent/stream", { headers: json, body: '{"input":"x"}' }), await lab.ask("POST", "/api/x/echo", { headers: json, body: "{" })];
    return answers.map((answer) => answer.header("x-request-id") ?? "none").join(" / ");
  })],
  ["V58", "700 ms handler, timeout 200 ms", async (lab) => {
    let finished = false;
    await lab.serve({ config: { timeout: 200 }, routes: [["GET", "/api/x/slow", async () => { await pause(700); finished = true; return "late"; }]] });
    const answer = await lab.get("/api/x/slow");
    await pause(700);
    return `${answer}, work ${finished ? "continues" : "stopped"}`;
  }],
  ["V59", "600 ms stream, timeout 200 ms", async (lab) => {
    await lab.serve({ config: { timeout: 200 }, own: counting().own });
    const answer = await lab.ask("POST", "/api/agent/stream", { headers: { "Content-Type": "application/json" }, body: '{"input":"x"}', wait: 5000 });
    return `${answer.status}, ${answer.body.match(/piece/g)?.length ?? 0} of 30 pieces`;
  }],
  ["V60", "client leaves a stream after 100 ms", leaves("/api/agent/stream", (made) => `${made.pieces} of 30 pieces made`)],
  ["V61", "client leaves execute after 100 ms", leaves("/api/agent/execute", (made) => (made.done ? "generate() completes" : "stopped"))],
  ["V62", "a stream's frames", frames({ input: "a b" })],
  ["V62", "a stream's validation error", frames({})],
  ["V62", "a stream's exception", frames({ input: "x" }, { ...engine, stream: async () => { throw new Error("secret"); } })],
  ["V63", "a request while stop() drains", async (lab) => {
    await lab.serve({ config: { shutdown: DRAIN }, routes: [hello, ["GET", "/api/x/slow", async () => { await pause(600); return "x"; }]] });
    const slow = lab.get("/api/x/slow");
    await pause(100);
    lab.server.stop().catch(() => {});
    await pause(100);
    const answer = await lab.get("/api/x/hello").catch((error) => error.code);
    return `${answer}, the request before ${await slow}`;
  }],
  ["V64", "stop() beside an idle connection, drain 1500 ms", async (lab) => {
    await lab.serve({ config: { shutdown: DRAIN }, routes });
    const { socket, until } = await lab.ask("GET", "/api/x/hello", { hold: true });
    await until("hello");
    const begun = Date.now();
    await lab.server.stop().catch(() => {});
    socket.destroy();
    return `${Math.round((Date.now() - begun) / 100) * 100} ms`;
  }],
  ["V65", "start() on a port in use", async (lab) => {
    await lab.serve();
    const { createServer } = await import("@juspay/neurolink/server");
    const second = await createServer(engine, { framework: lab.framework, config: { port: lab.port, host: "127.0.0.1", logging: { enabled: false } } });
    second.on("error", () => {});
    await second.initialize();
    const said = await second.start().then(() => "resolves", (error) => `rejects ${error.code ?? error.name}`);
    await pause(100);
    return `${said}, state ${second.getLifecycleState()}`;
  }],
  ["V66", "a route after stop, initialize, start", async (lab) => {
    await lab.serve({ routes });
    await lab.server.stop();
    await lab.server.initialize();
    await lab.server.start();
    await lab.listening();
    return `${await lab.get("/api/x/hello")}, ${lab.server.listRoutes().length} routes listed`;
  }],
  ["V67", "the same route twice", plain(async (lab) => data(await lab.get("/api/x/twice")), { routes: [["GET", "/api/x/twice", async () => "first"], ["GET", "/api/x/twice", async () => "second"]] })],
  ["V68", "handler's header with CRLF", plain((lab) => lab.get("/api/x/crlf"), { routes: [["GET", "/api/x/crlf", async (ctx) => { ctx.responseHeaders = { "x-a": "a\r\nx-b: b" }; return "x"; }]] })],
  ["V69", "JSON 20,000 deep", plain(async (lab) => { const answer = await lab.post("/api/x/echo", "[".repeat(20_000) + "]".repeat(20_000)); return answer.status === 200 ? 200 : answer; })],
  ["V70", "X-Request-ID of 5,000 characters", plain(async (lab) => {
    const answer = await lab.get("/api/x/hello", { "X-Request-ID": "x".repeat(5000) });
    return `${answer}, header ${answer.header("x-request-id")?.length ?? 0}, body ${answer.json?.metadata?.requestId?.length ?? 0}`;
  })],
  ["V72", "handler's header on an error answer / a stream", plain(async (lab) => {
    const answers = [await lab.get("/api/x/error"), await lab.get("/api/x/stream")];
    return answers.map((answer) => yesNo(answer.header("x-custom"))).join(" / ");
  }, { routes: [
    ["GET", "/api/x/error", async (ctx) => { ctx.responseHeaders = { "x-custom": "mine" }; return { error: { code: "NOT_FOUND", message: "x" }, httpStatus: 404 }; }],
    ["GET", "/api/x/stream", async function* (ctx) { ctx.responseHeaders = { "x-custom": "mine" }; yield { content: "x" }; }, { streaming: { enabled: true } }],
  ] })],
  ["V73", '`basePath: "api"`', async (lab) => { await lab.serve({ config: { basePath: "api" }, allRoutes: false }); return lab.get("/api/health"); }],
  ["V74", "1 kb limit exceeded: counted by the adapter's limiter", limited({ maxRequests: 2 }, async (lab) => {
    const large = shown({ large: "x".repeat(5000) });
    for (let n = 0; n < 2; n += 1) await lab.post("/api/x/echo", large);
    return (await lab.get("/api/x/hello")).status === 200 ? "no" : "yes";
  }, { config: { bodyParser: { maxSize: "1kb", jsonLimit: "1kb" }, rateLimit: { enabled: true, windowMs: 60_000, maxRequests: 2 } } })],
];
