use std::time::Duration;

use secrecy::SecretString;
use serde::Serialize;

use super::{RateLimitStore, RedisKeys, StoreFailure};
use crate::names::one_of;
use crate::reader::{Section, boolean, count, integer, rate, text, word};
use crate::units::Rate;
use crate::{checks, show};

/// Section `rate_limit`: how many requests one caller may send. Off unless a limit is named.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RateLimitConfig {
    /// How many in how long; `None` for any number.
    #[serde(serialize_with = "show::rate")]
    pub limit: Option<Rate>,
    /// How they are counted.
    pub algorithm: RateLimitAlgorithm,
    /// How many more may come at once after a pause; for a leaky bucket.
    pub burst: u32,
    /// Patterns of paths that it counts; none means all.
    pub paths: Vec<String>,
    /// Patterns of paths that it does not count.
    pub except: Vec<String>,
    /// Who a caller is.
    pub key: RateLimitKey,
    /// How many a caller may send who is known; `None` for as many as others.
    #[serde(serialize_with = "show::count")]
    pub users: Option<u32>,
    /// How many callers are counted at one time in this process, at 34 to 52 bytes each; times, of a sliding log.
    pub capacity: usize,
    /// The status of the refusal.
    pub status: u16,
    /// Counts only requests that fail, with a status of 400 and more.
    pub skip_successful: bool,
    /// Counts the tokens that the engine uses, of a stream when it ends, instead of requests.
    pub tokens: bool,
    /// The headers that tell where a request stands.
    pub headers: Vec<RateLimitDialect>,
    /// The text of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The body of the refusal.
    pub body: RateLimitBody,
    /// Where they are counted.
    pub store: RateLimitStore,
    /// The Redis, as `redis://user:password@host:port/database`; of a cluster one or more of its nodes, with commas between
    /// them; a secret.
    #[serde(serialize_with = "show::optional_secret", skip_serializing_if = "Option::is_none")]
    pub redis_url: Option<SecretString>,
    /// The Redis is a cluster.
    pub redis_cluster: bool,
    /// What keys in Redis are called.
    pub redis_keys: RedisKeys,
    /// What all keys in Redis begin with.
    pub prefix: String,
    /// What a request gets while the store does not answer.
    pub on_store_failure: StoreFailure,
    /// How much of the limit is counted in this process while the store does not answer, if `on_store_failure` is `local`.
    pub local_percent: u8,
    /// How long a check may wait for the store.
    #[serde(serialize_with = "show::duration")]
    pub store_timeout: Duration,
}

/// How requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateLimitAlgorithm {
    /// In windows that begin with a caller's first request.
    #[default]
    FixedWindow,
    /// By the time of each: never more in any window.
    SlidingLog,
    /// In windows of the clock, of which the previous one fades.
    SlidingCounter,
    /// The same, and refused requests count as well.
    StrictCounter,
    /// A steady rate, with a burst after a pause.
    LeakyBucket,
    /// A steady rate, with the whole limit at once after a pause.
    Gcra,
}

/// Headers that tell where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum RateLimitDialect {
    /// `X-RateLimit-Limit`, `-Remaining`, `-Reset`.
    #[serde(rename = "legacy")]
    Legacy,
    /// `RateLimit-Limit`, `-Remaining`, `-Reset`, `-Policy`.
    #[serde(rename = "draft-6")]
    Draft6,
    /// `RateLimit: limit=..`, and `RateLimit-Policy`.
    #[serde(rename = "draft-7")]
    Draft7,
    /// `RateLimit: "name";r=..`, and `RateLimit-Policy`.
    #[serde(rename = "draft-10")]
    Draft10,
}

/// What a refusal says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateLimitBody {
    /// The envelope, as of all errors.
    #[default]
    Envelope,
    /// `{"error":"rate_limit_exceeded","message":..,"retryAfter":..}` with the time as ISO 8601.
    Express,
    /// `{"error":"Rate limit exceeded: 5 per 1 hour"}`, as slowapi has it.
    Slowapi,
    /// The message alone, as text.
    Text,
}

const BODIES: [(&str, RateLimitBody); 4] = [
    ("envelope", RateLimitBody::Envelope),
    ("express", RateLimitBody::Express),
    ("slowapi", RateLimitBody::Slowapi),
    ("text", RateLimitBody::Text),
];
const ALGORITHMS: [(&str, RateLimitAlgorithm); 6] = [
    ("fixed_window", RateLimitAlgorithm::FixedWindow),
    ("sliding_log", RateLimitAlgorithm::SlidingLog),
    ("sliding_counter", RateLimitAlgorithm::SlidingCounter),
    ("strict_counter", RateLimitAlgorithm::StrictCounter),
    ("leaky_bucket", RateLimitAlgorithm::LeakyBucket),
    ("gcra", RateLimitAlgorithm::Gcra),
];
const DIALECTS: [(&str, RateLimitDialect); 4] = [
    ("legacy", RateLimitDialect::Legacy),
    ("draft-6", RateLimitDialect::Draft6),
    ("draft-7", RateLimitDialect::Draft7),
    ("draft-10", RateLimitDialect::Draft10),
];

