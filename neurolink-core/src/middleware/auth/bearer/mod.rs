//! Tokens: configured ones, JSON Web Tokens, or whatever a validator knows; from `Authorization: Bearer` or another place.

mod authenticator;
mod challenges;
mod judge;
mod source;
mod static_token;
mod validator;

pub use authenticator::BearerAuth;
pub use source::TokenFn;
pub use static_token::StaticToken;
pub use validator::TokenValidator;
