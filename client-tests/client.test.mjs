// The original's real client, unchanged, against our server on each framework.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { collectStream, createAsyncStream, createClient } from "@juspay/neurolink/client";

const BINARY = process.env.NEUROLINK_BIN ?? "../target/debug/neurolink";
const CONFIG = "../conformance-tests/reference.toml";
const TOKEN = "reference-user-token-0123456789abcdef";
const API_KEY = "reference-api-key-0123456789abcdef";
const ORIGIN = "https://app.example.com";

/** Starts a server on a free port and gives its URL and a way to stop it. */
function serve(framework) {
  return new Promise((resolve, reject) => {
    const child = spawn(BINARY, ["serve", "--framework", framework, "--port", "0", "--config", CONFIG]);
    let output = "";
    const collect = (chunk) => {
      output += chunk;
      const found = /listening on (http:\/\/\S+)/.exec(output);
      if (found) resolve({ url: found[1], stop: () => child.kill("SIGTERM") });
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
}

/** A fetch as a page at ORIGIN has it: it sends Origin, asks first, and hides what CORS does not show. */
function browserFetch(url, init = {}) {
  const headers = new Headers(init.headers);
  const asked = [...headers.keys()].filter((name) => !["accept", "content-language"].includes(name));
  return (async () => {
    const preflight = await fetch(url, {
      method: "OPTIONS",
      headers: {
        origin: ORIGIN,
        "access-control-request-method": init.method ?? "GET",
        "access-control-request-headers": asked.join(", "),
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), ORIGIN);
    const allowed = preflight.headers.get("access-control-allow-headers").toLowerCase();
    for (const name of asked) assert.ok(allowed.includes(name), `${name} is not allowed: ${allowed}`);
    headers.set("origin", ORIGIN);
    headers.set("sec-fetch-site", "cross-site");
    const response = await fetch(url, { ...init, headers });
    assert.equal(response.headers.get("access-control-allow-origin"), ORIGIN);
    assert.match(response.headers.get("access-control-expose-headers"), /x-request-id/i);
    return response;
  })();
}

/** What a call failed with; the client throws its error as it is. */
async function failure(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  assert.fail("the call should have failed");
}

for (const framework of ["axum", "actix", "warp", "poem"]) {
  describe(framework, () => {
    let server;
    before(async () => {
      server = await serve(framework);
    });
    after(() => server?.stop());

    for (const [where, fetch] of [["in Node", globalThis.fetch], ["in a browser", browserFetch]]) {
      const client = (more = {}) =>
        createClient({ baseUrl: server.url, token: TOKEN, retry: { maxAttempts: 1 }, fetch, ...more });

      test(`generate ${where}`, async () => {
        const { data, status } = await client().generate({ input: { text: "hello there" } });
        assert.equal(status, 200);
        assert.match(data.content, /hello there/);
        assert.equal(data.finishReason, "stop");
        assert.equal(data.usage.totalTokens, data.usage.promptTokens + data.usage.completionTokens);
        assert.equal(data.usage.totalTokens, data.usage.total);
      });

      test(`generate with an API key ${where}`, async () => {
        const { status } = await client({ token: undefined, apiKey: API_KEY }).generate({ input: { text: "hi" } });
        assert.equal(status, 200);
      });

      test(`stream ${where}: text, tools, one end`, async () => {
        let text = "";
        let done = 0;
        const metadata = [];
        const errors = [];
        const result = await client().stream(
          { input: { text: "echo parrots" } },
          {
            onText: (piece) => (text += piece),
            onMetadata: (facts) => metadata.push(facts),
            onError: (error) => errors.push(error),
            onDone: () => done++,
          },
        );
        assert.deepEqual(errors, []);
        assert.equal(done, 1);
        assert.equal(result.content, text);
        assert.match(text, /parrots/);
        assert.equal(result.toolCalls[0].toolName, "echo");
        assert.equal(result.toolResults[0].status, "success");
        assert.equal(metadata.length, 1);
        assert.equal(metadata[0].finishReason, "stop");
      });

      test(`collectStream ${where}: usage and finish reason`, async () => {
        const request = fetch(`${server.url}/api/agent/stream`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
          body: JSON.stringify({ input: "one two three", maxTokens: 2 }),
        });
        const result = await collectStream(createAsyncStream(request));
        assert.equal(result.finishReason, "length");
        assert.equal(result.usage.completionTokens, 2);
        assert.equal(result.usage.totalTokens, result.usage.promptTokens + 2);
      });

      test(`health ${where}`, async () => {
        const { data } = await client({ token: undefined }).health();
        assert.equal(data.status, "ok");
      });

      test(`getTool ${where}`, async () => {
        const { data } = await client().getTool("calculate");
        assert.equal(data.name, "calculate");
        assert.equal(data.inputSchema.type, "object");
      });

      test(`executeTool ${where}`, async () => {
        const { data } = await client().executeTool("calculate", { expression: "6 * 7" });
        assert.equal(data.success, true);
        assert.match(JSON.stringify(data.data), /42/);
      });

      test(`a failing tool ${where} is an answer`, async () => {
        const { data } = await client().executeTool("calculate", { expression: "1 / 0" });
        assert.equal(data.success, false);
        assert.equal(typeof data.error, "string");
      });

      test(`a wrong token ${where} is a 401 with our code`, async () => {
        const error = await failure(() => client({ token: "wrong-token-0123456789" }).generate({ input: { text: "x" } }));
        assert.equal(error.status, 401);
        assert.equal(error.code, "AUTH_INVALID");
      });

      test(`a stream without a token ${where} is a 401 and no stream`, async () => {
        const errors = [];
        const error = await client({ token: undefined })
          .stream({ input: { text: "x" } }, { onError: (error) => errors.push(error) })
          .then(() => errors[0], (error) => error);
        assert.equal(error.status, 401);
      });
    }

    test("too many requests are a 429 with the time to wait", async () => {
      const client = createClient({ baseUrl: server.url, token: TOKEN, retry: { maxAttempts: 1 } });
      const call = () => client.request("GET", "/api/health/startup");
      for (let n = 0; n < 5; n++) assert.equal((await call()).status, 200);
      const error = await failure(call);
      assert.equal(error.status, 429);
      assert.equal(error.code, "RATE_LIMIT_EXCEEDED");
    });
  });
}
