use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::Key;
use super::algorithm::{Algorithm, Quota};
use super::decision::{Asked, decide};
use super::headers::{Dialects, RateLimitHeaders};
use super::limited::{settle, show};
use super::refusal::{Chosen, Refusal, RefusalBody};
use super::store::{OnStoreFailure, StoreHandle};
use super::tier::{Class, Tier, Who};
use crate::counters::Counted;
use crate::facts::NoAddress;
use crate::stack::Kind;
use crate::{Code, Context, Error, Hook, Response};

/// How many keys are counted at one time, unless told.
const CAPACITY: usize = 100_000;

/// Finds what a request costs, once its answer is known.
pub type CostFn = Arc<dyn Fn(&Context, &Response) -> u32 + Send + Sync>;

/// What a request costs.
#[derive(Clone)]
pub(super) enum Cost {
    /// What a function finds.
    Of(CostFn),
    /// What the engine used.
    Tokens,
}

/// Refuses a client that calls too often.
#[derive(Clone)]
pub struct RateLimit {
    everyone: Class,
    tiers: Vec<Tier>,
    pub(super) key: Key,
    message: Option<Arc<str>>,
    dialects: Dialects,
    cost: Option<Cost>,
    status: StatusCode,
    body: Option<Chosen>,
    pub(super) capacity: usize,
    pub(super) store: Option<StoreHandle>,
    pub(super) on_store_failure: Option<OnStoreFailure>,
}

/// Where a request stands: the rule with the least remaining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitState {
    /// Requests in a window; of a leaky bucket, those that may come at once.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// When the window ends, since the epoch; of a sliding log, a leaky bucket and GCRA, when the whole limit has come
    /// back; of a refused request, when the next one passes.
    pub resets: Duration,
}

impl RateLimitState {
    /// One was given back.
    pub(super) fn give_back(&mut self) {
        self.remaining = self.remaining.saturating_add(1).min(self.limit);
    }
}

impl RateLimit {
    /// At most `limit` requests in each `window`, which begins with a key's first request.
    ///
    /// The cheapest; at the edge of two windows twice the limit may come.
    #[must_use]
    pub fn fixed_window(limit: u32, window: Duration) -> Self {
        Self::new(Quota { limit, window, algorithm: Algorithm::FixedWindow })
    }

    /// At most `limit` requests in any `window`, by the time of each.
    ///
    /// Exact; it keeps `limit` times of a busy key, and its capacity is counted in times.
    #[must_use]
    pub fn sliding_log(limit: u32, window: Duration) -> Self {
        Self::new(Quota { limit, window, algorithm: Algorithm::SlidingLog })
    }

    /// At most `limit` requests in each `window` of the clock, and about as many in any other: those of the previous
    /// window count by the part of it that a window before now still covers.
    #[must_use]
    pub fn sliding_counter(limit: u32, window: Duration) -> Self {
        Self::new(Quota { limit, window, algorithm: Algorithm::SlidingCounter })
    }

    /// As the [sliding counter](Self::sliding_counter), and requests that are refused count as well: who keeps asking
    /// stays out. `Retry-After` is the end of the window, and is no promise; the algorithm is Keryx's.
    #[must_use]
    pub fn strict_counter(limit: u32, window: Duration) -> Self {
        Self::new(Quota { limit, window, algorithm: Algorithm::StrictCounter })
    }

    /// A steady rate of `limit` requests in `window`, and `burst` more at once after a pause; as nginx's `limit_req`
    /// with `nodelay`.
    #[must_use]
    pub fn leaky_bucket(limit: u32, window: Duration, burst: u32) -> Self {
        Self::new(Quota { limit, window, algorithm: Algorithm::LeakyBucket { burst } })
    }

    /// `limit` requests at once after a pause, and then one each time that `window / limit` has passed: the generic
    /// cell rate algorithm.
    #[must_use]
    pub fn gcra(limit: u32, window: Duration) -> Self {
        Self::new(Quota { limit, window, algorithm: Algorithm::Gcra })
    }

    fn new(quota: Quota) -> Self {
        Self {
            everyone: Class::new(quota, CAPACITY),
            tiers: Vec::new(),
            key: Key::Address,
            message: None,
            dialects: Dialects::LEGACY,
            cost: None,
            status: Code::RateLimitExceeded.status(),
            body: None,
            capacity: CAPACITY,
            store: None,
            on_store_failure: None,
        }
    }

