//! How many streams each caller has open: counted exactly, in memory that the open streams themselves bound.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::middleware::limit::{Counted, CounterKey};
use crate::{Code, Context, Error, FromContext};

/// The open streams of every caller who has any.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    open: Mutex<HashMap<CounterKey, usize>>,
}

/// One stream of a caller; it is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    callers: Arc<Callers>,
    keys: Counted,
}

impl Callers {
    /// Takes one of `most` places under each key, which has a share of its own.
    ///
    /// # Errors
    /// 429 when one of them has none left.
    pub(crate) fn take(self: &Arc<Self>, keys: Counted, most: usize) -> Result<Place, Error> {
        let mut open = self.lock();
        let full = keys.iter().any(|(key, share)| {
            open.get(key).is_some_and(|count| *count >= most.saturating_mul(usize::try_from(*share).unwrap_or(1)))
        });
        if full {
            return Err(Error::new(Code::RateLimitExceeded)
                .with_message(format!("At most {most} streams may be open at one time; end one and try again"))
                .with_retry_after(Duration::from_secs(1)));
        }
        for (key, _) in &keys {
            *open.entry(key.clone()).or_insert(0) += 1;
        }
        drop(open);
        Ok(Place { callers: Arc::clone(self), keys })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CounterKey, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.callers.lock();
        for (key, _) in &self.keys {
            if let Some(count) = open.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    open.remove(key);
                }
            }
        }
    }
}

/// Says that a handler opens a stream: the caller's place for it is taken before the handler begins.
///
/// Above the limit of [`StreamSettings`](crate::Settings) the caller gets 429 and the engine no work.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StreamPlace;

impl FromContext for StreamPlace {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.reserve_stream().map(|()| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::limit::{address_keys, user_key};

    #[test]
    fn a_caller_has_so_many_places_and_gets_them_back() {
        let callers = Arc::new(Callers::default());
        let take = |user: &str| callers.take(user_key(user), 2);
        let (first, second) = (take("u1").expect("one"), take("u1").expect("two"));
        assert_eq!(take("u1").expect_err("no third").code(), Code::RateLimitExceeded);
        let other = take("u2").expect("another caller has places of its own");
        drop(first);
        let third = take("u1").expect("given back");
        drop((second, third, other));
        assert!(callers.lock().is_empty(), "nothing is left of callers without streams");
    }

    #[test]
    fn an_ipv6_client_cannot_flee_into_its_own_network() {
        let callers = Arc::new(Callers::default());
        let take = |text: &str| {
            let keys = address_keys(text.parse().expect("an address")).expect("keys");
            callers.take(keys, 1)
        };
        let _first = take("2001:db8::1").expect("one");
        assert!(take("2001:db8::ffff").is_err(), "the same /64");
        let _others: Vec<_> = (1..16).map(|n| take(&format!("2001:db8:0:{n:x}::1")).expect("another /64")).collect();
        assert!(take("2001:db8:0:ff::1").is_err(), "the /48 has sixteen places");
    }
}
