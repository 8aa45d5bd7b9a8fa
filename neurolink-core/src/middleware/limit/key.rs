use std::fmt;
use std::sync::Arc;

use smallvec::smallvec;

use crate::Context;
use crate::counters::{Counted, address_keys, prefixed};
use crate::facts::NoAddress;

/// Whose requests are counted together.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Key {
    /// Those of one client address.
    #[default]
    Address,
    /// Those of one user, and on public and optional routes an anonymous caller by address. Stands behind authentication by itself.
    User,
    /// Those for which a function gives the same text; `None` is not counted.
    Custom(KeyFn),
}

/// Finds the text whose requests are counted together.
pub type KeyFn = Arc<dyn Fn(&Context) -> Option<String> + Send + Sync>;

impl Key {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::User => "user",
            Self::Custom(_) => "a function",
        }
    }

    /// The parts of a request that are counted, each with its share of the limit.
    ///
    /// # Errors
    /// There is no address, so that all clients would share a key.
    pub(crate) fn of(&self, ctx: &Context) -> Result<Counted, NoAddress> {
        match self {
            Self::Address => Ok(address_keys(ctx.client_address().ok_or(NoAddress)?)),
            Self::User => match ctx.user() {
                Some(user) => Ok(smallvec![(prefixed(b'u', user.id.as_bytes()), 1)]),
                None => Ok(address_keys(ctx.client_address().ok_or(NoAddress)?)),
            },
            Self::Custom(key) => Ok(key(ctx).into_iter().map(|key| (prefixed(b'c', key.as_bytes()), 1)).collect()),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
