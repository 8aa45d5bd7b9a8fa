use std::net::IpAddr;
#[cfg(feature = "rate-limit")]
use std::net::{Ipv4Addr, Ipv6Addr};

use smallvec::{SmallVec, smallvec};

type Bytes = SmallVec<[u8; 24]>;
/// The keys of one caller, each with its share of the limit.
pub(crate) type Counted = SmallVec<[(Bytes, u32); 2]>;

/// How many times the limit an IPv6 network of 48 bits has.
const SHARES_OF_A_48: u32 = 16;
/// The most that one key has, in limits.
#[cfg(feature = "rate-limit")]
pub(crate) const MOST_SHARES: usize = SHARES_OF_A_48 as usize;

/// A key of this kind.
pub(crate) fn prefixed(kind: u8, bytes: &[u8]) -> Bytes {
    let mut key = Bytes::with_capacity(bytes.len() + 1);
    key.push(kind);
    key.extend_from_slice(bytes);
    key
}

/// An IPv4 address, or the networks that an IPv6 client owns.
pub(crate) fn address_keys(address: IpAddr) -> Counted {
    match address.to_canonical() {
        IpAddr::V4(address) => smallvec![(prefixed(b'4', &address.octets()), 1)],
        IpAddr::V6(address) => {
            let octets = address.octets();
            smallvec![(prefixed(b'6', &octets[..8]), 1), (prefixed(b'8', &octets[..6]), SHARES_OF_A_48)]
        }
    }
}

/// A key of an address, a network or a user in words.
#[cfg(feature = "rate-limit")]
pub(crate) fn caller(key: &[u8]) -> Option<String> {
    let (kind, rest) = key.split_first()?;
    let network = |bytes: &[u8]| {
        let mut octets = [0; 16];
        octets.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(format!("ip:{}/{}", Ipv6Addr::from(octets), bytes.len() * 8))
    };
    match kind {
        b'4' => Some(format!("ip:{}", Ipv4Addr::from(<[u8; 4]>::try_from(rest).ok()?))),
        b'6' | b'8' => network(rest),
        b'u' => Some(format!("user:{}", std::str::from_utf8(rest).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "rate-limit")]
    #[test]
    fn a_caller_in_words_is_an_address_a_network_or_a_user() {
        let words = |keys: Counted| keys.iter().map(|(key, _)| caller(key)).collect::<Option<Vec<_>>>();
        let keys = |text: &str| address_keys(text.parse().expect("an address"));
        assert_eq!(words(keys("192.0.2.1")), Some(vec!["ip:192.0.2.1".into()]));
        assert_eq!(
            words(keys("2001:db8:1:2::1")),
            Some(vec!["ip:2001:db8:1:2::/64".into(), "ip:2001:db8:1::/48".into()])
        );
        assert_eq!(caller(&prefixed(b'u', b"u1")), Some("user:u1".into()));
        assert_eq!(caller(&prefixed(b'c', b"text")), None);
        assert_eq!(caller(b""), None);
    }

    #[test]
    fn an_ipv6_client_owns_its_64_and_shares_its_48() {
        let keys = |text: &str| address_keys(text.parse().expect("an address"));
        let (one, two, three) = (keys("2001:db8:1:2::1"), keys("2001:db8:1:2::ffff"), keys("2001:db8:1:3::1"));
        assert_eq!(one, two);
        assert_ne!(one[0], three[0]);
        assert_eq!(one[1], three[1]);
        assert_eq!((one[0].1, one[1].1), (1, 16));
        assert_eq!(keys("::ffff:192.0.2.1"), keys("192.0.2.1"));
    }
}
