//! What a case takes for granted of the addresses at both ends of its connections.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::wire::own_address;

/// Routes whose requests are counted by the client's address.
const COUNTED: [&str; 3] = ["/api/health/startup", "/api/h%65alth/startup", "/api/test/store/"];
/// Conversations that count by address, or come from two.
const BY_ADDRESS: [&str; 4] = ["limit/", "concurrency/", "basic/", "health/probes-are-capped-by-address"];
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
pub(crate) fn unobservable(addr: SocketAddr, name: &str, case: Option<&Case>) -> Option<String> {
    let is_one = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let counted = case.map_or_else(|| is_one(&BY_ADDRESS), |case| case.from.is_some() || asks_for_counted(case));
    if counted && own_address(addr).is_none() {
        return Some("it needs clients of several addresses, which only a server at 127.0.0.1 sees".to_owned());
    }
    if is_one(&LOOPBACK) && !is_loopback(addr.ip()) {
        return Some("it is about names that are wrong for a server at a loopback address".to_owned());
    }
    None
}

fn asks_for_counted(case: &Case) -> bool {
    let mut requests = case.request.iter().chain(case.steps.iter().map(|step| &step.request));
    requests.any(|request| {
        let target = request.path.as_deref().or(request.raw.as_deref()).unwrap_or_default();
        COUNTED.iter().any(|counted| target.contains(counted))
    })
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::area::{cases, function_cases};

    /// The ids that cannot be observed at this address.
    fn not_at(addr: &str) -> Vec<String> {
        let addr = addr.parse().unwrap();
        let data = cases().unwrap();
        let data = data.iter().map(|case| (case.id.clone(), unobservable(addr, &case.name(), Some(case))));
        let functions = function_cases().iter().map(|case| (case.id.to_owned(), unobservable(addr, case.id, None)));
        let mut ids: Vec<_> = data.chain(functions).filter_map(|(id, why)| why.map(|_| id)).collect();
        ids.dedup();
        ids
    }

    #[test]
    fn at_127_0_0_1_everything_can_be_observed() {
        assert_eq!(not_at("127.0.0.1:80"), [""; 0]);
    }

    #[test]
    fn elsewhere_clients_have_one_address_and_names_of_loopback_are_not_asked_for() {
        let (far, six) = (not_at("192.0.2.1:80"), not_at("[::1]:80"));
        for id in ["limit/addresses-are-counted-apart", "limit/last-within-the-limit-is-answered", "health/startup"] {
            assert!(far.iter().any(|far| far == id) && six.iter().any(|six| six == id), "{id}");
        }
        let names = "host/other-names-are-refused".to_owned();
        assert!(far.contains(&names) && !six.contains(&names));
        assert!(!far.contains(&"routing/known-route-is-answered".to_owned()));
    }
}
