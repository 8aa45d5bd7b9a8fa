use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::secret::Hashed;

/// The SHA-256 of an API key: all that is kept of it.
///
/// As text it is `sha256:` and 64 hexadecimal digits, which may stand in a file. Two are compared in constant time.
///
/// ```
/// use neurolink_core::middleware::ApiKeyHash;
///
/// let hash = ApiKeyHash::of("nl_v3ry-s3cr3t");
/// assert_eq!(hash.to_string().parse(), Ok(hash));
/// assert!("sha256:abc".parse::<ApiKeyHash>().is_err());
/// ```
#[derive(Clone, Copy)]
pub struct ApiKeyHash(Hashed);

/// What a hash is in text.
const PREFIX: &str = "sha256:";

impl ApiKeyHash {
    /// The hash of a key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Hashed::new(key.as_bytes()))
    }

    /// The id of a key that was issued: the first 16 bytes of its hash, in 32 hexadecimal digits.
    ///
    /// It names the key in logs, in a store and for its revocation; nobody gets in by it.
    #[must_use]
    pub fn id(&self) -> String {
        hexadecimal(&self.0.short())
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        self.0.bytes()
    }

    pub(super) const fn hashed(&self) -> &Hashed {
        &self.0
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes all
        text
    })
}

impl PartialEq for ApiKeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.is(&other.0)
    }
}

impl Eq for ApiKeyHash {}

impl fmt::Display for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hexadecimal(self.bytes()))
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyHash({})", self.id())
    }
}

impl FromStr for ApiKeyHash {
    type Err = String;

    /// Reads `sha256:` and 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "it is no hash; write `sha256:` and 64 hexadecimal digits, as of `neurolink key issue`".to_owned();
        let digits = text.strip_prefix(PREFIX).ok_or_else(wrong)?;
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(Hashed::of(hash)))
    }
}

impl Serialize for ApiKeyHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApiKeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_sha_256_and_reads_back() {
        // FIPS 180-4, as of `printf abc | sha256sum`.
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(ApiKeyHash::of("abc").to_string(), abc);
        assert_eq!(abc.parse(), Ok(ApiKeyHash::of("abc")));
        assert_eq!(abc.to_uppercase().replace("SHA", "sha").parse(), Ok(ApiKeyHash::of("abc")));
        assert_eq!(ApiKeyHash::of("abc").id(), "ba7816bf8f01cfea414140de5dae2223");
        assert_ne!(ApiKeyHash::of("abc"), ApiKeyHash::of("abd"));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for wrong in [
            String::new(),
            digits.to_owned(),
            format!("sha256:{}", &digits[1..]),
            format!("sha256:{digits}0"),
            format!("sha512:{digits}"),
            format!("sha256:+{}", &digits[1..]),
            format!("sha256:{}é", &digits[2..]),
        ] {
            assert!(wrong.parse::<ApiKeyHash>().is_err(), "{wrong}");
        }
    }
}
