// Keeps one framework of the original answering on a port, even when a request ends its process:
//   node serve.mjs --framework hono|express|fastify|koa --port N [--middleware on|off] [--error-listener on|off]
// Prints one JSON line with the address; ends on SIGTERM and at the end of its input. Crashes are JSON lines on stderr.

import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { parseArgs } from "node:util";

const onOff = { type: "string", default: "on" };
const { values } = parseArgs({
  options: {
    framework: { type: "string" },
    port: { type: "string", default: "0" },
    middleware: onOff,
    "error-listener": onOff,
  },
});
const switches = [values.middleware, values["error-listener"]];
if (
  !["hono", "express", "fastify", "koa"].includes(values.framework) ||
  !switches.every((value) => ["on", "off"].includes(value))
) {
  console.error(
    "usage: serve.mjs --framework hono|express|fastify|koa --port N [--middleware on|off] [--error-listener on|off]",
  );
  process.exit(2);
}

/**
 * The adapters do not tell which port they got for 0, so it is chosen here: below those that the system gives to
 * clients, so that none of them takes it while a server starts again.
 */
async function freePort() {
  const probe = createServer().listen(20_000 + Math.floor(Math.random() * 12_000), "127.0.0.1");
  const free = await once(probe, "listening").then(
    () => true,
    () => false,
  );
  if (!free) return freePort();
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

const port = Number(values.port) || (await freePort());
const options = {
  framework: values.framework,
  port,
  withMiddleware: values.middleware === "on",
  errorListener: values["error-listener"] === "on",
};
const STDERR_KEPT = 2000;

/** Starts a process that is about to listen. */
function spare() {
  const child = fork(new URL("server.mjs", import.meta.url), [JSON.stringify(options)], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.said = "";
  child.stderr.on("data", (text) => (child.said = (child.said + text).slice(-STDERR_KEPT)));
  child.ready = once(child, "message");
  child.gone = once(child, "close");
  return child;
}

/** Lets a process listen, and tells whether it does. */
async function listens(child) {
  const died = child.gone.then(() => false);
  if ((await Promise.race([child.ready, died])) === false) return false;
  const started = once(child, "message").then(() => true);
  child.send("listen");
  return (await Promise.race([started, died])) && (await accepts());
}

/** Hono's adapter calls itself started before it listens. */
async function accepts() {
  const deadline = Date.now() + 5000;
  while (Date.now() < deadline) {
    const socket = connect(port, "127.0.0.1");
    const open = await Promise.race([once(socket, "connect"), once(socket, "error")]).then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

let current = spare();
let next = spare();
let crashes = 0;

function stop() {
  for (const child of [current, next]) {
    child.removeAllListeners();
    child.kill("SIGKILL");
  }
  console.error(JSON.stringify({ event: "stopped", framework: values.framework, crashes }));
  process.exit();
}
process.on("SIGTERM", stop).on("SIGINT", stop);
process.stdin.on("end", stop).on("error", stop).resume();

for (let first = true; ; first = false) {
  if (!(await listens(current))) {
    console.error(JSON.stringify({ event: "not started", framework: values.framework, stderr: current.said }));
    next.kill("SIGKILL");
    process.exit(1);
  }
  if (first) console.log(JSON.stringify({ framework: values.framework, address: `http://127.0.0.1:${port}` }));
  const [code, signal] = await current.gone;
  crashes += 1;
  console.error(JSON.stringify({ event: "crashed", framework: values.framework, code, signal, stderr: current.said }));
  [current, next] = [next, spare()];
}
