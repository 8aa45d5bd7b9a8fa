//! What a check costs in time, and what a flood of addresses costs in memory; `benches/limits.py` runs and judges it.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::thread;
use std::time::{Duration, Instant};

use super::{Counters, FixedWindow, Gcra, Logs, SlidingCounter, Table, address_keys};

const NOW: Duration = Duration::from_secs(1_700_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MILLION: usize = 1_000_000;
const DEFAULT: usize = 100_000;
/// Checks of one measurement, and how many measurements there are.
const CHECKS: u32 = 200_000;
const ROUNDS: usize = 21;

type Make = fn(usize, u32) -> Box<dyn Counters>;

const ALGORITHMS: [(&str, Make); 4] = [
    ("fixed_window", |capacity, limit| Box::new(Table::new(capacity, FixedWindow::new(limit, DAY)))),
    ("sliding_counter", |capacity, limit| Box::new(Table::new(capacity, SlidingCounter::new(limit, DAY)))),
    ("gcra", |capacity, limit| Box::new(Table::new(capacity, Gcra::new(limit, DAY, limit)))),
    ("sliding_log", |capacity, limit| Box::new(Logs::new(capacity, limit, DAY))),
];

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

/// A check as the middleware makes it; whether one passed.
fn check(counters: &dyn Counters, address: IpAddr) -> bool {
    address_keys(address).iter().all(|(key, share)| counters.take(key, *share, NOW).charge.is_some())
}

/// Nanoseconds of a check, of addresses that come in no order.
fn nanoseconds(counters: &dyn Counters, addresses: u32, seed: u32) -> f64 {
    let (mut at, begun) = (seed, Instant::now());
    for _ in 0..CHECKS {
        at = at.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        black_box(check(counters, address((at >> 8) % addresses)));
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(CHECKS)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn figure(name: &str, what: &str, value: f64) {
    println!("figure {name} {what} {value:.3}");
}

/// The memory of the process, in MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    let kibibytes: f64 = line.trim_end_matches("kB").trim().parse().expect("a number");
    kibibytes * 1024.0 / 1e6
}

/// How much a flood of a million addresses grows the process, and whether one that is over its limit still is.
fn flood(name: &str, make: Make, capacity: usize, what: &str) -> Box<dyn Counters> {
    let before = resident();
    let counters = make(capacity, 5);
    let known = address(u32::MAX >> 8);
    while check(&*counters, known) {}
    for number in 0..u32::try_from(MILLION).expect("fits") {
        black_box(check(&*counters, address(number)));
    }
    figure(name, &format!("{what}_mb"), resident() - before);
    let refused = !check(&*counters, known);
    figure(name, &format!("{what}_refused"), f64::from(u8::from(refused)));
    assert!(refused, "{name}: a flood has pushed out who is at the limit");
    counters
}

#[test]
fn figures() {
    let million = u32::try_from(MILLION).expect("fits");
    // Kept, so that none finds the memory of another.
    let mut kept = Vec::new();
    for (name, make) in ALGORITHMS {
        kept.push(flood(name, make, DEFAULT, "default"));
        kept.push(flood(name, make, MILLION, "million"));
    }
    drop(kept);
    for (name, make) in &ALGORITHMS[..3] {
        let counters = make(MILLION, u32::MAX);
        let counters = &*counters;
        let rounds = |addresses| (0..ROUNDS).map(move |round| (addresses, round));
        let measured = |(addresses, round)| nanoseconds(counters, addresses, u32::try_from(round).expect("fits"));
        figure(name, "one_key_ns", median(rounds(1).map(measured).collect()));
        (0..million).for_each(|number| _ = check(counters, address(number)));
        figure(name, "million_keys_ns", median(rounds(million).map(measured).collect()));
        // Rounds in turn, so that what slows the machine slows both.
        let ratios = (0..ROUNDS).map(|_| {
            let one = 1.0 / nanoseconds(counters, million, 1);
            let both: f64 = thread::scope(|scope| {
                let begin = |seed| scope.spawn(move || 1.0 / nanoseconds(counters, million, seed));
                [begin(2), begin(3)].map(|thread| thread.join().expect("no panic")).iter().sum()
            });
            both / one
        });
        figure(name, "two_threads_ratio", median(ratios.collect()));
    }
}
