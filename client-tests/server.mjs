// A server of ours on a free port, with the configuration of the conformance suite, and what that configuration says.
import { spawn } from "node:child_process";
import { resolve } from "node:path";

export const TOKEN = "reference-user-token-0123456789abcdef";
export const API_KEY = "reference-api-key-0123456789abcdef";
export const ORIGIN = "https://app.example.com";
export const FRAMEWORKS = ["axum", "actix", "warp", "poem"];

const BINARY = process.env.NEUROLINK_BIN ?? resolve("..", process.env.CARGO_TARGET_DIR ?? "target", "debug/neurolink");
const CONFIG = "../conformance-tests/reference.toml";

/** Starts a server and gives its URL and a way to stop it. */
export function serve(framework) {
  return new Promise((done, reject) => {
    const child = spawn(BINARY, ["serve", "--framework", framework, "--port", "0", "--config", CONFIG]);
    let output = "";
    const collect = (chunk) => {
      output += chunk;
      const found = /listening on (http:\/\/\S+)/.exec(output);
      if (found) done({ url: found[1], stop: () => child.kill("SIGTERM") });
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
}
