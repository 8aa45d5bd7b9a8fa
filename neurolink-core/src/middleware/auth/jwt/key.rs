//! One key: what it is, and what it may verify.

use std::fmt;

use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::algorithm::{Algorithms, JwtAlgorithm};

/// Bits of an RSA modulus: fewer can be factored (RFC 7518, section 3.3), more are slow to verify with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// Bytes of an RSA exponent; real ones have three.
const LONGEST_EXPONENT: usize = 4;

/// A key with its algorithms, which its type fixes: no token chooses what a key is for (RFC 8725, section 3.1).
#[derive(Clone)]
pub(in super::super) struct Key {
    /// What the header `kid` calls it.
    pub(super) id: Option<String>,
    pub(super) algorithms: Algorithms,
    key: DecodingKey,
}

/// A curve of ECDSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    const fn algorithm(self) -> JwtAlgorithm {
        match self {
            Self::P256 => JwtAlgorithm::Es256,
            Self::P384 => JwtAlgorithm::Es384,
        }
    }

    /// Bytes of a coordinate.
    const fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

impl Key {
    /// A shared secret for one algorithm.
    pub(in super::super) fn secret(algorithm: JwtAlgorithm, secret: &[u8]) -> Result<Self, String> {
        let least = algorithm.shortest_secret();
        if secret.len() < least {
            return Err(format!(
                "the JWT secret has {} bytes; {algorithm} needs at least {least}, for example of `openssl rand -hex {}`",
                secret.len(),
                least.max(32)
            ));
        }
        Ok(Self { id: None, algorithms: Algorithms::of(&[algorithm]), key: DecodingKey::from_secret(secret) })
    }

    /// An RSA key: RS and PS.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, String> {
        let (modulus, exponent) = (unpadded(modulus), unpadded(exponent));
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
            return Err(format!("the RSA key has {bits} bits; use one of {least} to {most}"));
        }
        // With an exponent of one, everybody can sign.
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        if exponent.len() > LONGEST_EXPONENT || !is_odd(exponent) || exponent == [1] || !is_odd(modulus) {
            return Err("the RSA key is none; its exponent is usually 65537".into());
        }
        let key = DecodingKey::from_rsa_raw_components(modulus, exponent);
        Ok(Self { id: None, algorithms: Algorithms::RSA, key })
    }

    /// An RSA key as PKCS #1 has it.
    pub(super) fn rsa_der(der: &[u8]) -> Result<Self, String> {
        let parts = (DEFAULT_PROVIDER.key_utils.rsa_pub_components_from_public_key)(der);
        let (modulus, exponent) = parts.map_err(|_| "the RSA key cannot be read, or has more than 4096 bits")?;
        Self::rsa(&modulus, &exponent)
    }

    /// A point of a curve, whose algorithm is the curve's.
    pub(super) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, String> {
        let bytes = curve.bytes();
        if x.len() != bytes || y.len() != bytes {
            return Err(format!("the coordinates of a key of this curve have {bytes} bytes each"));
        }
        Self::point(curve, &[&[4], x, y].concat())
    }

    /// A point as SEC 1 writes it.
    pub(super) fn point(curve: Curve, point: &[u8]) -> Result<Self, String> {
        let key = DecodingKey::from_ec_der(point);
        (DEFAULT_PROVIDER.verifier_factory)(&curve.algorithm().library(), &key)
            .map_err(|_| "the key is no point of its curve")?;
        Ok(Self { id: None, algorithms: Algorithms::of(&[curve.algorithm()]), key })
    }

    /// An Ed25519 key.
    pub(in super::super) fn ed25519(x: &[u8]) -> Result<Self, String> {
        if x.len() != 32 {
            return Err("an Ed25519 key has 32 bytes".into());
        }
        let key = DecodingKey::from_ed_der(x);
        (DEFAULT_PROVIDER.verifier_factory)(&Algorithm::EdDSA, &key).map_err(|_| "the key is no Ed25519 key")?;
        Ok(Self { id: None, algorithms: Algorithms::of(&[JwtAlgorithm::EdDsa]), key })
    }

    /// Whether a signature is this key's; never for an algorithm that is not.
    pub(super) fn verifies(&self, algorithm: JwtAlgorithm, message: &[u8], signature: &Vec<u8>) -> bool {
        // The backend is named, so that no other crate of the process can choose one.
        self.algorithms.has(algorithm)
            && (DEFAULT_PROVIDER.verifier_factory)(&algorithm.library(), &self.key)
                .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// A number without zeros in front.
fn unpadded(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
