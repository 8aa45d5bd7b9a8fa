//! The attack table: tokens for the configuration `jwt`, each with what a server must make of it.
//!
//! `tokens/tokens.mjs` makes it; cases write `{token:name}`.

use std::sync::LazyLock;

use serde::Deserialize;

/// A token of the table.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Token {
    /// What cases call it.
    pub name: String,
    /// What it tries.
    pub about: String,
    /// What it must come to.
    pub verdict: TokenVerdict,
    /// The token; `{repeat:100000:A}` stands for a long part.
    pub token: String,
}

/// What a token must come to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TokenVerdict {
    /// The user is known: 200.
    Valid,
    /// 401 `AUTH_INVALID`.
    Invalid,
    /// 401 `TOKEN_EXPIRED`.
    Expired,
    /// Too long for any header: 431.
    Large,
}

static TOKENS: LazyLock<Vec<Token>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../tokens/tokens.json")).expect("the script writes what is read here")
});

/// The whole table.
#[must_use]
pub fn tokens() -> &'static [Token] {
    &TOKENS
}

/// The token of this name.
pub(crate) fn token(name: &str) -> Option<&'static str> {
    TOKENS.iter().find(|token| token.name == name).map(|token| &*token.token)
}
