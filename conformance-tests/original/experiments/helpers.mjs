// What experiments have in common.

import { createAuthMiddleware } from "@juspay/neurolink/server";
import { engine } from "../engine.mjs";

export const DRAIN = { drainTimeoutMs: 1500, gracefulShutdownTimeoutMs: 3000 };
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const yesNo = (value) => (value ? "yes" : "no");
export const shown = (value) => (value === undefined ? "undefined" : JSON.stringify(value));

export const echo = ["POST", "/api/x/echo", async ({ body }) => ({ body: body === undefined ? "undefined" : body })];
export const param = ["GET", "/api/x/param/:id", async ({ params }) => params];
export const hello = ["GET", "/api/x/hello", async () => "hello"];
export const routes = [
  echo,
  param,
  hello,
  ["GET", "/api/x/admin", async () => "admin"],
  ["GET", "/api/x/query", async ({ query }) => query],
];
export const throwing = (error) => [
  [
    "GET",
    "/api/x/throw",
    async () => {
      throw error;
    },
  ],
];

/** An experiment with the plain server. */
export const plain = (experiment, options) => async (lab) => {
  await lab.serve({ routes, ...options });
  return experiment(lab);
};
export const body = (answer) => (answer.status === 200 ? `200 ${shown(answer.json.data.body)}` : answer);
export const data = (answer) => (answer.status === 200 ? `200 ${shown(answer.json.data)}` : answer);

export const auth = () =>
  createAuthMiddleware({
    type: "bearer",
    validate: async (token) => (token === "good" ? { id: "u1", roles: ["admin"] } : null),
  });
export const good = { Authorization: "Bearer good" };
export const whoami = ["GET", "/api/x/whoami", async ({ user }) => ({ user: user?.id ?? null })];
export const guarded = (experiment, more = []) =>
  plain(experiment, { middleware: [auth(), ...more], routes: [whoami, hello] });

/** Whether a middleware with these settings ran for a path, and what was answered. */
export const scoped =
  (settings, path, route = path) =>
  async (lab) => {
    let ran = false;
    const handler = (_ctx, next) => {
      ran = true;
      return next();
    };
    await lab.serve({
      middleware: [{ name: "scoped", handler, ...settings }],
      routes: [["GET", route, async () => "handler"]],
    });
    const answer = await lab.get(path);
    return `${answer}, ${ran ? "run" : "not run"}`;
  };

export const cors = (settings, path = "/api/x/hello") =>
  plain(
    async (lab) => {
      const answer = await lab.get(path, { Origin: "https://evil.example" });
      const credentials = answer.header("access-control-allow-credentials");
      return `${answer.header("access-control-allow-origin") ?? "none"}${credentials ? `, credentials ${credentials}` : ""}`;
    },
    { config: { cors: settings } },
  );

export const limited = (settings, experiment, more) =>
  plain(experiment, {
    config: { rateLimit: { enabled: true, windowMs: 60_000, maxRequests: 2, ...settings } },
    ...more,
  });
export const times = async (lab, path, headers) => {
  const seen = [];
  for (const each of headers) seen.push((await lab.get(path, each)).status);
  return seen.join(", ");
};

/** An engine that counts what it makes, a piece each 20 ms. */
export function counting() {
  const made = { pieces: 0, done: false };
  const own = {
    ...engine,
    generate: async () => {
      await pause(300);
      made.done = true;
      return { content: "late" };
    },
    stream: async () => ({
      stream: (async function* () {
        for (; made.pieces < 30; made.pieces += 1) {
          yield { content: "piece" };
          await pause(20);
        }
      })(),
    }),
  };
  return { made, own };
}

export const leaves = (path, experiment) => async (lab) => {
  const { made, own } = counting();
  await lab.serve({ own });
  const json = { "Content-Type": "application/json" };
  const { socket } = await lab.ask("POST", path, { headers: json, body: '{"input":"x"}', hold: true });
  await pause(100);
  socket.destroy();
  await pause(3000);
  return experiment(made);
};

export const frames = (input, own = engine) =>
  plain(
    async (lab) => {
      const answer = await lab.post("/api/agent/stream", shown(input));
      const lines = answer.body
        .replaceAll(/"(?:timestamp|metadata)":[^}]*}?/g, "…")
        .split(/\r?\n/)
        .filter((line) => /^(event|data):/.test(line));
      const told = lines.length > 4 ? [...lines.slice(0, 2), "…", ...lines.slice(-2)] : lines;
      return `${answer.status} \`${told.join(" ⏎ ").replaceAll(/"details":.*\]/g, '"details":…')}\``;
    },
    { own },
  );
