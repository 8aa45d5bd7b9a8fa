//! What a soak has shown.

use serde::{Deserialize, Serialize};

use super::state::Measure;

/// How much more memory is no leak: what an allocator keeps differs from one moment to the next.
const SLACK: u64 = 8 << 20;

/// The largest share of visits, in percent, that may meet a busy server: they show nothing about answers.
const MOST_BUSY: u64 = 5;

/// What a soak has shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The subject.
    pub name: String,
    /// How long it took, with its end.
    pub seconds: f64,
    /// How many visits of clients there were; a visit is one or more requests.
    pub visits: u64,
    /// How many visits met a server or a machine that was busy: 408, 429 or 504.
    pub busy: u64,
    /// How many visits had a wrong answer.
    pub wrong: usize,
    /// How often a server was stopped with clients and started again.
    pub restarts: u64,
    /// The memory of the process; in a soak of less than five minutes it may grow.
    pub memory: Memory,
    /// The counters, at the start and at the end.
    pub measures: Vec<Measure>,
    /// What leaked or was wrong, in a sentence each.
    pub problems: Vec<String>,
}

impl Outcome {
    /// Whether nothing leaked and every answer was right.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// The memory of the process while clients came, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The median of the second quarter: after the warm-up.
    pub warm: u64,
    /// The median of the last quarter.
    pub end: u64,
    /// How much more the end may be than `warm`: a tenth of it and 8 MiB.
    pub tolerance: u64,
}

impl Memory {
    pub(super) fn of(looks: &[u64]) -> Self {
        let quarter = looks.len() / 4;
        let warm = median(&looks[quarter..quarter * 2]);
        let end = median(&looks[quarter * 3..]);
        Self { warm, end, tolerance: warm / 10 + SLACK }
    }

    pub(super) fn problem(&self) -> Option<String> {
        let Self { warm, end, tolerance } = *self;
        let mib = |bytes: u64| bytes >> 20;
        (end > warm + tolerance).then(|| {
            format!(
                "leaked, memory: {} MiB in the last quarter, {} MiB after the warm-up, and {} MiB more are allowed",
                mib(end),
                mib(warm),
                mib(tolerance)
            )
        })
    }
}

/// What is to be said when too many visits met a server or a machine that was busy.
pub(super) fn too_busy(visits: u64, busy: u64) -> Option<String> {
    (busy * 100 > visits * MOST_BUSY)
        .then(|| format!("busy: {busy} of {visits} visits met 408, 429 or 504, and at most {MOST_BUSY} % may"))
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}
