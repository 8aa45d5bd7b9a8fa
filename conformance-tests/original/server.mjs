// One server of the original. It gets ready, and listens when its supervisor says so.

import { createServer, registerAllRoutes } from "@juspay/neurolink/server";
import { config, middleware } from "./access.mjs";
import { engine } from "./engine.mjs";
import { nativeRoute, testRoutes } from "./routes.mjs";

const { framework, port, withMiddleware, errorListener } = JSON.parse(process.argv[2]);

const server = await createServer(engine, { framework, config: { ...config, host: "127.0.0.1", port } });
// Without a listener Node throws what the adapter emits as `error` while it handles an error.
if (errorListener) server.on("error", () => {});
// Before anything is registered; the other order, which the documentation shows, throws.
await server.initialize();
if (withMiddleware) for (const one of middleware()) server.registerMiddleware(one);
registerAllRoutes(server, config.basePath);
for (const route of testRoutes(framework)) server.registerRoute(route);
nativeRoute(framework, server.getFrameworkInstance());

process.once("message", async () => {
  await server.start();
  process.send("started");
});
process.on("disconnect", () => process.exit());
process.send("ready");
