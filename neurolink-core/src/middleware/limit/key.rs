use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::Context;
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
            Self::Address => address_keys(ctx.client_address().ok_or(NoAddress)?),
            Self::User => match ctx.user() {
                Some(user) => Ok(smallvec![(prefixed(b'u', user.id.as_bytes()), 1)]),
                None => address_keys(ctx.client_address().ok_or(NoAddress)?),
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

type Bytes = SmallVec<[u8; 24]>;
type Counted = SmallVec<[(Bytes, u32); 2]>;

fn prefixed(kind: u8, bytes: &[u8]) -> Bytes {
    let mut key = Bytes::with_capacity(bytes.len() + 1);
    key.push(kind);
    key.extend_from_slice(bytes);
    key
}

/// An IPv4 address, or the networks that an IPv6 client owns.
pub(crate) fn address_keys(address: IpAddr) -> Result<Counted, NoAddress> {
    Ok(match address.to_canonical() {
        IpAddr::V4(address) => smallvec![(prefixed(b'4', &address.octets()), 1)],
        IpAddr::V6(address) => {
            let octets = address.octets();
            smallvec![(prefixed(b'6', &octets[..8]), 1), (prefixed(b'8', &octets[..6]), 16)]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_client_owns_its_64_and_shares_its_48() {
        let keys = |text: &str| address_keys(text.parse().expect("an address")).expect("keys");
        let (one, two, three) = (keys("2001:db8:1:2::1"), keys("2001:db8:1:2::ffff"), keys("2001:db8:1:3::1"));
        assert_eq!(one, two);
        assert_ne!(one[0], three[0]);
        assert_eq!(one[1], three[1]);
        assert_eq!((one[0].1, one[1].1), (1, 16));
        assert_eq!(keys("::ffff:192.0.2.1"), keys("192.0.2.1"));
    }
}
