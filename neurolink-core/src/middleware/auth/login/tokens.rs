//! Refresh tokens: made of the server's secret, and told from others by it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};
use subtle::ConstantTimeEq as _;

use super::family::{FamilyId, TokenHash};
use crate::Error;

/// What scanners for leaked secrets know a refresh token by.
const PREFIX: &str = "nlrt_";
/// A user's code, the family's own id, the token's number, and the code over all of them.
const BYTES: usize = 16 + 16 + 4 + 32;
/// Its characters behind the prefix.
const TEXT: usize = (BYTES * 4).div_ceil(3);

/// The keys that codes are made with, each for one purpose.
#[derive(Clone)]
pub(super) struct Tokens {
    refresh: EncodingKey,
    names: EncodingKey,
    passwords: EncodingKey,
}

/// A refresh token that this server has made.
#[derive(Clone, Copy)]
pub(super) struct RefreshToken {
    user: [u8; 16],
    secret: [u8; 16],
    number: u32,
    code: [u8; 32],
}

/// HMAC-SHA-256 (RFC 2104); the backend is named, so that no other crate of the process can choose one.
fn hmac(key: &EncodingKey, message: &[u8]) -> Result<[u8; 32], Error> {
    let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::HS256, key).map_err(Error::internal)?;
    let code = signer.try_sign(message).map_err(Error::internal)?;
    code.try_into().map_err(|_| Error::internal("a code of SHA-256 has 32 bytes"))
}

fn first(code: [u8; 32]) -> [u8; 16] {
    let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = code;
    first
}

impl Tokens {
    pub(super) fn new(secret: &[u8]) -> Result<Self, Error> {
        let secret = EncodingKey::from_secret(secret);
        // No signed part of a JWT begins so: its first character is `e`.
        let key = |purpose: &[u8]| hmac(&secret, purpose).map(|key| EncodingKey::from_secret(&key));
        Ok(Self {
            refresh: key(b"neurolink login 1: refresh tokens")?,
            names: key(b"neurolink login 1: names of users")?,
            passwords: key(b"neurolink login 1: passwords")?,
        })
    }

    /// The first token of a new login.
    pub(super) fn begin(&self, name: &str) -> Result<RefreshToken, Error> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(Error::internal)?;
        self.token(first(hmac(&self.names, name.as_bytes())?), secret, 1)
    }

    /// The token behind another.
    pub(super) fn successor(&self, token: &RefreshToken) -> Result<RefreshToken, Error> {
        let number = token.number.checked_add(1).ok_or_else(|| Error::internal("a login has no more tokens"))?;
        self.token(token.user, token.secret, number)
    }

    fn token(&self, user: [u8; 16], secret: [u8; 16], number: u32) -> Result<RefreshToken, Error> {
        let message = [&user[..], &secret, &number.to_be_bytes()].concat();
        Ok(RefreshToken { user, secret, number, code: hmac(&self.refresh, &message)? })
    }

    /// Reads a token, if this server has made it.
    pub(super) fn read(&self, text: &str) -> Result<Option<RefreshToken>, Error> {
        let encoded = text.strip_prefix(PREFIX).filter(|encoded| encoded.len() == TEXT);
        // Strict: no padding, and no bits to spare.
        let Some(bytes) = encoded.and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok()) else { return Ok(None) };
        let Ok(bytes) = <[u8; BYTES]>::try_from(bytes) else { return Ok(None) };
        let (mut user, mut secret, mut number) = ([0; 16], [0; 16], [0; 4]);
        user.copy_from_slice(&bytes[..16]);
        secret.copy_from_slice(&bytes[16..32]);
        number.copy_from_slice(&bytes[32..36]);
        let token = self.token(user, secret, u32::from_be_bytes(number))?;
        let is_ours: bool = token.code.ct_eq(&bytes[36..]).into();
        Ok(is_ours.then_some(token))
    }

    /// What tells whether a password was changed, and nothing of it or of its hash.
    pub(super) fn password_code(&self, hash: &str) -> Result<String, Error> {
        Ok(URL_SAFE_NO_PAD.encode(first(hmac(&self.passwords, hash.as_bytes())?)))
    }
}

impl RefreshToken {
    fn bytes(&self) -> Vec<u8> {
        [&self.user[..], &self.secret, &self.number.to_be_bytes(), &self.code].concat()
    }

    /// As it is sent.
    pub(super) fn text(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.bytes()))
    }

    /// What is stored of it.
    pub(super) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.bytes())
    }

    pub(super) fn family(&self) -> FamilyId {
        FamilyId::new(self.user, &self.secret)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

    fn tokens() -> Tokens {
        Tokens::new(SECRET).expect("keys")
    }

    fn read(text: &str) -> Option<String> {
        tokens().read(text).expect("it can be told").map(|token| token.text())
    }

    #[test]
    fn a_code_is_that_of_rfc_4231() {
        let code = hmac(&EncodingKey::from_secret(b"Jefe"), b"what do ya want for nothing?").expect("a code");
        let text: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_token_is_read_as_it_was_written_and_has_one_successor() {
        let first = tokens().begin("ada").expect("a token");
        assert_eq!(read(&first.text()), Some(first.text()));
        let [one, same] = [0, 1].map(|_| tokens().successor(&first).expect("a token"));
        assert!(one.text() == same.text() && one.family() == first.family() && one.hash() == same.hash());
        assert!(one.text() != first.text() && one.hash() != first.hash());
    }

    #[test]
    fn logins_of_a_user_share_the_users_code_and_nothing_else() {
        let [one, other] = [0, 1].map(|_| tokens().begin("ada").expect("a token").family());
        assert!(one.user() == other.user() && one.family() != other.family());
        assert_ne!(one.user(), tokens().begin("bob").expect("a token").family().user());
    }

    #[test]
    fn what_another_secret_made_is_no_token() {
        let foreign =
            Tokens::new(b"another secret of at least thirty-two").expect("keys").begin("ada").expect("a token");
        assert_eq!(read(&foreign.text()), None);
    }

    /// What is in it is not enough to make the next one: neither number nor code of a token can be changed.
    #[test]
    fn every_changed_character_is_noticed() {
        let text = tokens().begin("ada").expect("a token").text();
        for at in 0..text.len() {
            for with in ["A", "z", "0", "-", "_", "=", " "] {
                let changed = format!("{}{with}{}", &text[..at], &text[at + 1..]);
                assert_eq!(read(&changed), (changed == text).then(|| text.clone()), "{at} {with}");
            }
        }
        for changed in ["", "nlrt_", &text[1..], &text[..text.len() - 1], &format!("{text}A"), &text.repeat(1000)] {
            assert_eq!(read(changed), None);
        }
    }

    #[test]
    fn the_keys_of_one_purpose_make_no_code_of_another() {
        let tokens = tokens();
        let codes = [&tokens.refresh, &tokens.names, &tokens.passwords].map(|key| hmac(key, b"x").expect("a code"));
        assert!(codes[0] != codes[1] && codes[1] != codes[2] && codes[0] != codes[2]);
        assert_ne!(codes[0], hmac(&EncodingKey::from_secret(SECRET), b"x").expect("a code"));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".{0,200}") {
            prop_assert_eq!(read(&text), None);
            prop_assert_eq!(read(&format!("nlrt_{text}")), None);
        }
    }
}
