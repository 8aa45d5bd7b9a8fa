// Experiments: what becomes of a path, a query and a body.

import { body, data, plain, shown, yesNo } from "./helpers.mjs";

export const requests = [
  [
    "V1",
    "`GET /nope?q=1`",
    plain(async (lab) => {
      const answer = await lab.get("/nope?q=1");
      return answer.json
        ? `${answer}, metadata ${yesNo(answer.json.metadata)}, query told ${yesNo(answer.body.includes("q=1"))}`
        : answer;
    }),
  ],
  [
    "V2",
    "`POST /api/health`",
    plain(async (lab) => {
      const answer = await lab.post("/api/health", undefined, null);
      return `${answer}, Allow ${answer.header("allow") ?? "none"}`;
    }),
  ],
  ["V3", "`HEAD /api/health`", plain((lab) => lab.ask("HEAD", "/api/health"))],
  ["V4", "`OPTIONS`, no CORS headers", plain((lab) => lab.ask("OPTIONS", "/api/health"))],
  ["V5", "`/api/health/`", plain((lab) => lab.get("/api/health/"))],
  ["V6", "`/API/HEALTH`", plain((lab) => lab.get("/API/HEALTH"))],
  ["V7", "`//api//health`", plain((lab) => lab.get("//api//health"))],
  ["V8", "`%zz` in a parameter", plain(async (lab) => data(await lab.get("/api/x/param/%zz")))],
  ["V9", "`/api/x/%61dmin`", plain((lab) => lab.get("/api/x/%61dmin"))],
  ["V10", "parameter `a%2Fb`", plain(async (lab) => data(await lab.get("/api/x/param/a%2Fb")))],
  ["V11", "`?q=a&q=b`", plain(async (lab) => data(await lab.get("/api/x/query?q=a&q=b")))],
  [
    "V12",
    "malformed JSON to the agent",
    plain(async (lab) => {
      const answer = await lab.ask("POST", "/api/agent/execute", {
        headers: { "Content-Type": "application/json", Origin: "https://a.example" },
        body: "{",
      });
      return `${answer}, requestId ${yesNo(answer.json?.metadata?.requestId)}`;
    }),
  ],
  [
    "V13",
    '`"str"`; `null` as JSON',
    plain(
      async (lab) => `${body(await lab.post("/api/x/echo", '"str"'))}; ${body(await lab.post("/api/x/echo", "null"))}`,
    ),
  ],
  ["V14", '`{"__proto__":{}}`', plain(async (lab) => body(await lab.post("/api/x/echo", '{"__proto__":{}}')))],
  ["V15", "JSON type, empty body", plain(async (lab) => body(await lab.post("/api/x/echo", "")))],
  ["V16", "no type, no body", plain(async (lab) => body(await lab.post("/api/x/echo", undefined, null)))],
  ["V17", "`text/plain`", plain(async (lab) => body(await lab.post("/api/x/echo", "hi", "text/plain")))],
  [
    "V18",
    "form",
    plain(async (lab) => body(await lab.post("/api/x/echo", "a=1", "application/x-www-form-urlencoded"))),
  ],
  [
    "V19",
    "`application/vnd.api+json`",
    plain(async (lab) => body(await lab.post("/api/x/echo", "{}", "application/vnd.api+json"))),
  ],
  [
    "V20",
    "11 MB JSON, default limit",
    plain(async (lab) => (await lab.post("/api/x/echo", shown({ a: "x".repeat(11e6) }))).status),
  ],
  [
    "V21",
    "limit 1kb; 5 kB JSON / text / form",
    plain(
      async (lab) => {
        const large = "x".repeat(5000);
        const kinds = [
          [shown({ large }), "application/json"],
          [large, "text/plain"],
          [`a=${large}`, "application/x-www-form-urlencoded"],
        ];
        const seen = [];
        for (const kind of kinds) seen.push((await lab.post("/api/x/echo", ...kind)).status);
        return seen.join(" / ");
      },
      { config: { bodyParser: { maxSize: "1kb", jsonLimit: "1kb" } } },
    ),
  ],
];
