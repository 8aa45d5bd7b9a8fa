// Experiments: streams, the life of a server, and what is sent to break it.

import { createServer } from "@juspay/neurolink/server";
import { engine } from "../engine.mjs";
import { data, DRAIN, frames, hello, limited, pause, plain, routes, shown, yesNo } from "./helpers.mjs";

export const life = [
  ["V62", "a stream's frames", frames({ input: "a b" })],
  ["V62", "a stream's validation error", frames({})],
  [
    "V62",
    "a stream's exception",
    frames(
      { input: "x" },
      {
        ...engine,
        stream: async () => {
          throw new Error("secret");
        },
      },
    ),
  ],
  [
    "V63",
    "a request while stop() drains",
    async (lab) => {
      await lab.serve({
        config: { shutdown: DRAIN },
        routes: [
          hello,
          [
            "GET",
            "/api/x/slow",
            async () => {
              await pause(600);
              return "x";
            },
          ],
        ],
      });
      const slow = lab.get("/api/x/slow");
      await pause(100);
      lab.server.stop().catch(() => {});
      await pause(100);
      const answer = await lab.get("/api/x/hello").catch((error) => error.code);
      return `${answer}, the request before ${await slow}`;
    },
  ],
  [
    "V64",
    "stop() beside an idle connection, drain 1500 ms",
    async (lab) => {
      await lab.serve({ config: { shutdown: DRAIN }, routes });
      const { socket, until } = await lab.ask("GET", "/api/x/hello", { hold: true });
      await until("hello");
      const begun = Date.now();
      await lab.server.stop().catch(() => {});
      socket.destroy();
      return `${Math.round((Date.now() - begun) / 100) * 100} ms`;
    },
  ],
  [
    "V65",
    "start() on a port in use",
    async (lab) => {
      await lab.serve();
      const second = await createServer(engine, {
        framework: lab.framework,
        config: { port: lab.port, host: "127.0.0.1", logging: { enabled: false } },
      });
      second.on("error", () => {});
      await second.initialize();
      const said = await second.start().then(
        () => "resolves",
        (error) => `rejects ${error.code ?? error.name}`,
      );
      await pause(100);
      return `${said}, state ${second.getLifecycleState()}`;
    },
  ],
  [
    "V66",
    "a route after stop, initialize, start",
    async (lab) => {
      await lab.serve({ routes });
      await lab.server.stop();
      await lab.server.initialize();
      await lab.server.start();
      await lab.listening();
      return `${await lab.get("/api/x/hello")}, ${lab.server.listRoutes().length} routes listed`;
    },
  ],
  [
    "V67",
    "the same route twice",
    plain(async (lab) => data(await lab.get("/api/x/twice")), {
      routes: [
        ["GET", "/api/x/twice", async () => "first"],
        ["GET", "/api/x/twice", async () => "second"],
      ],
    }),
  ],
  [
    "V68",
    "handler's header with CRLF",
    plain((lab) => lab.get("/api/x/crlf"), {
      routes: [
        [
          "GET",
          "/api/x/crlf",
          async (ctx) => {
            ctx.responseHeaders = { "x-a": "a\r\nx-b: b" };
            return "x";
          },
        ],
      ],
    }),
  ],
  [
    "V69",
    "JSON 20,000 deep",
    plain(async (lab) => {
      const answer = await lab.post("/api/x/echo", "[".repeat(20_000) + "]".repeat(20_000));
      return answer.status === 200 ? 200 : answer;
    }),
  ],
  [
    "V70",
    "X-Request-ID of 5,000 characters",
    plain(async (lab) => {
      const answer = await lab.get("/api/x/hello", { "X-Request-ID": "x".repeat(5000) });
      return `${answer}, header ${answer.header("x-request-id")?.length ?? 0}, body ${answer.json?.metadata?.requestId?.length ?? 0}`;
    }),
  ],
  [
    "V72",
    "handler's header on an error answer / a stream",
    plain(
      async (lab) => {
        const answers = [await lab.get("/api/x/error"), await lab.get("/api/x/stream")];
        return answers.map((answer) => yesNo(answer.header("x-custom"))).join(" / ");
      },
      {
        routes: [
          [
            "GET",
            "/api/x/error",
            async (ctx) => {
              ctx.responseHeaders = { "x-custom": "mine" };
              return { error: { code: "NOT_FOUND", message: "x" }, httpStatus: 404 };
            },
          ],
          [
            "GET",
            "/api/x/stream",
            async function* (ctx) {
              ctx.responseHeaders = { "x-custom": "mine" };
              yield { content: "x" };
            },
            { streaming: { enabled: true } },
          ],
        ],
      },
    ),
  ],
  [
    "V73",
    '`basePath: "api"`',
    async (lab) => {
      await lab.serve({ config: { basePath: "api" }, allRoutes: false });
      return lab.get("/api/health");
    },
  ],
  [
    "V74",
    "1 kb limit exceeded: counted by the adapter's limiter",
    limited(
      { maxRequests: 2 },
      async (lab) => {
        const large = shown({ large: "x".repeat(5000) });
        for (let n = 0; n < 2; n += 1) await lab.post("/api/x/echo", large);
        return (await lab.get("/api/x/hello")).status === 200 ? "no" : "yes";
      },
      {
        config: {
          bodyParser: { maxSize: "1kb", jsonLimit: "1kb" },
          rateLimit: { enabled: true, windowMs: 60_000, maxRequests: 2 },
        },
      },
    ),
  ],
];
