// Experiments: errors and middleware.

import {
  AuthenticationError,
  createCacheMiddleware,
  createRoleMiddleware,
  createSecurityHeadersMiddleware,
  createTimingMiddleware,
} from "@juspay/neurolink/server";
import { data, good, guarded, pause, plain, routes, scoped, throwing } from "./helpers.mjs";

export const middleware = [
  [
    "V22",
    'handler throws `Error("secret")`',
    plain((lab) => lab.get("/api/x/throw"), { routes: throwing(new Error("secret")) }),
  ],
  [
    "V23",
    "same, no `error` listener",
    plain((lab) => lab.get("/api/x/throw"), { routes: throwing(new Error("secret")), errorListener: false }),
  ],
  [
    "V24",
    "handler throws AuthenticationError",
    plain((lab) => lab.get("/api/x/throw"), { routes: throwing(new AuthenticationError("no")) }),
  ],
  [
    "V25",
    "handler throws `{status: 418}`",
    plain((lab) => lab.get("/api/x/throw"), { routes: throwing(Object.assign(new Error("tea"), { status: 418 })) }),
  ],
  ["V26", "auth middleware, no token", guarded((lab) => lab.get("/api/x/whoami"))],
  [
    "V27",
    "valid token: the handler's user; with `X-Request-ID`",
    guarded(async (lab) => {
      const [without, withId] = [
        await lab.get("/api/x/whoami", good),
        await lab.get("/api/x/whoami", { ...good, "X-Request-ID": "r1" }),
      ];
      return `${data(without)}; ${data(withId)}`;
    }),
  ],
  [
    "V28",
    "auth and role, valid admin; with `X-Request-ID`",
    guarded(
      async (lab) => {
        const [without, withId] = [
          await lab.get("/api/x/whoami", good),
          await lab.get("/api/x/whoami", { ...good, "X-Request-ID": "r1" }),
        ];
        return `${without}; ${withId}`;
      },
      [createRoleMiddleware({ requiredRoles: ["admin"] })],
    ),
  ],
  [
    "V29",
    "middleware registered after the routes",
    async (lab) => {
      let ran = false;
      await lab.serve({
        routes,
        late: [
          {
            name: "late",
            handler: (_ctx, next) => {
              ran = true;
              return next();
            },
          },
        ],
      });
      return `${await lab.get("/api/x/hello")}, ${ran ? "run" : "not run"}`;
    },
  ],
  ["V30", "`/api/metrics` behind auth", guarded((lab) => lab.get("/api/metrics"))],
  ["V31", "auth on an unmatched path", guarded((lab) => lab.get("/api/x/nope"))],
  [
    "V32",
    "order of (late 100, early 1)",
    async (lab) => {
      const seen = [];
      const traced = (name, order) => ({
        name,
        order,
        handler: async (_ctx, next) => {
          seen.push(name);
          const value = await next();
          seen.push(`/${name}`);
          return value;
        },
      });
      await lab.serve({
        middleware: [traced("late", 100), traced("early", 1)],
        routes: [
          [
            "GET",
            "/api/x/hello",
            async () => {
              seen.push("handler");
              await pause(30);
              seen.push("/handler");
              return "x";
            },
          ],
        ],
      });
      await lab.get("/api/x/hello");
      return seen.join(" ");
    },
  ],
  [
    "V33",
    "middleware returns without `next()`",
    plain((lab) => lab.get("/api/x/hello"), {
      middleware: [{ name: "deny", handler: async () => ({ denied: true }) }],
    }),
  ],
  ["V34", "`paths: [/api/x/a]` on `/api/x/a/sub`", scoped({ paths: ["/api/x/a"] }, "/api/x/a/sub")],
  ["V35", "same on `/api/x/afoo`", scoped({ paths: ["/api/x/a"] }, "/api/x/afoo")],
  ["V36", "same on `/api/x/%61/sub`", scoped({ paths: ["/api/x/a"] }, "/api/x/%61/sub", "/api/x/a/sub")],
  ["V37", "`paths: [/api/x/a/*]` on `/api/x/a/sub`", scoped({ paths: ["/api/x/a/*"] }, "/api/x/a/sub")],
  [
    "V38",
    "`ctx.path` in middleware with paths",
    async (lab) => {
      let path = "not run";
      await lab.serve({
        middleware: [
          {
            name: "scoped",
            paths: ["/api/x"],
            handler: (ctx, next) => {
              path = ctx.path;
              return next();
            },
          },
          {
            name: "exact",
            paths: ["/api/x/hello"],
            handler: (ctx, next) => {
              if (path === "not run") path = `not run; exact: ${ctx.path}`;
              return next();
            },
          },
        ],
        routes,
      });
      await lab.get("/api/x/hello");
      return path;
    },
  ],
  ["V39", "`excludePaths: [/api/x/h]` on `/api/x/hello`", scoped({ excludePaths: ["/api/x/h"] }, "/api/x/hello")],
  [
    "V40",
    "a group's middleware on its route",
    async (lab) => {
      let ran = false;
      const middleware = [
        {
          name: "group",
          handler: (_ctx, next) => {
            ran = true;
            return next();
          },
        },
      ];
      await lab.serve({
        groups: [
          {
            prefix: "/api/grp",
            middleware,
            routes: [{ method: "GET", path: "/api/grp/one", handler: async () => "one" }],
          },
        ],
      });
      return `${await lab.get("/api/grp/one")}, ${ran ? "run" : "not run"}`;
    },
  ],
  [
    "V41",
    "cache middleware, second GET",
    async (lab) => {
      let calls = 0;
      await lab.serve({
        middleware: [createCacheMiddleware({ ttlMs: 60_000 })],
        routes: [["GET", "/api/x/hello", async () => (calls += 1)]],
      });
      await lab.get("/api/x/hello");
      const answer = await lab.get("/api/x/hello");
      return `${answer}, X-Cache ${answer.header("x-cache") ?? "none"}, handler called ${calls} times`;
    },
  ],
  [
    "V42",
    "timing header of a 60 ms handler",
    async (lab) => {
      await lab.serve({
        middleware: [createTimingMiddleware()],
        routes: [
          [
            "GET",
            "/api/x/slow",
            async () => {
              await pause(60);
              return "x";
            },
          ],
        ],
      });
      return (await lab.get("/api/x/slow")).header("x-response-time") ?? "none";
    },
  ],
  [
    "V43",
    "security headers by default",
    plain(async (lab) => {
      const answer = await lab.get("/api/x/hello");
      return ["strict-transport-security", "x-frame-options", "x-powered-by"]
        .map((name) => answer.header(name) ?? "none")
        .join(" / ");
    }),
  ],
  [
    "V44",
    "with the middleware: X-Frame-Options",
    plain(async (lab) => (await lab.get("/api/x/hello")).header("x-frame-options") ?? "none", {
      middleware: [createSecurityHeadersMiddleware()],
    }),
  ],
  [
    "V45",
    "same on 404 / on a stream",
    plain(
      async (lab) => {
        const stream = await lab.post("/api/agent/stream", '{"input":"x"}');
        return `${(await lab.get("/nope")).header("x-frame-options") ?? "none"} / ${stream.header("x-frame-options") ?? "none"}`;
      },
      { middleware: [createSecurityHeadersMiddleware()] },
    ),
  ],
];
