// Who may: the middleware that reference.toml describes, as far as the original has it.

import { readFileSync } from "node:fs";
import {
  createAuthMiddleware,
  createRateLimitMiddleware,
  createRoleMiddleware,
  createSecurityHeadersMiddleware,
} from "@juspay/neurolink/server";
import { jwtVerify } from "jose";
import { parse } from "smol-toml";

const reference = parse(readFileSync(new URL("../reference.toml", import.meta.url), "utf8"));
const { tokens, jwt, api_keys: apiKeys } = reference.auth;

/** Everything public. The original compares the beginning of the path, so the third also opens /api/health/detailed. */
const PUBLIC = [
  "/native",
  "/api/ready",
  "/api/health",
  ...["echo", "upload", "none", "params", "files", "query", "headers", "set-cookies", "many", "panic-stream"].map(test),
  ...["stream-error", "unsafe", "optional"].map(test),
];

function test(route) {
  return `/api/test/${route}`;
}

/** Milliseconds of a length of time such as 300ms or 60s. */
function milliseconds(text) {
  const [, number, unit] = /^(\d+)(ms|s)$/.exec(text);
  return Number(number) * (unit === "s" ? 1000 : 1);
}

function credentials({ headers }) {
  return /^Bearer\s+(.+)$/i.exec(headers.authorization ?? "")?.[1] ?? headers["x-api-key"] ?? null;
}

async function user(credential) {
  const token = tokens.find((known) => known.token === credential);
  if (token) return { id: token.user, roles: token.roles };
  const key = apiKeys.keys.find((known) => known.key === credential);
  if (key) return { id: key.user, roles: key.roles };
  const { issuer, audience, secret } = jwt;
  const options = { issuer, audience, algorithms: ["HS256"], requiredClaims: ["exp", "sub"] };
  try {
    const { payload } = await jwtVerify(credential, new TextEncoder().encode(secret), options);
    return { id: payload.sub, roles: payload.roles ?? [] };
  } catch {
    return null;
  }
}

/** The package exports no optional authentication, so this is written as its documentation says one writes middleware. */
const optionalAuth = {
  name: "optional-auth",
  order: 10,
  paths: [test("optional")],
  handler: async (ctx, next) => {
    const credential = credentials(ctx);
    if (credential) ctx.user = (await user(credential)) ?? undefined;
    return next();
  },
};

/** In the order in which they have to run, since the original runs them as they are registered. */
export function middleware() {
  const [maxRequests, window] = reference.rate_limit.limit.split("/");
  const rateLimit = createRateLimitMiddleware({ maxRequests: Number(maxRequests), windowMs: milliseconds(window) });
  return [
    createSecurityHeadersMiddleware(),
    { ...rateLimit, paths: reference.rate_limit.paths },
    createAuthMiddleware({ type: "custom", extractToken: credentials, validate: user, skipPaths: PUBLIC }),
    optionalAuth,
    { ...createRoleMiddleware({ requiredRoles: ["admin"] }), paths: [test("admin")] },
  ];
}

/** The adapter's own configuration; its rate limiter counts all paths together, so it is off. */
export const config = {
  basePath: reference.server.base_path,
  cors: { origins: reference.cors.origins },
  bodyParser: { maxSize: reference.body.limit, jsonLimit: reference.body.limit },
  timeout: milliseconds(reference.timeout.request),
  rateLimit: { enabled: false },
  logging: { enabled: false },
};
