//! How many connections each client has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use neurolink_core::server::Networks;

use crate::quiet::Quiet;

/// Counts the connections of each address; bounded by those that are open, since an address without one is forgotten.
///
/// What a household has of IPv6, a /64, is one address.
#[derive(Debug)]
pub(crate) struct Addresses {
    most: usize,
    /// Where many clients come from.
    shared: Networks,
    open: Mutex<HashMap<IpAddr, usize>>,
    refusals: Quiet,
}

/// The place of an open connection.
#[derive(Debug)]
pub(crate) struct Place {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    pub(crate) fn new(most: usize, shared: Networks) -> Arc<Self> {
        Arc::new(Self { most, shared, open: Mutex::default(), refusals: Quiet::default() })
    }

    /// A place for one more connection; an error if the address has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Option<Place>, TooMany> {
        if self.shared.contains(address) {
            return Ok(None);
        }
        let address = household(address);
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= self.most {
            drop(open);
            if self.refusals.is_to_tell() {
                let most = self.most;
                let text = "an address has as many connections as it may, so that more of it are closed";
                tracing::warn!(target: "neurolink::serve", %address, most, "{text}");
            }
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(Place { addresses: Arc::clone(self), address }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address has as many connections as it may.
#[derive(Debug, thiserror::Error)]
#[error("its address has as many connections as it may")]
pub(crate) struct TooMany;

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.addresses.open();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn each_address_has_so_many_and_gets_room_again() {
        let addresses = Addresses::new(2, Networks::default());
        let enter = |text| addresses.enter(address(text));
        let places: Vec<_> = (0..2).map(|_| enter("192.0.2.1").expect("room")).collect();
        assert!(enter("192.0.2.1").is_err() && enter("::ffff:192.0.2.1").is_err());
        assert!(enter("192.0.2.2").is_ok());
        drop(places);
        assert!(enter("192.0.2.1").is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let addresses = Addresses::new(1, Networks::default());
        let _place = addresses.enter(address("2001:db8::1")).expect("room");
        assert!(addresses.enter(address("2001:db8::ffff")).is_err());
        assert!(addresses.enter(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn shared_addresses_are_not_counted() {
        let addresses = Addresses::new(1, Networks::parse(["10.0.0.0/8"]).expect("a network"));
        let places: Vec<_> = (0..5).map(|_| addresses.enter(address("10.1.2.3")).expect("room")).collect();
        assert!(places.iter().all(Option::is_none));
    }

    #[test]
    fn an_address_without_a_connection_is_forgotten() {
        let addresses = Addresses::new(1, Networks::default());
        for number in 0..1000_u32 {
            let place = addresses.enter(IpAddr::V4(number.into())).expect("room");
            assert!(addresses.enter(IpAddr::V4(number.into())).is_err(), "a refusal keeps nothing");
            drop(place);
        }
        assert!(addresses.open().is_empty());
    }
}
