// The routes below /api/test, and the one that only the framework's own handler answers.

const SECRET = "secret db password=hunter2";

/** A path that takes all that follows is written differently in each framework. */
const REST = { hono: ":rest{.+}", express: "*rest", fastify: "*", koa: "{*rest}" };

const list = (value) => (Array.isArray(value) ? value : [value]);
const fields = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

function withHeaders(ctx, headers, data) {
  ctx.responseHeaders = { ...ctx.responseHeaders, ...headers };
  return data;
}

async function* failing(texts, message) {
  for (const content of texts) yield { content };
  throw new Error(message);
}

function fail() {
  throw new Error(SECRET);
}

const streaming = { enabled: true, contentType: "text/event-stream" };

export function testRoutes(framework) {
  const route = (method, path, handler, more) => ({ method, path: `/api/test/${path}`, handler, ...more });
  return [
    route("GET", "admin", async () => "admin"),
    route("GET", "optional", async ({ user }) => ({ user: user?.id ?? null })),
    route("GET", "whoami", async ({ user }) => ({ id: user?.id ?? null, roles: user?.roles ?? null })),
    route("GET", "panic", async () => fail()),
    route("GET", "error", async () => fail()),
    route("GET", "slow", () => new Promise((resolve) => setTimeout(resolve, 5000, "late"))),
    route("POST", "echo", async ({ body }) => ({ body: body ?? null })),
    route("POST", "upload", async ({ body }) => ({
      bytes: Buffer.byteLength(typeof body === "string" ? body : JSON.stringify(body ?? "")),
    })),
    route("PUT", "none", async () => "none"),
    route("DELETE", "none", async () => "none"),
    route("GET", "params/:id", async ({ params }) => ({ id: params.id })),
    route("GET", `files/${REST[framework]}`, async ({ params }) => ({
      rest: list(params.rest ?? params["*"]).join("/"),
    })),
    route("GET", "query", async ({ query }) => ({
      last: fields(query, (value) => list(value).at(-1)),
      all: fields(query, list),
    })),
    route("GET", "headers", async ({ headers }) =>
      Object.entries(headers).filter(([name]) => name.startsWith("x-test")),
    ),
    route("GET", "set-cookies", async (ctx) => withHeaders(ctx, { "Set-Cookie": ["a=1", "b=2"] }, "cookies")),
    route("GET", "many", async (ctx) =>
      withHeaders(ctx, { "x-custom": "mine", "x-frame-options": "SAMEORIGIN" }, "many"),
    ),
    route("GET", "panic-stream", async () => failing(["event 0", "event 1"], SECRET), { streaming }),
    route("GET", "stream-error", async () => failing(["event 0"], "provider key sk-123 invalid, password=hunter2"), {
      streaming,
    }),
    route("POST", "unsafe", async () => "done"),
  ];
}

/** Adds /native/hello with the framework's own means. */
export function nativeRoute(framework, app) {
  const hello = `hello from ${framework}`;
  const path = "/native/hello";
  if (framework === "hono") app.get(path, (c) => c.text(hello));
  if (framework === "express") app.get(path, (_request, response) => response.type("text").send(hello));
  if (framework === "fastify") app.get(path, async () => hello);
  if (framework === "koa") {
    app.use(async (ctx, next) => {
      if (ctx.method === "GET" && ctx.path === path) ctx.body = hello;
      else await next();
    });
  }
}
