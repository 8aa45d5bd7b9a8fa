// A fetch as a page of another origin has it.
import assert from "node:assert/strict";
import { ORIGIN } from "./server.mjs";

/** Headers that a page may send without asking. */
const PLAIN_REQUEST = ["accept", "accept-language", "content-language"];
/** Headers of an answer that a page may read without being let. */
const PLAIN_RESPONSE = ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"];

const list = (text) => (text ?? "").split(",").map((name) => name.trim().toLowerCase());

/** Sends Origin, asks first, and shows only what CORS lets the page see. */
export async function browserFetch(url, init = {}) {
  const headers = new Headers(init.headers);
  const asked = [...headers.keys()].filter((name) => !PLAIN_REQUEST.includes(name));
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
  const allowed = list(preflight.headers.get("access-control-allow-headers"));
  for (const name of asked) assert.ok(allowed.includes(name), `${name} is not allowed: ${allowed}`);

  headers.set("origin", ORIGIN);
  headers.set("sec-fetch-site", "cross-site");
  headers.set("sec-fetch-mode", "cors");
  const { status, statusText, body, headers: all } = await fetch(url, { ...init, headers });
  assert.equal(all.get("access-control-allow-origin"), ORIGIN, `a page may not read this ${status}`);
  const readable = [...PLAIN_RESPONSE, ...list(all.get("access-control-expose-headers"))];
  assert.ok(readable.includes("x-request-id"), "a page can tell us which request it means");
  return new Response(body, { status, statusText, headers: [...all].filter(([name]) => readable.includes(name)) });
}
