//! Logins: a name and a password once, then short access tokens that a refresh token renews.
//!
//! A login is a *family*: the refresh tokens that came out of one another, of which one counts at a time.
//!
//! | token | is | lasts |
//! |---|---|---|
//! | access | a JWT (HS256, or EdDSA), which [`BearerAuth`](crate::middleware::BearerAuth) verifies by [`Login::keys`] | 15 min, and never longer than its login |
//! | refresh | the family's id and the token's number, with a code of the server's secret over both | until it is used; 30 d unused, 90 d since the password |
//!
//! The next token is computed: HMAC-SHA-256 under the server's secret over the id and the next number. So whoever comes
//! twice within 10 s, as two tabs do, gets the same token again, and nobody keeps one in clear.
//!
//! - A stolen store has hashes of ids and of tokens, and no secret: it makes no token.
//! - A stolen token has an id and a number, and no secret: it does not make the next one.
//! - A token that nobody made is told by its code: it reaches no store and ends no login.
//!
//! Using a token is one atomic claim of the store ([`CredentialStore::claim`]). A token that was replaced, and comes
//! again when it may not, was stolen from the client or by it: the family ends, its access tokens are refused on their
//! next request, and its streams end within 60 s, since all of them name the family (`sid`) and ask for it.
//!
//! A refresh looks its user up again: who is gone, or has another password, is out.

mod access;
mod alive;
mod answer;
mod call;
mod family;
mod kept;
mod logins;
mod memory;
mod store;
mod tokens;

pub use answer::LoginTokens;
pub use call::LoginCall;
pub use family::{FamilyId, TokenHash};
pub use logins::Login;
pub use memory::MemoryCredentials;
pub use store::{Claim, Claimed, CredentialStore, FamilyLimits, NewFamily};
