// Experiments: limits, CORS, request ids, timeouts and clients that leave.

import { createRateLimitMiddleware } from "@juspay/neurolink/server";
import { cors, counting, leaves, limited, pause, plain, times } from "./helpers.mjs";

export const limits = [
  [
    "V46",
    "the adapter's rate limit headers",
    limited({}, async (lab) => {
      const answer = await lab.get("/api/x/hello");
      const names = [...answer.head.matchAll(/^((?:x-)?ratelimit-[a-z]+):/gim)].map(([, name]) =>
        name.toLowerCase().replace("ratelimit-", "…-"),
      );
      const reset = answer.header("x-ratelimit-reset") ?? answer.header("ratelimit-reset");
      return `${names.join(" ")}, reset ${Number(reset) > 1e6 ? "epoch" : "delta"}`;
    }),
  ],
  [
    "V47",
    "third request, 2 allowed",
    limited({}, async (lab) => {
      await times(lab, "/api/x/hello", [{}, {}]);
      const answer = await lab.get("/api/x/hello");
      return `${answer}, Retry-After ${answer.header("retry-after") ?? "none"}`;
    }),
  ],
  [
    "V48",
    "`skipPaths`; `keyGenerator`: third request",
    async (lab) => {
      await limited({ skipPaths: ["/api/x"] }, async () => {})(lab);
      const skipped = await times(lab, "/api/x/hello", [{}, {}, {}]);
      let asked = false;
      await limited(
        {
          keyGenerator: () => {
            asked = true;
            return "k";
          },
        },
        async () => {},
      )(lab);
      await lab.get("/api/x/hello");
      return `${skipped}; generator ${asked ? "asked" : "not asked"}`;
    },
  ],
  [
    "V49",
    "third request with another X-Forwarded-For",
    limited({}, (lab) => times(lab, "/api/x/hello", [{}, {}, { "X-Forwarded-For": "1.2.3.4" }])),
  ],
  [
    "V50",
    "a request after two 404s",
    limited({}, async (lab) => {
      await times(lab, "/nope", [{}, {}]);
      return (await lab.get("/api/x/hello")).status;
    }),
  ],
  [
    "V51",
    "createRateLimitMiddleware over its limit",
    plain(
      async (lab) => {
        await lab.get("/api/x/hello");
        const answer = await lab.get("/api/x/hello");
        return `${answer}, Retry-After ${answer.header("retry-after") ?? "none"}`;
      },
      { middleware: [createRateLimitMiddleware({ maxRequests: 1, windowMs: 60_000 })] },
    ),
  ],
  ["V52", "CORS default, a GET's ACAO", cors({})],
  ["V53", "origins `*` with credentials", cors({ origins: ["*"], credentials: true })],
  ["V54", "a foreign origin, with credentials", cors({ origins: ["https://app.example"], credentials: true })],
  [
    "V55",
    "CORS on a stream",
    plain(
      async (lab) => {
        const answer = await lab.ask("POST", "/api/agent/stream", {
          headers: { "Content-Type": "application/json", Origin: "https://app.example" },
          body: '{"input":"x"}',
        });
        return answer.header("access-control-allow-origin") ?? "none";
      },
      { config: { cors: { origins: ["https://app.example"] } } },
    ),
  ],
  [
    "V56",
    "CORS on malformed JSON",
    plain(
      async (lab) => {
        const answer = await lab.ask("POST", "/api/x/echo", {
          headers: { "Content-Type": "application/json", Origin: "https://app.example" },
          body: "{",
        });
        return answer.header("access-control-allow-origin") ?? "none";
      },
      { config: { cors: { origins: ["https://app.example"] } } },
    ),
  ],
  [
    "V57",
    "X-Request-ID on an answer / a stream / malformed JSON",
    plain(async (lab) => {
      const json = { "Content-Type": "application/json", "X-Request-ID": "r1" };
      const answers = [
        await lab.get("/api/x/hello", { "X-Request-ID": "r1" }),
        await lab.ask("POST", "/api/agent/stream", { headers: json, body: '{"input":"x"}' }),
        await lab.ask("POST", "/api/x/echo", { headers: json, body: "{" }),
      ];
      return answers.map((answer) => answer.header("x-request-id") ?? "none").join(" / ");
    }),
  ],
  [
    "V58",
    "700 ms handler, timeout 200 ms",
    async (lab) => {
      let finished = false;
      await lab.serve({
        config: { timeout: 200 },
        routes: [
          [
            "GET",
            "/api/x/slow",
            async () => {
              await pause(700);
              finished = true;
              return "late";
            },
          ],
        ],
      });
      const answer = await lab.get("/api/x/slow");
      await pause(700);
      return `${answer}, work ${finished ? "continues" : "stopped"}`;
    },
  ],
  [
    "V59",
    "600 ms stream, timeout 200 ms",
    async (lab) => {
      await lab.serve({ config: { timeout: 200 }, own: counting().own });
      const answer = await lab.ask("POST", "/api/agent/stream", {
        headers: { "Content-Type": "application/json" },
        body: '{"input":"x"}',
        wait: 5000,
      });
      return `${answer.status}, ${answer.body.match(/piece/g)?.length ?? 0} of 30 pieces`;
    },
  ],
  [
    "V60",
    "client leaves a stream after 100 ms",
    leaves("/api/agent/stream", (made) => `${made.pieces} of 30 pieces made`),
  ],
  [
    "V61",
    "client leaves execute after 100 ms",
    leaves("/api/agent/execute", (made) => (made.done ? "generate() completes" : "stopped")),
  ],
];
