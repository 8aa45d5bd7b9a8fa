//! What a case takes for granted of the addresses at both ends of its connections.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::wire::own_address;

/// Cases of the rule for names that a server keeps only where it is reached by a loopback address.
const LOOPBACK: [&str; 3] =
    ["host/", "http/requests-after-a-refusal-are-answered[host]", "http2/a-foreign-authority-is-400"];
/// How often cases begin that share one address, of which a server answers 50 probes in a second.
const PACE: Duration = Duration::from_millis(40);

/// Waits for a case's turn at a server that sees one address behind all of them.
pub(crate) fn take_turn(addr: SocketAddr) {
    static NEXT: Mutex<Option<Instant>> = Mutex::new(None);
    if own_address(addr).is_none() {
        let turn = {
            let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            *next = Some(turn + PACE);
            turn
        };
        std::thread::sleep(turn.saturating_duration_since(Instant::now()));
    }
}

/// Why a case cannot be observed at a server of this address, if it cannot.
pub(crate) fn unobservable(addr: SocketAddr, name: &str, by_address: bool) -> Option<String> {
    if by_address && own_address(addr).is_none() {
        return Some("it needs a client with an address of its own, which only a server at 127.0.0.1 sees".to_owned());
    }
    if LOOPBACK.iter().any(|prefix| name.starts_with(prefix)) && !is_loopback(addr.ip()) {
        return Some("it is about names that are wrong for a server at a loopback address".to_owned());
    }
    None
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
