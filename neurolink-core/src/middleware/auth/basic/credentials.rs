use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::scheme;
use super::users::LONGEST_NAME;
use crate::security::{AuthenticationFailure, Refusal};
use crate::{Code, Context, Error};

/// The longest password, in bytes: a hash reads all of it.
const LONGEST_PASSWORD: usize = 1024;

/// A name and a password (RFC 7617), in UTF-8.
pub(in super::super) struct Credentials {
    pub(super) name: String,
    pub(super) password: String,
}

impl Credentials {
    /// Those of a request: nothing, or what came after `Basic`, which may be none at all.
    pub(super) fn of(ctx: &Context) -> Option<Result<Self, Error>> {
        scheme::behind("basic", ctx).map(|encoded| {
            Self::decode(encoded).ok_or_else(|| {
                let text = "the header is no `Basic` with a name and a password";
                Error::new(Code::AuthInvalid).with_source(Refusal::new(AuthenticationFailure::Malformed, text))
            })
        })
    }

    /// Both with the network that they come from, as no others would be: neither has a NUL.
    pub(in super::super) fn with_network(&self, network: &[u8]) -> Vec<u8> {
        [self.name.as_bytes(), b":", self.password.as_bytes(), b"\0", network].concat()
    }

    fn decode(encoded: &[u8]) -> Option<Self> {
        // What four bytes of base64 make three of, and a colon.
        if encoded.len() > (LONGEST_NAME + 1 + LONGEST_PASSWORD).div_ceil(3) * 4 {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        // A name has no colon; a password may have some.
        let (name, password) = text.split_once(':')?;
        Self::new(name, password)
    }

    /// A name and a password, if somebody can have them: others are as wrong as any.
    pub(in super::super) fn new(name: &str, password: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= LONGEST_NAME && password.len() <= LONGEST_PASSWORD;
        if !fits || name.contains(':') || [name, password].iter().any(|text| text.chars().any(char::is_control)) {
            return None;
        }
        Some(Self { name: name.to_owned(), password: password.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(text: &[u8]) -> Option<(String, String)> {
        Credentials::decode(STANDARD.encode(text).as_bytes()).map(|found| (found.name, found.password))
    }

    #[test]
    fn a_password_may_have_colons_and_be_empty_and_both_may_be_utf_8() {
        for (text, name, password) in [
            ("Aladdin:open sesame", "Aladdin", "open sesame"),
            ("u:a:b:", "u", "a:b:"),
            ("u:", "u", ""),
            ("ü:123£", "ü", "123£"),
        ] {
            assert_eq!(decode(text.as_bytes()), Some((name.into(), password.into())));
        }
    }

    #[test]
    fn what_is_no_name_and_password_is_refused() {
        let (long_name, long_password) = (format!("{}:p", "n".repeat(257)), format!("n:{}", "p".repeat(1025)));
        for text in [
            &b""[..],
            b"name",
            b":password",
            b"n\0:p",
            b"n:p\n",
            b"n:\xff",
            long_name.as_bytes(),
            long_password.as_bytes(),
        ] {
            assert_eq!(decode(text), None, "{}", String::from_utf8_lossy(text));
        }
        for encoded in ["dTpw=", "dTpw ", "dT=pw", "dTp", "%%%%"] {
            assert!(Credentials::decode(encoded.as_bytes()).is_none(), "{encoded}");
        }
        assert!(Credentials::decode(&[b'A'; 1_000_000]).is_none());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Credentials::decode(&bytes);
            if let Some((name, password)) = decode(&bytes) {
                prop_assert_eq!(format!("{name}:{password}").into_bytes(), bytes);
            }
        }
    }
}
