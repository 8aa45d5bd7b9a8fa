// Makes the keys of the attack table, once: they are known to everybody and good for nothing else.
//
//   node keys.mjs > keys.json
import { generateKeyPairSync } from "node:crypto";

const pair = (type, options) => {
  const { privateKey } = generateKeyPairSync(type, options);
  return privateKey.export({ format: "jwk" });
};
const keys = {
  rsa: pair("rsa", { modulusLength: 2048 }),
  "rsa-next": pair("rsa", { modulusLength: 2048 }),
  p256: pair("ec", { namedCurve: "P-256" }),
  p384: pair("ec", { namedCurve: "P-384" }),
  ed: pair("ed25519"),
  stranger: pair("rsa", { modulusLength: 2048 }),
  "stranger-p256": pair("ec", { namedCurve: "P-256" }),
};
process.stdout.write(`${JSON.stringify(keys, null, 1)}\n`);
