use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The SHA-256 of a secret; the secret itself is not kept.
#[derive(Clone, Copy)]
pub(super) struct Hashed([u8; 32]);

impl Hashed {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// One that was computed elsewhere.
    #[cfg(feature = "api-key")]
    pub(super) const fn of(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    #[cfg(feature = "api-key")]
    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A part of it, to count by and to name it by.
    #[cfg(feature = "api-key")]
    pub(super) fn short(&self) -> [u8; 16] {
        let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.0;
        first
    }

    /// Whether both are of the same secret; takes the same time for every answer.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// The entry whose secret was presented; all are compared, so that the time does not tell which.
#[cfg(feature = "bearer")]
pub(super) fn find<'a, T>(
    entries: impl Iterator<Item = &'a T>,
    presented: &Hashed,
    hashed: impl Fn(&T) -> &Hashed,
) -> Option<&'a T> {
    let mut found = None;
    for entry in entries {
        if hashed(entry).is(presented) {
            found = Some(entry);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    // Shows S0-69.
    #[test]
    fn a_secret_is_kept_as_its_hash_only() {
        let hashed = Hashed::new(b"a secret that is much longer than its hash, of which nothing may be left");
        assert_eq!(size_of_val(&hashed), 32);
        assert!(hashed.is(&Hashed::new(b"a secret that is much longer than its hash, of which nothing may be left")));
        assert!(!hashed.is(&Hashed::new(b"another")));
    }
}
