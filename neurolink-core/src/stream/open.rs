use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Context;

/// The streams that are open, by caller; it holds nobody who has none.
#[derive(Debug, Default)]
pub(crate) struct OpenStreams(Mutex<HashMap<Caller, usize>>);

/// Whose streams are counted together: a user's, and those of an address for callers without one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Caller {
    User(Option<String>, String),
    Address(IpAddr),
}

impl Caller {
    fn of(ctx: &Context) -> Option<Self> {
        if let Some(user) = ctx.user() {
            return Some(Self::User(user.tenant.clone(), user.id.clone()));
        }
        Some(Self::Address(match ctx.client_address()?.to_canonical() {
            // An IPv6 client owns its /64.
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
            address => address,
        }))
    }
}

/// One open stream; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Arc<OpenStreams>,
    caller: Caller,
}

impl OpenStreams {
    /// A place for one more stream of the caller, if it has fewer than `most`.
    ///
    /// A caller of whom nothing is known is not counted.
    pub(crate) fn enter(self: &Arc<Self>, ctx: &Context, most: usize) -> Result<Option<Place>, TooMany> {
        let Some(caller) = Caller::of(ctx) else { return Ok(None) };
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(caller.clone()).or_default();
        if *count >= most {
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(Place { streams: Arc::clone(self), caller }))
    }
}

/// The caller has as many streams as it may have.
#[derive(Debug)]
pub(crate) struct TooMany;

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.caller);
            }
        }
    }
}
