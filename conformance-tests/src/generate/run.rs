//! The run: exchanges by number, compared by several threads, and what differs shrunk.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use proptest::strategy::{BoxedStrategy, Strategy as _, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::exchange::GeneratedExchange;
use super::known::Known;
use super::report::{Finding, Report};
use super::{ask, grammar, known, minimal};
use crate::Column;
use crate::differential::Group;
use crate::normalise::Rule;

/// How often a difference is looked for again; it counts if it comes back in most of them.
const REPEATS: usize = 5;
/// How long smaller exchanges are tried for one finding.
const SHRINKING: Duration = Duration::from_secs(10);

/// What to generate and how.
#[derive(Clone, Copy)]
pub struct GenerateOptions<'a> {
    /// How many exchanges are sent to each server.
    pub requests: u64,
    /// Makes the exchanges, together with their numbers.
    pub seed: u64,
    /// The number of the first exchange.
    pub from: u64,
    /// How many threads send.
    pub threads: usize,
    /// The run ends when so many different findings are there.
    pub most_findings: usize,
    /// Begins the command that repeats an exchange; ` --seed S --from N --requests 1` is put behind it.
    pub repeat: &'a str,
    /// Is called now and then with what is done.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// How many exchanges were sent.
    pub asked: u64,
    /// How many are to be sent.
    pub requests: u64,
    /// How many findings there are.
    pub findings: usize,
}

impl Default for GenerateOptions<'_> {
    fn default() -> Self {
        Self {
            requests: 20_000,
            seed: 1,
            from: 0,
            threads: 8,
            most_findings: 10,
            repeat: "neurolink conformance diff",
            progress: &|_| (),
        }
    }
}

impl std::fmt::Debug for GenerateOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GenerateOptions")
            .field("requests", &self.requests)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// Sends generated exchanges to these servers and compares their answers.
///
/// Exchanges that a server's list of divergences explains are not generated: see [`known`].
/// The servers have to run with the reference configuration and to be fresh: rate limits are keyed by address,
/// and an address of its own is what an exchange has.
#[must_use]
pub fn generate(columns: &[Column<'_>], options: GenerateOptions<'_>) -> Report {
    let started = Instant::now();
    let columns: Vec<_> = columns.iter().cloned().map(Column::looked_at).collect();
    let columns = &columns[..];
    let shared = Shared {
        columns,
        known: known::of(columns),
        options,
        next: AtomicU64::new(0),
        asked: AtomicU64::new(0),
        enough: AtomicBool::new(false),
        report: Mutex::default(),
    };
    thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            scope.spawn(|| shared.work());
        }
    });
    let mut report = shared.report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.seed = options.seed;
    report.from = options.from;
    report.asked = shared.asked.into_inner();
    report.names = columns.iter().map(|column| column.name.to_owned()).collect();
    report.took = started.elapsed();
    report.repeat = options.repeat.to_owned();
    report.findings.sort_by_key(|finding| finding.number);
    report.unrepeated.sort_by_key(|finding| finding.number);
    report
}

/// The answers to one exchange, grouped, and the rules that were needed.
#[must_use]
pub fn compare(columns: &[Column<'_>], exchange: &GeneratedExchange) -> Vec<Group> {
    ask::ask(columns, exchange, &mut BTreeSet::new())
}

/// What the threads of a run share.
struct Shared<'a> {
    columns: &'a [Column<'a>],
    /// What is not generated, and no exchange is shrunk to.
    known: Vec<Known>,
    options: GenerateOptions<'a>,
    next: AtomicU64,
    asked: AtomicU64,
    enough: AtomicBool,
    report: Mutex<Report>,
}

type Tree = Box<dyn ValueTree<Value = GeneratedExchange>>;

