use http::HeaderValue;

use super::source::Source;
use crate::{Code, Error};

/// What a 401 says it would accept, by what is wrong.
#[derive(Clone)]
pub(super) struct Challenges {
    pub(super) missing: HeaderValue,
    invalid: HeaderValue,
    expired: HeaderValue,
}

/// `Bearer` (RFC 6750, section 3), also where the token may come from another place too.
const BEARER: Challenges = Challenges {
    missing: HeaderValue::from_static("Bearer realm=\"neurolink\""),
    invalid: HeaderValue::from_static(
        "Bearer realm=\"neurolink\", error=\"invalid_token\", error_description=\"The token is not valid\"",
    ),
    expired: HeaderValue::from_static(
        "Bearer realm=\"neurolink\", error=\"invalid_token\", error_description=\"The token has expired\"",
    ),
};

impl Challenges {
    /// Those of `Bearer`, or if it is not accepted, a list of the places that are.
    pub(super) fn of(bearer: bool, sources: &[Source]) -> Self {
        if bearer {
            return BEARER;
        }
        let places: String = sources.iter().filter_map(Source::challenge).map(|place| format!(", {place}")).collect();
        let challenge = |error: &str| HeaderValue::from_str(&format!("Token realm=\"neurolink\"{places}{error}"));
        let invalid = ", error=\"invalid_token\", error_description=\"The token is not valid\"";
        let expired = ", error=\"invalid_token\", error_description=\"The token has expired\"";
        match (challenge(""), challenge(invalid), challenge(expired)) {
            (Ok(missing), Ok(invalid), Ok(expired)) => Self { missing, invalid, expired },
            // A name that no header can say is reported when the stack is built.
            _ => BEARER,
        }
    }

    /// That of a token which is refused for this.
    pub(super) fn for_error(&self, error: &Error) -> HeaderValue {
        if error.code() == Code::TokenExpired { self.expired.clone() } else { self.invalid.clone() }
    }
}
