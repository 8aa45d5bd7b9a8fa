//! JSON Web Key Sets (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::algorithm::{Algorithms, JwtAlgorithm};
use super::header::LONGEST_ID;
use super::key::{Curve, Key};

/// The longest set that is read, in bytes.
pub(super) const LONGEST_SET: usize = 256 * 1024;

/// What a set holds.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) keys: Vec<Key>,
    /// Entries that are of no use here, and why: nobody's mistake.
    pub(super) skipped: Vec<String>,
    /// Entries that must not be in a set, and why.
    pub(super) refused: Vec<String>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// What no public key has.
    d: Option<Value>,
}

/// Why an entry gives no key.
enum Unusable {
    Skipped(String),
    Refused(String),
}

/// Reads a set; one entry's mistake is not the others'.
pub(super) fn read(text: &str) -> Result<Read, String> {
    if text.len() > LONGEST_SET {
        return Err("it is longer than 256 KiB".into());
    }
    let set: Set =
        serde_json::from_str(text).map_err(|_| "it is no JSON object with a list `keys` (RFC 7517, section 5)")?;
    let mut read = Read::default();
    for (index, entry) in set.keys.into_iter().enumerate() {
        let name = entry.get("kid").and_then(Value::as_str).map(|id| id.escape_debug().take(64).collect::<String>());
        let name = name.map_or_else(|| format!("keys[{index}]"), |id| format!("keys[{index}] (`{id}`)"));
        match key(entry) {
            Ok(key) => read.keys.push(key),
            Err(Unusable::Skipped(why)) => read.skipped.push(format!("{name}: {why}")),
            Err(Unusable::Refused(why)) => read.refused.push(format!("{name}: {why}")),
        }
    }
    Ok(read)
}

fn key(entry: Value) -> Result<Key, Unusable> {
    let skipped = |why: &str| Unusable::Skipped(why.to_owned());
    let refused = |why: &str| Unusable::Refused(why.to_owned());
    let jwk: Jwk = serde_json::from_value(entry).map_err(|_| refused("it is no key (RFC 7517, section 4)"))?;
    if jwk.kty == "oct" {
        return Err(refused("a shared secret must not be in a set that others can read; configure it as a secret"));
    }
    if jwk.d.is_some() {
        return Err(refused("it is a private key, which must not leave its issuer"));
    }
    if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return Err(skipped("it is not for signatures"));
    }
    if jwk.key_ops.as_ref().is_some_and(|all| !all.iter().any(|one| one == "verify")) {
        return Err(skipped("it is not for verification"));
    }
    if jwk.kid.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
        return Err(skipped("its kid is longer than 256 bytes"));
    }
    let part = |text: &Option<String>| {
        let text = text.as_deref().ok_or_else(|| refused("a part of the key is missing"))?;
        URL_SAFE_NO_PAD.decode(text).map_err(|_| refused("a part of the key is no base64url"))
    };
    let made = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => Key::rsa(&part(&jwk.n)?, &part(&jwk.e)?),
        ("EC", Some("P-256")) => Key::ec(Curve::P256, &part(&jwk.x)?, &part(&jwk.y)?),
        ("EC", Some("P-384")) => Key::ec(Curve::P384, &part(&jwk.x)?, &part(&jwk.y)?),
        ("OKP", Some("Ed25519")) => Key::ed25519(&part(&jwk.x)?),
        ("EC" | "OKP", _) => return Err(skipped("its curve is none of P-256, P-384 and Ed25519")),
        _ => return Err(skipped("its kind is none of RSA, EC and OKP")),
    };
    let mut key = made.map_err(Unusable::Refused)?;
    if let Some(name) = &jwk.alg {
        // A key that says what it is for is for nothing else (RFC 7517, section 4.4).
        let one = JwtAlgorithm::named(name).ok_or_else(|| skipped("its algorithm is none that is used here"))?;
        key.algorithms = key.algorithms.and(Algorithms::of(&[one]));
        if key.algorithms.is_empty() {
            return Err(refused("its algorithm is not one of its kind"));
        }
    }
    key.id = jwk.kid;
    Ok(key)
}
