//! `key`: API keys are issued and revoked.

mod command;
mod issue;
mod revoke;
mod store;

pub(crate) use command::Key;
