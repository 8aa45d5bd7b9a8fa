use std::fmt;
use std::str::FromStr;

use jsonwebtoken::Algorithm;

/// An algorithm that tokens may be signed with (RFC 7518, section 3.1; RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256 and a shared secret of at least 32 bytes.
    Hs256,
    /// HMAC with SHA-384 and a shared secret of at least 48 bytes.
    Hs384,
    /// HMAC with SHA-512 and a shared secret of at least 64 bytes.
    Hs512,
    /// RSA (PKCS #1 v1.5) with SHA-256.
    Rs256,
    /// RSA (PKCS #1 v1.5) with SHA-384.
    Rs384,
    /// RSA (PKCS #1 v1.5) with SHA-512.
    Rs512,
    /// RSA (PSS) with SHA-256.
    Ps256,
    /// RSA (PSS) with SHA-384.
    Ps384,
    /// RSA (PSS) with SHA-512.
    Ps512,
    /// ECDSA with the curve P-256 and SHA-256.
    Es256,
    /// ECDSA with the curve P-384 and SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl JwtAlgorithm {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Its name in the header `alg`, which has no other spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name, if it is one.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether its key is a secret that both sides know.
    #[must_use]
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// The fewest bytes of its secret, if it has one: as many as its hash makes (RFC 7518, section 3.2).
    #[must_use]
    pub const fn shortest_secret(self) -> usize {
        match self {
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 32,
        }
    }

    pub(in super::super) const fn library(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Hs384 => Algorithm::HS384,
            Self::Hs512 => Algorithm::HS512,
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name is of no algorithm that is known here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("write one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA")]
#[non_exhaustive]
pub struct UnknownJwtAlgorithm;

impl FromStr for JwtAlgorithm {
    type Err = UnknownJwtAlgorithm;

    /// Reads the name as it is written in the header `alg`.
    fn from_str(name: &str) -> Result<Self, UnknownJwtAlgorithm> {
        Self::named(name).ok_or(UnknownJwtAlgorithm)
    }
}

/// A set of algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Algorithms(u16);

impl Algorithms {
    pub(super) const ANY: Self = Self(u16::MAX);
    pub(super) const RSA: Self = Self::of(&[
        JwtAlgorithm::Rs256,
        JwtAlgorithm::Rs384,
        JwtAlgorithm::Rs512,
        JwtAlgorithm::Ps256,
        JwtAlgorithm::Ps384,
        JwtAlgorithm::Ps512,
    ]);

    pub(super) const fn of(all: &[JwtAlgorithm]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < all.len() {
            set |= 1 << all[at] as u16;
            at += 1;
        }
        Self(set)
    }

    pub(super) const fn has(self, algorithm: JwtAlgorithm) -> bool {
        self.0 & (1 << algorithm as u16) != 0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = JwtAlgorithm> {
        JwtAlgorithm::ALL.into_iter().filter(move |algorithm| self.has(*algorithm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for algorithm in JwtAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.to_string(), algorithm.name());
        }
        for name in
            ["none", "None", "NONE", "nOnE", "hs256", "HS256 ", " HS256", "", "ES256K", "ES512", "HS1", "RS256\0"]
        {
            assert!(name.parse::<JwtAlgorithm>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_set_has_what_was_put_in() {
        let set = Algorithms::of(&[JwtAlgorithm::Es256, JwtAlgorithm::EdDsa]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [JwtAlgorithm::Es256, JwtAlgorithm::EdDsa]);
        assert!(set.and(Algorithms::RSA).is_empty() && set.and(Algorithms::ANY) == set);
    }
}
