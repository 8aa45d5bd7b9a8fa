use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use neurolink_core::BoxError;
use neurolink_core::middleware::limit_store::{LimitKey, LimitStore, Quota, Settlement, Taken};

use crate::call::{Call, millis, taken};
use crate::connection::{InvalidUrl, Place};
use crate::keys::Keys;
use crate::link::Link;
use crate::scripts::{Name, Numbers, Scripts};

/// The most times that a sliding log keeps of a key: a script that moves more would hold up others.
const LONGEST_LOG: u32 = 10_000;
/// What a double counts exactly.
const EXACT: u64 = 1 << 53;
/// The most that one key has, in limits: the /48 of an IPv6 client.
const MOST_SHARES: u64 = 16;

/// Counts limits in Redis, where several servers share them.
///
/// It connects when it is first asked, and again when the connection is lost; it never waits longer than its
/// [`StoreHandle`](neurolink_core::middleware::limit_store::StoreHandle) lets it.
pub struct RedisStore {
    link: Link,
    scripts: Scripts,
    keys: Keys,
    callers_time: bool,
}

/// What is wrong with a prefix of keys.
pub(crate) fn prefix_problem(prefix: &str) -> Option<String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | ':' | '/');
    let fits = !prefix.is_empty() && prefix.len() <= 64 && prefix.chars().all(plain);
    (!fits).then(|| "the prefix of its keys in Redis needs 1 to 64 letters, digits or `-_.:/`".into())
}

impl RedisStore {
    /// A store at `redis://user:password@host:port/database`; no connection is made yet.
    ///
    /// # Errors
    /// It is no such URL. The URL may hold a password, so it is not shown.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Place::one(url).map(Self::at)
    }

    /// A store in a cluster, some of whose nodes are at these URLs; no connection is made yet.
    ///
    /// Each key is counted by its node. A request's rules are asked at once, whatever nodes they are on.
    ///
    /// # Errors
    /// There is no URL, one is none or names a Unix socket, or they differ in user or password.
    pub fn cluster<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidUrl> {
        Place::cluster(urls).map(Self::at)
    }

    fn at(place: Place) -> Self {
        let keys = Keys { prefix: "neurolink".into(), keryx: false };
        Self { link: Link::new(place), scripts: Scripts::limits(), keys, callers_time: false }
    }

    /// What all its keys begin with, behind a brace: `neurolink` unless told.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.keys.prefix = prefix.into();
        self
    }

    /// Keeps its counts where Keryx does, at keys such as `ratelimit:ip:192.0.2.1:29344716` with the prefix `ratelimit`, so
    /// that servers of both share them.
    ///
    /// Only [strict counters](neurolink_core::middleware::RateLimit::strict_counter) are counted so, by user or address,
    /// which stand in the keys as they are, and in one Redis: a key of a cluster would be known only inside of the script.
    /// A rule with a name of its own, such as `oauth-register`, has that behind the prefix.
    /// An IPv6 client is counted by its /64 and /48, as everywhere, and not by its address.
    #[must_use]
    pub const fn keryx_keys(mut self) -> Self {
        self.keys.keryx = true;
        self
    }

    /// Goes by the app's clock instead of that of Redis; for tests, and for servers whose clocks agree.
    #[must_use]
    pub const fn callers_time(mut self) -> Self {
        self.callers_time = true;
        self
    }

    async fn call(&self, calls: &[Call], now: Option<Duration>) -> Result<Vec<Numbers>, BoxError> {
        let commands: Vec<_> = calls.iter().map(|call| call.command(&self.scripts, now)).collect();
        self.link.run(&self.scripts, &commands).await
    }

    fn time(&self, now: Duration) -> Option<Duration> {
        self.callers_time.then_some(now)
    }
}

#[async_trait]
impl LimitStore for RedisStore {
    fn name(&self) -> &str {
        "redis"
    }

    fn problems(&self, quota: &Quota) -> Vec<String> {
        let mut problems = Vec::new();
        problems.extend(prefix_problem(&self.keys.prefix));
        if self.keys.keryx && self.link.is_cluster() {
            problems.push("Keryx's keys are not known before their script runs, which no cluster allows; leave `keryx_keys` away, or take one Redis".into());
        }
        let units = MOST_SHARES * u64::from(quota.most()).max(quota.limit.into());
        match self.keys.script(quota) {
            None if self.keys.keryx => {
                problems.push("Keryx's keys hold strict counters only; take `RateLimit::strict_counter`".into());
            }
            None => problems.push("there is no script for this algorithm in Redis; take another".into()),
            Some(Name::SlidingLog) if quota.limit > LONGEST_LOG => problems.push(format!(
                "a sliding log in Redis keeps at most {LONGEST_LOG} times; give a smaller limit, or take a sliding counter"
            )),
            Some(Name::SlidingCounter | Name::StrictCounter | Name::Bucket | Name::Keryx)
                if units.checked_mul(millis(quota.window)).is_none_or(|units| units >= EXACT) => problems.push(
                "so many in so long are more than Redis counts exactly; give a smaller limit or a shorter window".into(),
            ),
            Some(_) => {}
        }
        problems
    }

    async fn take(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError> {
        let calls = keys.iter().map(|key| Call::take(&self.keys, key)).collect::<Result<Vec<_>, _>>()?;
        let answers = self.call(&calls, self.time(now)).await?;
        answers.iter().map(|numbers| taken(numbers)).collect()
    }

    async fn look(&self, keys: &[LimitKey], now: Duration) -> Result<Vec<Taken>, BoxError> {
        let calls = keys.iter().map(|key| Call::look(&self.keys, key)).collect::<Result<Vec<_>, _>>()?;
        let answers = self.call(&calls, self.time(now)).await?;
        answers.iter().map(|numbers| taken(numbers)).collect()
    }

    async fn settle(&self, settlements: &[Settlement], now: Duration) -> Result<(), BoxError> {
        let call = |one: &Settlement| Call::settle(&self.keys, one.key(), one.charge(), one.change());
        let calls = settlements.iter().map(call).collect::<Result<Vec<_>, _>>()?;
        self.call(&calls, self.time(now)).await.map(drop)
    }

    /// Counts one, as a request would: a Redis that is loading, or only reads, could not.
    async fn probe(&self) -> Result<(), BoxError> {
        self.call(&[Call::probe(&self.keys)], None).await.map(drop)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.keys.prefix).finish_non_exhaustive()
    }
}
