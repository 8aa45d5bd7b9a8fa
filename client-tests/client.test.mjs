// The original's real client, unchanged, against our server on each framework.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { collectStream, createAsyncStream, createClient } from "@juspay/neurolink/client";
import { browserFetch } from "./browser.mjs";
import { API_KEY, FRAMEWORKS, TOKEN, serve } from "./server.mjs";

/** What a call failed with; the client throws its error as it is. */
async function failure(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  assert.fail("the call should have failed");
}

const places = [
  ["in Node", globalThis.fetch],
  ["in a browser", browserFetch],
];

// Each place has a server of its own, and with it limits that nobody used up.
for (const framework of FRAMEWORKS) {
  for (const [where, fetch] of places) {
    describe(`${framework} ${where}`, () => {
      let server;
      before(async () => {
        server = await serve(framework);
      });
      after(() => server?.stop());
      const client = (more = {}) =>
        createClient({ baseUrl: server.url, token: TOKEN, retry: { maxAttempts: 1 }, fetch, ...more });

      test("generate", async () => {
        const { data, status } = await client().generate({ input: { text: "hello there" } });
        assert.equal(status, 200);
        assert.match(data.content, /hello there/);
        assert.equal(data.finishReason, "stop");
        assert.equal(data.usage.totalTokens, data.usage.promptTokens + data.usage.completionTokens);
        assert.equal(data.usage.totalTokens, data.usage.total);
      });

      test("generate with an API key", async () => {
        const { status } = await client({ token: undefined, apiKey: API_KEY }).generate({ input: { text: "hi" } });
        assert.equal(status, 200);
      });

      test("stream: text, tools, one end", async () => {
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

      test("collectStream: usage and finish reason", async () => {
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

      test("health", async () => {
        const { data } = await client({ token: undefined }).health();
        assert.equal(data.status, "ok");
      });

      test("getTool", async () => {
        const { data } = await client().getTool("calculate");
        assert.equal(data.name, "calculate");
        assert.equal(data.inputSchema.type, "object");
      });

      test("executeTool", async () => {
        const { data } = await client().executeTool("calculate", { expression: "6 * 7" });
        assert.equal(data.success, true);
        assert.match(JSON.stringify(data.data), /42/);
      });

      test("a failing tool is an answer", async () => {
        const { data } = await client().executeTool("calculate", { expression: "1 / 0" });
        assert.equal(data.success, false);
        assert.equal(typeof data.error, "string");
      });

      test("a wrong token is a 401 with our code", async () => {
        const error = await failure(() => client({ token: "wrong-token-0123456789" }).generate({ input: { text: "x" } }));
        assert.equal(error.status, 401);
        assert.equal(error.code, "AUTH_INVALID");
      });

      test("a stream without a token is a 401 and no stream", async () => {
        const errors = [];
        const error = await client({ token: undefined })
          .stream({ input: { text: "x" } }, { onError: (error) => errors.push(error) })
          .then(() => errors[0], (error) => error);
        assert.equal(error.status, 401);
      });

      test("too many requests are a 429 that says what the limit is and how long to wait", async () => {
        let headers;
        const limited = client().use(async (_request, next) => {
          const response = await next();
          headers = response.headers;
          return response;
        });
        const call = () => limited.request("GET", "/api/health/startup");
        for (let n = 0; n < 5; n++) assert.equal((await call()).status, 200);
        const error = await failure(call);
        assert.equal(error.status, 429);
        assert.equal(error.code, "RATE_LIMIT_EXCEEDED");
        assert.match(error.message, /too many/i);
        assert.equal(headers["x-ratelimit-limit"], "5");
        assert.equal(headers["x-ratelimit-remaining"], "0");
        for (const name of ["retry-after", "x-ratelimit-reset"]) assert.match(headers[name] ?? "", /^[1-9]\d*$/, name);
      });
    });
  }
}
