use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::area::{cases, function_cases};
use crate::hyper_adapter::Hyper;
use crate::reference::Served;
use crate::{CONFIGURATIONS, Case, Subject as _, Verdict, run_case};

/// The ids that cannot be observed at this address.
fn not_at(addr: &str) -> Vec<String> {
    let addr = addr.parse().unwrap();
    let data = cases().unwrap();
    let data = data.iter().map(|case| (case.id.clone(), unobservable(addr, &case.name(), case.is_by_address())));
    let functions =
        function_cases().iter().map(|case| (case.id.to_owned(), unobservable(addr, case.id, case.by_address)));
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

/// What cases of a configuration come to that all have the address 127.0.0.1; only what is not a pass.
fn at_one_address(needs: &str, cases: &[Case]) -> Vec<String> {
    let server = Served::by(Hyper::new()).start(needs).unwrap();
    // The same server by a name of its address for which clients have no addresses of their own.
    let addr: SocketAddr = format!("[::ffff:127.0.0.1]:{}", server.addr.port()).parse().unwrap();
    let clock = server.control.as_ref().unwrap().clock();
    let cases: Vec<_> = cases
        .iter()
        .filter(|case| case.needs == needs && unobservable(addr, &case.name(), case.is_by_address()).is_none())
        .collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        let clients = if crate::asked_one_at_a_time(needs) { 1 } else { 4 };
        for _ in 0..clients {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // In place of the pause before a turn.
                    clock.advance(PACE);
                    let outcome = run_case(addr, case);
                    if outcome.verdict != Verdict::Pass {
                        wrong.lock().unwrap_or_else(PoisonError::into_inner).push(*case);
                    }
                }
            });
        }
    });
    // What others have used up is used up still; what was late on a busy machine is not, with nothing beside it.
    let again = wrong.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().map(|case| {
        clock.advance(PACE);
        run_case(addr, case)
    });
    let wrong = again.filter(|outcome| outcome.verdict != Verdict::Pass);
    wrong.map(|outcome| format!("{needs}: {}: {}", outcome.name, outcome.mismatches.join("; "))).collect()
}

#[test]
fn no_case_fails_because_all_come_from_one_address() {
    let cases = cases().unwrap();
    let wrong: Vec<String> = CONFIGURATIONS.iter().flat_map(|(needs, _)| at_one_address(needs, &cases)).collect();
    assert_eq!(wrong, [""; 0]);
}
