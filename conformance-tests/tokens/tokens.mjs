// Makes the attack table: tokens for the configuration `jwt`, each with the verdict that a server must come to.
//
//   node tokens.mjs          writes tokens.json and the key set jwks.json
//   node tokens.mjs --check  ends with 1 when they are not what this script makes (signatures of ECDSA and PSS are
//                            made with random numbers and are left out of the comparison)
//
// The attacks are those of RFC 8725, sections 2 and 3, of RFC 7515, 7517, 7518 and 7519, and of known defects.
import { constants, createHmac, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const here = (name) => new URL(name, import.meta.url);
const keys = JSON.parse(readFileSync(here("keys.json"), "utf8"));
const SECRET = "reference-secret-0123456789abcdef0123456789";
const LATE = 4102444800;
const CLAIMS = { sub: "jwt-user", iss: "https://issuer.example", aud: "neurolink", exp: LATE, roles: ["user"] };

const b64 = (data) => Buffer.from(data).toString("base64url");
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const privateKey = (name) => createPrivateKey({ key: keys[name], format: "jwk" });
const publicKey = (name) => createPublicKey({ key: { ...keys[name], d: undefined }, format: "jwk" });
const publicJwk = (name) => {
  const { kty, n, e, crv, x, y } = keys[name];
  return JSON.parse(JSON.stringify({ kty, n, e, crv, x, y }));
};

/** The signature of `message` by `algorithm`. */
function signature(algorithm, message, key) {
  const bits = algorithm.slice(2);
  const data = Buffer.from(message);
  switch (algorithm.slice(0, 2)) {
    case "HS":
      return createHmac(`sha${bits}`, key).update(data).digest();
    case "RS":
      return sign(`sha${bits}`, data, privateKey(key));
    case "PS": {
      const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
      return sign(`sha${bits}`, data, { key: privateKey(key), ...options });
    }
    case "ES":
      return sign(`sha${bits}`, data, { key: privateKey(key), dsaEncoding: "ieee-p1363" });
    default:
      return sign(null, data, privateKey(key));
  }
}

/** A token of these parts: header and claims as object or text, signed by `how` with `key`, or with these bytes. */
function token(header, claims, how = header.alg, key = SECRET) {
  const message = `${b64(text(header))}.${b64(Buffer.isBuffer(claims) ? claims : text(claims))}`;
  return `${message}.${b64(Buffer.isBuffer(how) ? how : signature(how, message, key))}`;
}

const HS = { alg: "HS256", typ: "JWT" };
const RS = { alg: "RS256", typ: "JWT", kid: "rsa-1" };
const ES = { alg: "ES256", typ: "JWT", kid: "p256-1" };
const all = [];
const random = (value) => /^(ES|PS)/.test(value);
/** One row of the table. */
function row(verdict, name, about, made, isRandom = false) {
  if (all.some((other) => other.name === name)) throw new Error(`${name} is there twice`);
  all.push({ name, about, verdict, token: made, ...(isRandom ? { random: true } : {}) });
}
const valid = (...rest) => row("valid", ...rest);
const invalid = (...rest) => row("invalid", ...rest);
const expired = (...rest) => row("expired", ...rest);
const claims = (changes) => ({ ...CLAIMS, ...changes });
const without = (name) => Object.fromEntries(Object.entries(CLAIMS).filter(([key]) => key !== name));

// --- what is right ------------------------------------------------------------------------------------------------
valid("hs256", "a shared secret", token(HS, CLAIMS));
for (const [algorithm, key, kid] of [
  ["RS256", "rsa", "rsa-1"], ["RS384", "rsa", "rsa-1"], ["RS512", "rsa", "rsa-1"],
  ["PS256", "rsa", "rsa-1"], ["PS384", "rsa", "rsa-1"], ["PS512", "rsa", "rsa-1"],
  ["ES256", "p256", "p256-1"], ["ES384", "p384", "p384-1"], ["EdDSA", "ed", "ed-1"],
]) {
  const name = algorithm.toLowerCase();
  valid(name, `${algorithm} by its key`, token({ alg: algorithm, kid }, CLAIMS, algorithm, key), random(algorithm));
  valid(`${name}-no-kid`, `${algorithm}, and no key is named`, token({ alg: algorithm }, CLAIMS, algorithm, key), random(algorithm));
}
valid("ps256-second-key", "the second RSA key, while keys change", token({ alg: "PS256", kid: "rsa-2" }, CLAIMS, "PS256", "rsa-next"), true);
valid("hs256-any-kid", "a secret has no name, so any will do", token({ ...HS, kid: "../../dev/null" }, CLAIMS));
valid("typ-none", "typ is missing", token({ alg: "HS256" }, CLAIMS));
valid("typ-access-token", "typ of RFC 9068", token({ alg: "HS256", typ: "at+jwt" }, CLAIMS));
valid("typ-long", "typ with application/", token({ alg: "HS256", typ: "application/at+jwt" }, CLAIMS));
valid("typ-case", "typ is a media type: case does not matter", token({ alg: "HS256", typ: "jwt" }, CLAIMS));
valid("header-spaces", "JSON with blanks, the algorithm last", token('{ "typ" : "JWT" ,\n "alg" : "HS256" }', CLAIMS, "HS256"));
valid("header-unknown", "a header that nobody knows", token({ ...HS, "x-mine": { a: [1] } }, CLAIMS));
valid("header-b64-true", "claims that are encoded, said aloud", token({ ...HS, b64: true }, CLAIMS));
valid("aud-list", "ours among others", token(HS, claims({ aud: ["other", "neurolink"] })));
valid("exp-float", "seconds with a fraction", token(HS, claims({ exp: LATE + 0.5 })));
valid("nbf-past", "nbf has passed", token(HS, claims({ nbf: 1700000000 })));
valid("iat-past", "iat has passed", token(HS, claims({ iat: 1700000000 })));
valid("sub-unicode", "a name of other letters", token(HS, claims({ sub: "jürgen-日本" })));
valid("jwk-ignored", "ours, with somebody's key in its header", token({ ...RS, jwk: publicJwk("stranger") }, CLAIMS, "RS256", "rsa"));
valid("jku-ignored", "ours, with somebody's address in its header", token({ ...RS, jku: "http://127.0.0.1:9/jwks.json" }, CLAIMS, "RS256", "rsa"));
valid("x5u-ignored", "ours, with the address of a certificate", token({ ...RS, x5u: "http://127.0.0.1:9/x.pem" }, CLAIMS, "RS256", "rsa"));
valid("x5c-ignored", "ours, with a certificate", token({ ...RS, x5c: ["MIIB"] }, CLAIMS, "RS256", "rsa"));

// --- RFC 8725, 2.1 and 3.1: the token chooses the algorithm -----------------------------------------------------
const NOTHING = Buffer.alloc(0);
for (const [name, alg] of [["lower", "none"], ["title", "None"], ["upper", "NONE"], ["mixed", "nOnE"], ["blank", "none "], ["null-byte", "none\0"]]) {
  invalid(`none-${name}`, `alg ${JSON.stringify(alg)}, no signature`, token({ alg, typ: "JWT" }, CLAIMS, NOTHING));
}
invalid("none-signed", "alg none with a signature that would be right", token({ alg: "none" }, CLAIMS, "HS256"));
invalid("none-two-parts", "alg none, and no second dot", token({ alg: "none" }, CLAIMS, NOTHING).slice(0, -1));
for (const [name, alg] of [["empty", ""], ["null", null], ["number", 256], ["list", ["HS256"]], ["object", { a: "HS256" }], ["lower", "hs256"], ["dir", "dir"], ["rsa-oaep", "RSA-OAEP"], ["es256k", "ES256K"], ["es512", "ES512"], ["rs1", "RS1"]]) {
  invalid(`alg-${name}`, `alg ${JSON.stringify(alg)}`, token({ alg, typ: "JWT" }, CLAIMS, "HS256"));
}
invalid("alg-missing", "no alg", token({ typ: "JWT" }, CLAIMS, "HS256"));
const rsaPublic = publicKey("rsa");
for (const [name, secret] of [
  ["spki-pem", rsaPublic.export({ type: "spki", format: "pem" })],
  ["pkcs1-pem", rsaPublic.export({ type: "pkcs1", format: "pem" })],
  ["spki-pem-trimmed", rsaPublic.export({ type: "spki", format: "pem" }).trim()],
  ["spki-der", rsaPublic.export({ type: "spki", format: "der" })],
  ["pkcs1-der", rsaPublic.export({ type: "pkcs1", format: "der" })],
  ["modulus", Buffer.from(keys.rsa.n, "base64url")],
  ["jwk", JSON.stringify(publicJwk("rsa"))],
]) {
  invalid(`rsa-key-as-secret-${name}`, `HS256 with the public RSA key (${name}) as the secret`, token({ ...HS, kid: "rsa-1" }, CLAIMS, "HS256", secret));
}
const point = (name) => Buffer.concat([Buffer.from([4]), Buffer.from(keys[name].x, "base64url"), Buffer.from(keys[name].y, "base64url")]);
invalid("ec-key-as-secret", "HS256 with the public point as the secret", token({ ...HS, kid: "p256-1" }, CLAIMS, "HS256", point("p256")));
invalid("ed-key-as-secret", "HS256 with the public Ed25519 key as the secret", token({ ...HS, kid: "ed-1" }, CLAIMS, "HS256", Buffer.from(keys.ed.x, "base64url")));
invalid("hs384-pinned", "HS384 with the secret of HS256", token({ alg: "HS384" }, CLAIMS));
invalid("hs512-pinned", "HS512 with the secret of HS256", token({ alg: "HS512" }, CLAIMS));
invalid("rs256-by-pss", "alg RS256, signed by PS256", token(RS, CLAIMS, "PS256", "rsa"), true);
invalid("ps256-by-pkcs1", "alg PS256, signed by RS256", token({ ...RS, alg: "PS256" }, CLAIMS, "RS256", "rsa"));
invalid("rs512-by-rs256", "alg RS512, signed by RS256", token({ ...RS, alg: "RS512" }, CLAIMS, "RS256", "rsa"));
invalid("key-of-another-algorithm", "RS256 by a key that says it is for PS256", token({ alg: "RS256", kid: "rsa-2" }, CLAIMS, "RS256", "rsa-next"));
invalid("key-of-encryption", "RS256 by a key that is for encryption", token({ alg: "RS256", kid: "rsa-enc" }, CLAIMS, "RS256", "stranger"));

// --- RFC 8725, 2.2 and 3.5: weak secrets --------------------------------------------------------------------------
for (const [name, secret] of [["empty", ""], ["weak", "secret"], ["zeros", Buffer.alloc(32)], ["base64", Buffer.from(SECRET, "base64")], ["longer", `${SECRET}!`], ["line", `${SECRET}\n`]]) {
  invalid(`secret-${name}`, `HS256 with another secret (${name})`, token(HS, CLAIMS, "HS256", secret));
}

// --- RFC 8725, 3.1 and 3.4: curves, and signatures that are none ----------------------------------------------
invalid("es384-by-p256", "alg ES384, signed with P-256", token({ alg: "ES384", kid: "p256-1" }, CLAIMS, "ES256", "p256"), true);
invalid("es256-by-p384", "alg ES256, signed with P-384", token({ alg: "ES256", kid: "p384-1" }, CLAIMS, "ES384", "p384"), true);
invalid("es256-named-eddsa", "alg EdDSA, signed with P-256", token({ alg: "EdDSA", kid: "p256-1" }, CLAIMS, "ES256", "p256"), true);
const ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const number = (hex, bytes = 32) => Buffer.from(hex.padStart(bytes * 2, "0"), "hex");
for (const [name, r, s] of [["zero", "0", "0"], ["r-zero", "0", "1"], ["s-zero", "1", "0"], ["order", ORDER, ORDER], ["one", "1", "1"]]) {
  invalid(`psychic-${name}`, `ES256 with r and s: ${name} (CVE-2022-21449)`, token(ES, CLAIMS, Buffer.concat([number(r), number(s)])));
}
invalid("psychic-es384", "ES384 with r and s of zero", token({ alg: "ES384", kid: "p384-1" }, CLAIMS, Buffer.alloc(96)));
{
  const message = `${b64(text(ES))}.${b64(text(CLAIMS))}`;
  const der = sign("sha256", Buffer.from(message), { key: privateKey("p256"), dsaEncoding: "der" });
  invalid("es256-der", "an ECDSA signature in DER", `${message}.${b64(der)}`, true);
  const raw = signature("ES256", message, "p256");
  invalid("es256-short", "an ECDSA signature without its last byte", `${message}.${b64(raw.subarray(0, 63))}`, true);
  invalid("es256-long", "an ECDSA signature with one more byte", `${message}.${b64(Buffer.concat([raw, Buffer.from([0])]))}`, true);
}
invalid("eddsa-zero", "Ed25519 with a signature of zeros", token({ alg: "EdDSA", kid: "ed-1" }, CLAIMS, Buffer.alloc(64)));
invalid("eddsa-identity", "Ed25519 with the point at infinity", token({ alg: "EdDSA", kid: "ed-1" }, CLAIMS, Buffer.concat([Buffer.from([1]), Buffer.alloc(63)])));
invalid("rs256-zero", "RSA with a signature of zeros", token(RS, CLAIMS, Buffer.alloc(256)));
invalid("rs256-one", "RSA with a signature of one", token(RS, CLAIMS, number("1", 256)));
invalid("rs256-short", "RSA with one byte", token(RS, CLAIMS, Buffer.from([1])));
{
  const message = `${b64(text(RS))}.${b64(text(CLAIMS))}`;
  const long = Buffer.concat([Buffer.from([0]), signature("RS256", message, "rsa")]);
  invalid("rs256-padded", "an RSA signature with a zero in front", `${message}.${b64(long)}`);
}
for (const [name, header] of [["hs256", HS], ["rs256", RS], ["es256", ES]]) {
  invalid(`empty-signature-${name}`, `${header.alg} and no signature`, token(header, CLAIMS, NOTHING));
}
invalid("stranger-with-our-kid", "RS256 by a stranger who names our key", token(RS, CLAIMS, "RS256", "stranger"));
invalid("stranger-without-kid", "RS256 by a stranger", token({ alg: "RS256" }, CLAIMS, "RS256", "stranger"));
invalid("stranger-es256", "ES256 by a stranger", token(ES, CLAIMS, "ES256", "stranger-p256"), true);

// --- RFC 8725, 3.10: keys in headers ------------------------------------------------------------------------------
const evil = publicJwk("stranger");
for (const [name, about, header] of [
  ["jwk", "the key in the header", { alg: "RS256", jwk: evil }],
  ["jwk-with-our-kid", "the key in the header under our name", { ...RS, jwk: { ...evil, kid: "rsa-1" } }],
  ["jku", "the address of the keys in the header", { alg: "RS256", kid: "evil", jku: "https://evil.example/jwks.json" }],
  ["x5u", "the address of a certificate in the header", { alg: "RS256", x5u: "https://evil.example/x.pem" }],
  ["x5c", "a certificate in the header", { alg: "RS256", x5c: [Buffer.from("certificate").toString("base64")] }],
]) {
  invalid(`brings-${name}`, about, token(header, CLAIMS, "RS256", "stranger"));
}
invalid("brings-jwk-secret", "a secret in the header", token({ ...HS, jwk: { kty: "oct", k: b64("evil") } }, CLAIMS, "HS256", "evil"));

// --- RFC 8725, 3.10: kid --------------------------------------------------------------------------------------------
invalid("kid-unknown", "a key that is not there", token({ ...RS, kid: "rsa-9" }, CLAIMS, "RS256", "rsa"));
invalid("kid-case", "a key by another spelling", token({ ...RS, kid: "RSA-1" }, CLAIMS, "RS256", "rsa"));
invalid("kid-prefix", "the beginning of a key's name", token({ ...RS, kid: "rsa" }, CLAIMS, "RS256", "rsa"));
invalid("kid-empty", "a key without a name", token({ ...RS, kid: "" }, CLAIMS, "RS256", "rsa"));
invalid("kid-of-another", "another key of ours", token({ ...RS, kid: "ed-1" }, CLAIMS, "RS256", "rsa"));
invalid("kid-traversal", "a path to an empty file", token({ ...HS, kid: "../../../../../../dev/null" }, CLAIMS, "HS256", ""));
invalid("kid-sql", "SQL that selects the secret", token({ ...HS, kid: "x' UNION SELECT 'evil' -- " }, CLAIMS, "HS256", "evil"));
invalid("kid-command", "a command", token({ ...HS, kid: "|id" }, CLAIMS, "HS256", "evil"));
invalid("kid-url", "an address", token({ ...RS, kid: "https://evil.example/key.pem" }, CLAIMS, "RS256", "stranger"));
for (const [name, kid] of [["long", "k".repeat(257)], ["number", 1], ["null", null], ["list", ["rsa-1"]], ["object", { kid: "rsa-1" }]]) {
  invalid(`kid-${name}`, `kid: ${name}`, token({ ...HS, kid }, CLAIMS));
}

// --- RFC 7515, 4.1.11; RFC 7797 ------------------------------------------------------------------------------------
for (const [name, crit] of [["unknown", ["x-unknown"]], ["known", ["exp"]], ["empty", []], ["null", null]]) {
  invalid(`crit-${name}`, `crit: ${name}`, token({ ...HS, crit, exp: LATE, "x-unknown": true }, CLAIMS));
}
invalid("b64-critical", "claims that are not encoded, critical", token({ ...HS, b64: false, crit: ["b64"] }, CLAIMS));
invalid("b64-false", "claims that are not encoded", token({ ...HS, b64: false }, CLAIMS));

// --- RFC 8725, 2.6 and 3.11: tokens of another kind ------------------------------------------------------------
for (const [name, typ] of [["logout", "logout+jwt"], ["dpop", "dpop+jwt"], ["secevent", "secevent+jwt"], ["jwe", "JOSE+JSON"], ["empty", ""], ["number", 1], ["null", null]]) {
  invalid(`typ-${name}`, `typ: ${name}`, token({ ...HS, typ }, CLAIMS));
}
const nested = token(HS, CLAIMS);
invalid("nested", "a token in a token, as it should be told", token({ ...HS, cty: "JWT" }, nested));
invalid("nested-silent", "a token in a token, not told", token(HS, nested));
invalid("nested-string", "a token in a token as JSON text", token(HS, JSON.stringify(nested)));
invalid("cty-jwt", "claims that say they are a token", token({ ...HS, cty: "jwt" }, CLAIMS));
invalid("compressed", "claims that are compressed", token({ ...HS, zip: "DEF" }, Buffer.from("q1YqLS5SsgIA", "base64")));
invalid("jwe", "five parts", `${b64('{"alg":"dir","enc":"A256GCM"}')}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA`);

// --- RFC 7515, 5.2; RFC 8725, 2.4: one text only -----------------------------------------------------------------
const good = token(HS, CLAIMS);
const [head, body, tag] = good.split(".");
invalid("truncated", "without its last character", good.slice(0, -1));
invalid("two-parts", "without its signature", `${head}.${body}`);
invalid("one-part", "only its header", head);
invalid("four-parts", "one part more", `${good}.${tag}`);
invalid("dots", "only dots", "..");
invalid("leading-dot", "a dot in front", `.${good}`);
invalid("trailing-dot", "a dot behind", `${good}.`);
invalid("padded-signature", "a signature with padding", `${good}=`);
invalid("padded-header", "a header with padding", `${Buffer.from('{"alg":"HS256"}').toString("base64")}.${body}.${tag}`);
const spare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
invalid("spare-bits", "the same signature written another way", good.slice(0, -1) + spare[spare.indexOf(good.at(-1)) + 1]);
invalid("standard-alphabet", "base64 with + and /", token({ ...HS, "x-mine": "???>>>" }, claims({ x: "???>>>" })).replaceAll("-", "+").replaceAll("_", "/"));
invalid("changed-claims", "other claims under the signature", `${head}.${b64(text(claims({ sub: "root", roles: ["admin"] })))}.${tag}`);
invalid("changed-header", "another header over the signature", `${b64('{"typ":"JWT","alg":"HS256"}')}.${body}.${tag}`);
invalid("changed-signature", "a signature of which one bit is another", `${head}.${body}.${tag[0] === "A" ? "B" : "A"}${tag.slice(1)}`);
invalid("garbage", "letters", "a.b.c");
for (const [name, payload] of [
  ["empty", ""], ["list", [CLAIMS]], ["string", '"claims"'], ["number", "7"], ["null", "null"], ["bytes", Buffer.from([0xff, 0xfe])],
  ["cut", text(CLAIMS).slice(0, -1)], ["more", `${text(CLAIMS)} {}`], ["mark", `\ufeff${text(CLAIMS)}`], ["nan", text(CLAIMS).replace(`${LATE}`, "NaN")],
  ["text", text(CLAIMS).replace("jwt-user", "\xed\xa0\x80\\ud800")],
]) {
  invalid(`claims-${name}`, `claims: ${name}`, token(HS, payload));
}
invalid("header-list", "a header that is a list", token('["HS256"]', CLAIMS, "HS256"));
invalid("header-cut", "a header that is cut", token('{"alg":"HS256"', CLAIMS, "HS256"));
invalid("twice-alg", "alg twice", token('{"alg":"none","alg":"HS256"}', CLAIMS, "HS256"));
invalid("twice-kid", "kid twice", token('{"alg":"HS256","kid":"a","kid":"b"}', CLAIMS, "HS256"));
invalid("twice-sub", "sub twice", token(HS, text(CLAIMS).replace("{", '{"sub":"root",')));
invalid("twice-sub-escaped", "sub twice, once with an escape", token(HS, text(CLAIMS).replace("{", '{"s\\u0075b":"root",')));
invalid("twice-exp", "exp twice", token(HS, text(CLAIMS).replace("{", '{"exp":1,')));
invalid("twice-roles", "roles twice", token(HS, text(CLAIMS).replace("{", '{"roles":["admin"],')));

// --- RFC 8725, 3.8 to 3.10: who and for whom; RFC 7519: types ------------------------------------------------
const wrong = { null: null, number: 7, object: { is: "https://issuer.example" }, boolean: true };
for (const claim of ["iss", "aud", "exp", "sub"]) {
  invalid(`${claim}-missing`, `no ${claim}`, token(HS, without(claim)));
  for (const [name, value] of Object.entries(wrong)) {
    if (claim === "exp" && name === "number") continue;
    invalid(`${claim}-${name}`, `${claim}: ${name}`, token(HS, claims({ [claim]: value })));
  }
}
for (const [name, iss] of [["other", "https://evil.example"], ["slash", "https://issuer.example/"], ["case", "https://Issuer.example"], ["longer", "https://issuer.example.evil.example"], ["shorter", "https://issuer"], ["list", ["https://issuer.example"]], ["empty", ""]]) {
  invalid(`iss-${name}`, `iss: ${name}`, token(HS, claims({ iss })));
}
for (const [name, aud] of [["other", "somebody-else"], ["case", "Neurolink"], ["longer", "neurolink2"], ["words", "other neurolink"], ["list-other", ["other"]], ["list-empty", []], ["list-number", ["neurolink", 7]], ["list-nested", [["neurolink"]]]]) {
  invalid(`aud-${name}`, `aud: ${name}`, token(HS, claims({ aud })));
}
for (const [name, exp] of [["text", `${LATE}`], ["list", [LATE]], ["milliseconds", LATE * 1000], ["year-10000", 253402300800], ["2-to-64", "18446744073709551616"], ["1e300", "1e300"]]) {
  const payload = text(claims({ exp: "EXP" })).replace('"EXP"', name === "text" ? `"${exp}"` : text(exp));
  invalid(`exp-${name}`, `exp: ${name}`, token(HS, payload));
}
invalid("exp-overflow", "exp of more than a number can be", token(HS, text(CLAIMS).replace(`${LATE}`, "1e999")));
for (const [name, sub] of [["empty", ""], ["blank", " \u00a0"], ["line", "jwt-user\nadmin"], ["bidi", "jwt-user\u202eadmin"], ["null-byte", "jwt-user\0"], ["long", "u".repeat(257)], ["list", ["jwt-user"]]]) {
  invalid(`sub-${name}`, `sub: ${name}`, token(HS, claims({ sub })));
}
for (const [name, nbf] of [["future", LATE - 1], ["text", "0"], ["null", null], ["object", {}]]) {
  invalid(`nbf-${name}`, `nbf: ${name}`, token(HS, claims({ nbf })));
}
for (const [name, iat] of [["future", LATE - 1], ["text", "0"], ["null", null]]) {
  invalid(`iat-${name}`, `iat: ${name}`, token(HS, claims({ iat })));
}
invalid("jti-number", "jti: a number", token(HS, claims({ jti: 7 })));
expired("exp-past", "exp has passed", token(HS, claims({ exp: 1700000000 })));
expired("exp-past-float", "exp has passed, with a fraction", token(HS, claims({ exp: 1700000000.25 })));
expired("exp-zero", "exp: 0", token(HS, claims({ exp: 0 })));
expired("exp-negative", "exp: before 1970", token(HS, claims({ exp: -1 })));
expired("exp-past-es256", "exp has passed, ES256", token(ES, claims({ exp: 1700000000 }), "ES256", "p256"), true);
invalid("exp-past-unsigned", "exp has passed, and nobody has signed it", token(HS, claims({ exp: 1700000000 }), NOTHING));

// --- too much ------------------------------------------------------------------------------------------------------
invalid("long-8k", "a token of more than 8 KiB that is right otherwise", token(HS, claims({ x: "x".repeat(6 * 1024) })));
row("large", "long-100k", "a token of 100 KB", `${head}.{repeat:100000:A}.${tag}`);

const jwks = {
  keys: [
    { ...publicJwk("rsa"), kid: "rsa-1", use: "sig" },
    { ...publicJwk("p256"), kid: "p256-1", use: "sig", alg: "ES256" },
    { ...publicJwk("p384"), kid: "p384-1", key_ops: ["verify"] },
    { ...publicJwk("ed"), kid: "ed-1" },
    { ...publicJwk("rsa-next"), kid: "rsa-2", alg: "PS256" },
    { ...publicJwk("stranger"), kid: "rsa-enc", use: "enc" },
  ],
};
const files = { "tokens.json": all, "jwks.json": jwks };
if (process.argv.includes("--check")) {
  const plain = (table) => table.map((entry) => (entry.random ? { ...entry, token: entry.token.split(".").slice(0, 2).join(".") } : entry));
  const current = (name) => JSON.parse(readFileSync(here(name), "utf8"));
  const same = text(plain(current("tokens.json"))) === text(plain(all)) && text(current("jwks.json")) === text(jwks);
  console.log(`${all.length} tokens`);
  if (!same) console.error("tokens.json or jwks.json is not what the script makes; run it again");
  process.exit(same ? 0 : 1);
}
for (const [name, value] of Object.entries(files)) writeFileSync(here(name), `${JSON.stringify(value, null, 1)}\n`);
console.log(`${all.length} tokens`);
