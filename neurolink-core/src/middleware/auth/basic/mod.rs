//! A name and a password in each request (RFC 7617).
//!
//! Passwords are kept as argon2id, or as bcrypt where they were hashed elsewhere.
//! A hash is slow on purpose, so half of the cores at most hash at one time, callers take turns, and 64 wait for 2 s at
//! most: then 503; a name that came in from there within a day has every second turn, and the place of a stranger. A password that was right is known for 60 s by a keyed hash, in the network that it came from.
//!
//! | counted | refused | for |
//! |---|---|---|
//! | failures of an address, 30 in a minute | 429, before anything is looked at | everybody there |
//! | failures of a name from one network, 5 in 15 minutes | 401 as for a wrong password, which is not looked at | that name there |
//! | failures of a name, 50 in 15 minutes | the same | that name, but not where it came in within a day |
//!
//! Names that nobody has cost a hash, lock and answer as others do.

mod authenticator;
mod credentials;
mod hashing;
mod password;
mod passwords;
mod queue;
mod users;

pub use authenticator::BasicAuth;
#[cfg(feature = "login")]
pub(super) use credentials::Credentials;
pub use password::PasswordHash;
pub use passwords::Passwords;
pub use users::{PasswordStore, PasswordUser};
#[cfg(feature = "login")]
pub(super) use {
    authenticator::ALONE,
    passwords::{Judging, busy},
};
