use std::fmt;

use serde::Serialize;

/// What a login and a refresh answer (the names of RFC 6749, section 5.1, as this API writes them).
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LoginTokens {
    /// The token for requests: `Authorization: Bearer ..`.
    pub access_token: String,
    /// The token that gets the next two, once.
    pub refresh_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// How long the access token lasts, in seconds.
    pub expires_in: u64,
    /// How long the refresh token can be used, in seconds.
    pub refresh_expires_in: u64,
}

impl fmt::Debug for LoginTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginTokens").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