    /// Counts by this key: the client's address unless told.
    #[must_use]
    pub fn by(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// Another limit for whoever is known: so it stands behind authentication, and asks for one unless it counts by
    /// [`Key::Caller`].
    #[must_use]
    pub fn for_users(self, limit: u32) -> Self {
        self.tier(Who::Users, limit)
    }

    /// Another limit for users with this role, or with this text as `tier` in their metadata, such as `"pro"`; of
    /// several that fit, the first one that was named.
    ///
    /// ```
    /// use std::time::Duration;
    /// use neurolink_core::middleware::{Key, RateLimit};
    ///
    /// let minute = Duration::from_secs(60);
    /// let limit = RateLimit::sliding_counter(20, minute).by(Key::User).for_tier("pro", 1000).for_users(200);
    /// ```
    #[must_use]
    pub fn for_tier(self, name: impl Into<Arc<str>>, limit: u32) -> Self {
        self.tier(Who::Named(name.into()), limit)
    }

    fn tier(mut self, who: Who, limit: u32) -> Self {
        let quota = Quota { limit, ..self.everyone.quota };
        let class = Class::of(&who, quota, self.capacity);
        self.tiers.push(Tier { who, class });
        // Who is anybody with a name comes last, wherever it was said.
        self.tiers.sort_by_key(|tier| tier.who == Who::Users);
        self.count_anew()
    }

    /// The status of the refusal: 429 unless told; nginx answers 503.
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The whole body of the refusal, in JSON, instead of the envelope; its headers stay.
    #[must_use]
    pub fn body(mut self, body: impl Fn(&Context, &Refusal) -> Value + Send + Sync + 'static) -> Self {
        self.body = Some(Chosen::Own(Arc::new(body)));
        self
    }

    /// The whole body of the refusal, as clients of another system read it; its headers stay.
    #[must_use]
    pub fn body_as(mut self, body: RefusalBody) -> Self {
        self.body = Some(Chosen::Known(body));
        self
    }

    /// The message of the 429; `{seconds}` in it becomes the seconds of `Retry-After`.
    #[must_use]
    pub fn message(mut self, message: impl Into<Arc<str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// The headers that tell where a request stands: [`RateLimitHeaders::Legacy`] unless told, and any set of them but
    /// `Draft7` with `Draft10`, which write one header in two ways.
    #[must_use]
    pub fn headers(mut self, dialects: impl IntoIterator<Item = RateLimitHeaders>) -> Self {
        self.dialects = Dialects::of(dialects);
        self
    }

    /// What a request costs, found out when its answer is known: 0 gives back the one that was taken when it came, and
    /// more is taken then, even if there is nothing left.
    ///
    /// An answer that is streamed is known by its head; that of a handler that panicked is a 500. A request without an
    /// answer, for its deadline passed, its client went away or a middleware panicked, costs one. The headers show the
    /// one that was taken.
    #[must_use]
    pub fn cost(mut self, cost: impl Fn(&Context, &Response) -> u32 + Send + Sync + 'static) -> Self {
        self.cost = Some(Cost::Of(Arc::new(cost)));
        self
    }

    /// Counts the tokens that the engine uses, instead of requests: `fixed_window(100_000, day)` lets through 100,000 tokens
    /// a day, and the requests at work when they are used up.
    ///
    /// One is taken when a request comes, and given back if the engine was not called.
    /// An answer is charged when it is known; a stream when it ends, also by its reader's leaving; a request without an
    /// answer with what is known of it.
    /// Each call of the engine is one token at least, each piece of a stream another, and more as soon as the engine
    /// tells its usage.
    /// It counts the app's own engine, so not embeddings, and it stands in no stack around native routes.
    #[must_use]
    pub fn tokens(mut self) -> Self {
        self.cost = Some(Cost::Tokens);
        self
    }

    /// Counts failures only: one is taken when a request comes, and given back if its status is below 400.
    ///
    /// So failures that come at one time are not more than those that come one by one.
    #[must_use]
    pub fn skip_successful(self) -> Self {
        self.cost(|_, response| u32::from(response.status().as_u16() >= 400))
    }

    /// How many keys are counted at one time: 100,000 unless told, 34 to 52 bytes each; times of a sliding log.
    #[must_use]
    pub fn capacity(mut self, keys: usize) -> Self {
        self.capacity = keys;
        self.count_anew()
    }

    /// Counts in a store, which other servers may count in too.
    ///
    /// Rules of one place that have the same handle are asked in one call.
    #[must_use]
    pub fn store(mut self, store: impl Into<StoreHandle>) -> Self {
        self.store = Some(store.into());
        self
    }

    /// What a request gets while the store does not answer: 503 unless told.
    #[must_use]
    pub fn on_store_failure(mut self, policy: OnStoreFailure) -> Self {
        self.on_store_failure = Some(policy);
        self.count_anew()
    }

    /// With empty counters, for what is counted in this process.
    pub(crate) fn count_anew(mut self) -> Self {
        let tiers = self.tiers.iter_mut().map(|tier| &mut tier.class);
        for class in tiers.chain([&mut self.everyone]) {
            let quota = match self.on_store_failure {
                Some(OnStoreFailure::Local { percent }) => class.quota.percent(percent),
                _ => class.quota,
            };
            class.counters = quota.counters(self.capacity);
        }
        self
    }

    /// What the caller's limit is.
    pub(super) fn class(&self, ctx: &Context) -> &Class {
        self.tiers.iter().find(|tier| tier.who.is(ctx)).map_or(&self.everyone, |tier| &tier.class)
    }

    /// The parts of a request that are counted.
    ///
    /// # Errors
    /// It counts by address, and there is none.
    pub(super) fn keys(&self, ctx: &Context) -> Result<Counted, NoAddress> {
        self.key.of(ctx)
    }

    pub(super) const fn store_handle(&self) -> Option<&StoreHandle> {
        self.store.as_ref()
    }

    pub(super) fn failure_policy(&self) -> OnStoreFailure {
        self.on_store_failure.unwrap_or_default()
    }

    /// Whether it has counters of its own, and the same store as another.
    pub(crate) fn collides(&self, other: &Self) -> bool {
        let same_store = self.store.as_ref().zip(other.store.as_ref()).is_some_and(|(one, two)| one.is_same(two));
        same_store && !Arc::ptr_eq(&self.everyone.counters, &other.everyone.counters)
    }

    /// What a store calls its counts, if its step has this name.
    pub(crate) fn names_in_store<'a>(&'a self, step: &'a Arc<str>) -> impl Iterator<Item = Arc<str>> + 'a {
        [&self.everyone].into_iter().chain(self.tiers.iter().map(|tier| &tier.class)).map(|class| class.name(step))
    }

    /// Whether it counts what the engine uses.
    pub(crate) const fn counts_tokens(&self) -> bool {
        matches!(self.cost, Some(Cost::Tokens))
    }

    pub(super) const fn cost_of(&self) -> Option<&Cost> {
        self.cost.as_ref()
    }

    pub(super) const fn dialects(&self) -> Dialects {
        self.dialects
    }

    /// The refusal of a request that stands there.
    pub(super) fn refusal(&self, ctx: &Context, state: RateLimitState) -> Error {
        let wait = state.resets.saturating_sub(ctx.now_or_later());
        let mut error = Error::new(Code::RateLimitExceeded).with_retry_after(wait).with_status(self.status);
        if let Some(message) = &self.message {
            let seconds = error.retry_after_seconds().unwrap_or(1).to_string();
            error = error.with_message(message.replace("{seconds}", &seconds));
        }
        let Some(body) = &self.body else { return error };
        let refusal = Refusal { state, retry_after: error.retry_after_seconds().unwrap_or(1) };
        body.body_of(error, ctx, refusal, &self.everyone.quota)
    }
}

impl Hook for RateLimit {
    fn name(&self) -> &str {
        "rate-limit"
    }

    fn order(&self) -> i16 {
        Key::order(Hook::kind(self))
    }

    fn kind(&self) -> Kind {
        match self.key.kind() {
            // Tiers are of users.
            Kind::Other if !self.tiers.is_empty() => Kind::UsesUser,
            kind => kind,
        }
    }

    fn spares_probes(&self) -> bool {
        true
    }

    fn summary(&self) -> String {
        let mut summary = format!("{} by {}", self.everyone.quota, self.key.name());
        for Tier { who, class } in &self.tiers {
            summary.push_str(&format!(", {} for {who}", class.quota.limit));
        }
        if self.counts_tokens() {
            summary.push_str(", in tokens");
        }
        if let Some(store) = &self.store {
            summary.extend([" in ", store.name()]);
        }
        summary
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = self.everyone.quota.problems(self.capacity);
        if self.counts_tokens() && self.everyone.quota.algorithm == Algorithm::SlidingLog {
            problems.push("a sliding log would keep the time of each token; count them by a sliding counter".into());
        }
        for (index, Tier { who, class }) in self.tiers.iter().enumerate() {
            let of_tier = class.quota.problems(self.capacity).into_iter();
            problems.extend(of_tier.map(|problem| format!("{who}: {problem}")).filter(|_| class.quota.limit == 0));
            if *who == Who::Named("".into()) {
                problems.push("a tier without a name is nobody's; give it one, or take `for_users`".into());
            }
            if self.tiers[..index].iter().any(|other| other.who == *who) {
                problems.push(format!("{who} have two limits; take one of them away"));
            }
        }
        if !(self.status.is_client_error() || self.status.is_server_error()) {
            problems.push(format!("{} does not say that a request is refused; take 429 or 503", self.status.as_u16()));
        }
        if self.dialects.is_ambiguous() {
            problems.push("the drafts 7 and 10 write `RateLimit` in two ways; choose one of them".into());
        }
        match (&self.store, self.on_store_failure) {
            (None, Some(_)) => {
                problems.push("it counts in no store that could fail; name one by `.store(..)`".into());
            }
            (Some(_), Some(OnStoreFailure::Local { percent })) if !(1..=100).contains(&percent) => {
                problems.push(format!("{percent} percent of the limit cannot be counted; give 1 to 100"));
            }
            (None, None) => {}
            (Some(store), _) => {
                let tiers = self.tiers.iter().map(|tier| &tier.class);
                for problem in tiers.chain([&self.everyone]).flat_map(|class| store.problems(&class.quota)) {
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
        problems
    }

    fn as_rate_limit(&self) -> Option<&RateLimit> {
        Some(self)
    }

    fn before(&self, ctx: &mut Context) -> Option<Response> {
        let asked = Asked::new(self, ctx, || ctx.at?.name(&ctx.target().steps));
        decide(&[asked], &[], ctx, false)
    }

    fn after(&self, ctx: &Context, response: &mut Response) {
        settle(ctx, response);
        show(ctx, response);
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RateLimit({})", Hook::summary(self))
    }
}