impl Shared<'_> {
    fn work(&self) {
        let strategy = strategy(self.known.clone());
        let mut used = BTreeSet::new();
        while !self.enough.load(Ordering::Relaxed) {
            let count = self.next.fetch_add(1, Ordering::Relaxed);
            if count >= self.options.requests {
                break;
            }
            let number = self.options.from.wrapping_add(count);
            self.one(number, &strategy, &mut used);
            let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            if asked.is_multiple_of(1000) {
                let findings = self.lock().findings.len();
                (self.options.progress)(Progress { asked, requests: self.options.requests, findings });
            }
        }
        self.lock().normalised.append(&mut used);
    }

    fn one(&self, number: u64, strategy: &BoxedStrategy<GeneratedExchange>, used: &mut BTreeSet<Rule>) {
        let tree = tree(strategy, self.options.seed, number);
        let exchange = tree.current();
        let groups = ask::ask(self.columns, &exchange, used);
        if !ask::is_finding(&groups) {
            return;
        }
        let again = (0..REPEATS).filter(|_| self.difference(&exchange).is_some()).count();
        if again <= REPEATS / 2 {
            self.lock().unrepeated.push(Finding { number, exchange, groups });
            return;
        }
        let (exchange, groups) = self.shrink(tree, groups);
        let sent = |exchange: &GeneratedExchange| {
            exchange.sendings().iter().map(|sending| sending.pieces.concat()).collect::<Vec<_>>()
        };
        let mut report = self.lock();
        if !report.findings.iter().any(|finding| sent(&finding.exchange) == sent(&exchange)) {
            report.findings.push(Finding { number, exchange, groups });
        }
        if report.findings.len() >= self.options.most_findings {
            self.enough.store(true, Ordering::Relaxed);
        }
    }

    /// The answers to an exchange, if they are a finding.
    fn difference(&self, exchange: &GeneratedExchange) -> Option<Vec<Group>> {
        let groups = compare(self.columns, exchange);
        ask::is_finding(&groups).then_some(groups)
    }

    /// The smallest exchange below this one that still differs, and how it was answered.
    fn shrink(&self, mut tree: Tree, groups: Vec<Group>) -> (GeneratedExchange, Vec<Group>) {
        let mut smallest = (tree.current(), groups);
        let started = Instant::now();
        let mut moved = tree.simplify();
        while moved && started.elapsed() < SHRINKING {
            let smaller = tree.current();
            if let Some(groups) = self.difference(&smaller) {
                smallest = (smaller, groups);
                moved = tree.simplify();
            } else {
                moved = tree.complicate();
            }
        }
        let started = Instant::now();
        let (exchange, mut groups) = smallest;
        let exchange = minimal::minimal(exchange, |smaller| {
            let is_left = started.elapsed() > SHRINKING || self.known.iter().any(|known| (known.shows)(smaller));
            let found = if is_left { None } else { self.difference(smaller) };
            found.map(|found| groups = found).is_some()
        });
        (exchange, groups)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The grammar without what is known to be answered differently.
fn strategy(known: Vec<Known>) -> BoxedStrategy<GeneratedExchange> {
    grammar::exchange()
        .prop_filter("a divergence tells how it is answered", move |it| !known.iter().any(|known| (known.shows)(it)))
        .boxed()
}

/// The exchange of this number, and how it shrinks.
fn tree(strategy: &BoxedStrategy<GeneratedExchange>, seed: u64, number: u64) -> Tree {
    // Cheap to make and to run: every exchange has a generator of its own.
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mixed(seed).to_le_bytes());
    bytes[8..].copy_from_slice(&mixed(seed ^ mixed(number)).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy.new_tree(&mut runner).expect("the grammar is far wider than what is left out")
}

/// Spreads the bits of a number (the finaliser of SplitMix64): neighbours have nothing in common.
const fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::known::KNOWN;
    use super::*;

    /// The exchanges of a seed, with nothing left out.
    fn exchanges(seed: u64, count: u64) -> Vec<GeneratedExchange> {
        let strategy = grammar::exchange();
        (0..count).map(|number| tree(&strategy, seed, number).current()).collect()
    }

    fn bytes(exchanges: &[GeneratedExchange]) -> Vec<Vec<Vec<u8>>> {
        let of =
            |exchange: &GeneratedExchange| exchange.sendings().into_iter().flat_map(|sending| sending.pieces).collect();
        exchanges.iter().map(of).collect()
    }

    #[test]
    fn a_seed_and_a_number_make_an_exchange() {
        assert_eq!(bytes(&exchanges(7, 20)), bytes(&exchanges(7, 20)));
        assert_ne!(bytes(&exchanges(7, 20)), bytes(&exchanges(8, 20)));
    }

    #[test]
    fn most_exchanges_differ_from_each_other() {
        let mut all = bytes(&exchanges(1, 1000));
        all.sort();
        all.dedup();
        assert!(all.len() > 900, "{}", all.len());
    }

    #[test]
    fn each_exclusion_leaves_something_out_and_all_together_leave_most_in() {
        let all = exchanges(1, 4000);
        for known in KNOWN {
            assert!(all.iter().any(|it| (known.shows)(it)), "{} excludes nothing", known.case);
        }
        let left_out = all.iter().filter(|it| KNOWN.iter().any(|known| (known.shows)(it))).count();
        assert!(left_out < all.len() / 3, "{left_out} of {}", all.len());
    }
}