pub(super) const KEYS: [(&str, RateLimitKey); 4] = [
    ("address", RateLimitKey::Address),
    ("user", RateLimitKey::User),
    ("caller", RateLimitKey::Caller),
    ("api_key", RateLimitKey::ApiKey),
];

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self {
            limit: None,
            algorithm: RateLimitAlgorithm::default(),
            burst: 0,
            paths: Vec::new(),
            except: Vec::new(),
            key: RateLimitKey::default(),
            users: None,
            capacity: 100_000,
            status: 429,
            skip_successful: false,
            tokens: false,
            headers: vec![RateLimitDialect::Legacy],
            message: None,
            body: RateLimitBody::default(),
            store: RateLimitStore::default(),
            redis_url: None,
            redis_cluster: false,
            redis_keys: RedisKeys::default(),
            prefix: "neurolink".into(),
            on_store_failure: StoreFailure::default(),
            local_percent: 50,
            store_timeout: Duration::from_millis(50),
        }
    }
}

/// Who a caller is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateLimitKey {
    /// An address.
    #[default]
    Address,
    /// A user; needs authentication.
    User,
    /// A user where there is authentication, and else an address.
    Caller,
    /// An API key; needs authentication.
    ApiKey,
}

impl RateLimitConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        let before = self.clone();
        section.set("limit", &mut self.limit, rate);
        section.set("algorithm", &mut self.algorithm, word(&ALGORITHMS));
        section.set("burst", &mut self.burst, integer(0, u32::MAX.into()));
        section.list("paths", &mut self.paths, checks::pattern);
        section.list("except", &mut self.except, checks::pattern);
        section.set("key", &mut self.key, word(&KEYS));
        section.set("users", &mut self.users, count);
        section.set("capacity", &mut self.capacity, integer(1, 10_000_000));
        section.set("status", &mut self.status, integer(400, 599));
        section.set("skip_successful", &mut self.skip_successful, boolean);
        section.set("tokens", &mut self.tokens, boolean);
        self.read_headers(&mut section);
        section.set("message", &mut self.message, |value| text(value).map(Some));
        section.set("body", &mut self.body, word(&BODIES));
        self.read_store(&mut section);
        if self.tokens && self.skip_successful {
            section.missing(
                "tokens",
                "what succeeds costs nothing with `skip_successful`, and what fails uses no tokens; choose one",
            );
        }
        if self.tokens && self.algorithm == RateLimitAlgorithm::SlidingLog {
            section.missing("tokens", "a sliding log would keep the time of each; take the `sliding_counter`");
        }
        if self.limit.is_none() {
            let changed = [
                ("algorithm", self.algorithm != before.algorithm),
                ("burst", self.burst != before.burst),
                ("paths", self.paths != before.paths),
                ("except", self.except != before.except),
                ("key", self.key != before.key),
                ("users", self.users != before.users),
                ("capacity", self.capacity != before.capacity),
                ("status", self.status != before.status),
                ("skip_successful", self.skip_successful != before.skip_successful),
                ("tokens", self.tokens != before.tokens),
                ("headers", self.headers != before.headers),
                ("message", self.message != before.message),
                ("body", self.body != before.body),
            ];
            section.warn_idle(&changed, "while rate_limit.limit is `off`; name a limit, such as `100/60s`");
        } else if self.algorithm != RateLimitAlgorithm::LeakyBucket {
            let changed = [("burst", self.burst != before.burst)];
            section.warn_idle(&changed, "unless rate_limit.algorithm is `leaky_bucket`");
        }
        if self.body == RateLimitBody::Slowapi {
            let changed = [("message", self.message != before.message)];
            section.warn_idle(&changed, "while rate_limit.body is `slowapi`, which says the limit and nothing else");
        }
        section.finish();
    }

    fn read_headers(&mut self, section: &mut Section<'_>) {
        let Some(entry) = section.take("headers") else { return };
        let dialect = |name: &str| {
            DIALECTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, dialect)| *dialect)
        };
        let names = section.items("headers", &entry, |name| match dialect(name) {
            Some(_) => Ok(()),
            None => Err(format!("write one of {}", one_of(&DIALECTS.map(|(name, _)| name)))),
        });
        let Some(names) = names else { return };
        let dialects: Vec<_> = names.iter().filter_map(|name| dialect(name)).collect();
        if dialects.contains(&RateLimitDialect::Draft7) && dialects.contains(&RateLimitDialect::Draft10) {
            section.wrong(
                "headers",
                &entry,
                "`draft-7` and `draft-10` write `RateLimit` in two ways; choose one of them",
            );
        } else {
            self.headers = dialects;
        }
    }
}
