use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use smallvec::SmallVec;

use super::Quota;
use crate::{BoxError, counters};

/// Counts requests where several servers reach it.
///
/// It may be slow and may fail: a [`StoreHandle`](super::StoreHandle) bounds what a request sees of that.
/// A call may be dropped at any point.
#[async_trait]
pub trait LimitStore: Send + Sync + 'static {
    /// What the log calls it.
    fn name(&self) -> &str;

    /// What of a rule it cannot count, each with its fix; `build()` reports all.
    fn problems(&self, quota: &Quota) -> Vec<String> {
        let _ = quota;
        Vec::new()
    }

    /// Takes one of each key in one round trip, whatever the others say; a refused key is not charged, but by a strict counter.
    ///
    /// `now` is the app's clock, since the epoch; a store with a clock of its own goes by that.
    ///
    /// # Errors
    /// It could not be reached, or did not understand.
    async fn take(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError>;

    /// What taking one of each key would give, in one round trip; nothing is taken, so a charge only says that it passes.
    ///
    /// # Errors
    /// It could not be reached, or did not understand.
    async fn look(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError>;

    /// Settles what was taken, in one round trip.
    ///
    /// # Errors
    /// It could not be reached, or did not understand.
    async fn settle(&self, settlements: &[Settlement], now: Duration) -> Result<(), BoxError>;

    /// Finds out whether it could count now.
    ///
    /// # Errors
    /// It could not.
    async fn probe(&self) -> Result<(), BoxError>;
}

/// One key of a rule that a request counts for.
#[derive(Clone, Debug)]
pub struct LimitKey {
    pub(in super::super) rule: Arc<str>,
    pub(in super::super) identity: SmallVec<[u8; 24]>,
    pub(in super::super) share: u32,
    pub(in super::super) quota: Quota,
}

impl LimitKey {
    /// A key, as tests of a store need it.
    pub fn new(rule: impl Into<Arc<str>>, identity: &[u8], share: u32, quota: Quota) -> Self {
        Self { rule: rule.into(), identity: identity.into(), share, quota }
    }

    /// The rule's name in its stack.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Whose requests are counted together: a client may have chosen it, of any length, so hash it.
    #[must_use]
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// Whose requests they are, where that is an address, a network or a user: `ip:192.0.2.1`, `ip:2001:db8::/64` or
    /// `user:u1`, for a store whose keys others read. A user's name may be of any length.
    #[must_use]
    pub fn caller(&self) -> Option<String> {
        counters::caller(&self.identity)
    }

    /// How many times the limit it has.
    #[must_use]
    pub const fn share(&self) -> u32 {
        self.share
    }

    /// How many in how long, by which algorithm.
    #[must_use]
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }
}

/// What taking one gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What was taken, if there was one left.
    pub charge: Option<Charge>,
    /// How many are left.
    pub remaining: u32,
    /// Until the window ends or all has come back; if it was refused, until the next one passes.
    ///
    /// It is a time span, so that the clocks of store and server need not agree.
    pub wait: Duration,
}

/// Where in a key's state one was taken, as its store knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The first of two numbers that mean something to the store only.
    pub at: u64,
    /// The second.
    pub part: u32,
    /// Of a store in memory.
    pub(super) counted: Option<counters::Charge>,
}

impl Charge {
    /// The two numbers that its store finds it by.
    #[must_use]
    pub const fn new(at: u64, part: u32) -> Self {
        Self { at, part, counted: None }
    }
}

/// What becomes of a charge.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub(in super::super) key: LimitKey,
    pub(in super::super) charge: Charge,
    pub(in super::super) change: Change,
}

/// How a charge changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is given back, as far as it still counts.
    GiveBack,
    /// So many more are taken, even if there is nothing left; of the key, whatever the charge is.
    ChargeMore(u32),
}

impl Settlement {
    /// A settlement, as tests of a store need it.
    #[must_use]
    pub const fn new(key: LimitKey, charge: Charge, change: Change) -> Self {
        Self { key, charge, change }
    }

    /// The key that it was taken of.
    #[must_use]
    pub const fn key(&self) -> &LimitKey {
        &self.key
    }

    /// What was taken.
    #[must_use]
    pub const fn charge(&self) -> Charge {
        self.charge
    }

    /// What changes.
    #[must_use]
    pub const fn change(&self) -> Change {
        self.change
    }
}
