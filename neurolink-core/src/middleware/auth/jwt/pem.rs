//! Public keys in PEM files (RFC 7468).

use spki::der::Document;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::key::{Curve, Key};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// The keys of a text, one or several after one another; the problems do not quote it.
pub(super) fn read(text: &str) -> Result<Vec<Key>, String> {
    let (mut keys, mut rest) = (Vec::new(), text);
    while let Some(begin) = rest.find(BEGIN) {
        let block = &rest[begin..];
        let end = block.find(END).and_then(|end| {
            let after = end + END.len();
            block[after..].find("-----").map(|dashes| after + dashes + 5)
        });
        let end = end.ok_or("the PEM text of a public key has no end")?;
        keys.push(key(&block[..end])?);
        rest = &block[end..];
    }
    if keys.is_empty() {
        return Err("there is no public key in the PEM text; it begins with `-----BEGIN PUBLIC KEY-----`".into());
    }
    Ok(keys)
}

fn key(block: &str) -> Result<Key, String> {
    let label = block[BEGIN.len()..].split("-----").next().unwrap_or_default();
    match label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {}
        label if label.ends_with("PRIVATE KEY") => {
            return Err("the PEM text holds a private key, which stays with the issuer; give the public one, as from \
                        `openssl pkey -pubout`"
                .into());
        }
        _ => return Err("the PEM text holds something else than public keys; give `-----BEGIN PUBLIC KEY-----`".into()),
    }
    let unreadable = || "the public key in the PEM text cannot be read".to_owned();
    let (_, der) = Document::from_pem(block).map_err(|_| unreadable())?;
    if label == "RSA PUBLIC KEY" {
        return Key::rsa_der(der.as_bytes());
    }
    let info: SubjectPublicKeyInfoRef<'_> = der.decode_msg().map_err(|_| unreadable())?;
    let bytes = info.subject_public_key.as_bytes().ok_or_else(unreadable)?;
    match info.algorithm.oid {
        RSA => Key::rsa_der(bytes),
        ED25519 => Key::ed25519(bytes),
        EC => match info.algorithm.parameters_oid() {
            Ok(P256) => Key::point(Curve::P256, bytes),
            Ok(P384) => Key::point(Curve::P384, bytes),
            _ => Err("the public key has a curve that no algorithm here uses; use P-256, P-384 or Ed25519".into()),
        },
        _ => Err("the public key is of a kind that no algorithm here uses; use RSA, P-256, P-384 or Ed25519".into()),
    }
}
