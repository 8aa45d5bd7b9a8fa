use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::names::one_of;
use crate::units::Rate;
use crate::{Config, HeaderPreset, LogFormat, Origins, RateLimitAlgorithm, RateLimitKey, RedisKeys};

/// A set of values to begin with; everything that is given wins over it.
///
/// A preset reproduces what a system promises, never its defects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// What is right today; the default.
    #[default]
    Modern,
    /// What the original promises: CORS for any origin without credentials, 100 requests in 15 minutes of one
    /// address, its security headers, bodies of 10 MiB, 30 s to answer and to stop, 404 and 405 for everybody.
    ///
    /// Its codes begin with `SERVER_ADAPTER_` and a timeout is a 408. It listens on 127.0.0.1 as every preset does.
    Neurolink,
    /// What Keryx promises: 20 requests in 60 s of one address and 200 of one user in windows of the clock, CORS for any
    /// origin without credentials and with its methods on every answer, its security headers, 300 s to answer, its
    /// line of log.
    ///
    /// It listens on 127.0.0.1 as every preset does, and answers errors in our envelope.
    Keryx,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Modern, Self::Neurolink, Self::Keryx];

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Neurolink => "neurolink",
            Self::Keryx => "keryx",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|preset| preset.as_str() == name);
        known.ok_or_else(|| format!("write one of {}", one_of(&Self::ALL.map(Self::as_str))))
    }
}

impl Config {
    /// The values of a preset.
    ///
    /// ```
    /// use neurolink_config::{Config, Preset};
    ///
    /// let config = Config::preset(Preset::Neurolink);
    /// assert_eq!(config.body.limit, 10 * 1024 * 1024);
    /// ```
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let mut config = Self::modern();
        match preset {
            Preset::Modern => {}
            Preset::Neurolink => config.neurolink(),
            Preset::Keryx => config.keryx(),
        }
        config
    }

    /// The original's defaults.
    fn neurolink(&mut self) {
        self.preset = Preset::Neurolink;
        self.server.grace = Duration::from_secs(30);
        self.auth.hide_unmatched = false;
        self.cors.origins = Origins::Any;
        self.cors.max_age = Duration::from_secs(86_400);
        self.rate_limit.limit = Some(Rate::new(100, Duration::from_secs(15 * 60)));
        self.rate_limit.message = Some("Too many requests, please try again later".into());
        self.body.limit = 10 << 20;
        self.timeout.request = Duration::from_secs(30);
        self.headers.preset = HeaderPreset::Neurolink;
        self.errors.code_prefix = "SERVER_ADAPTER_".into();
        self.errors.timeout_status = 408;
    }

    /// Keryx's defaults.
    fn keryx(&mut self) {
        self.preset = Preset::Keryx;
        self.server.port = 8080;
        self.server.grace = Duration::from_secs(30);
        self.auth.hide_unmatched = false;
        self.cors.origins = Origins::Any;
        self.cors.methods = ["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map(Into::into).into();
        self.cors.headers = vec!["Content-Type".into()];
        self.cors.announce = true;
        self.cors.preflight_status = 200;
        // It names none; this is what browsers take then (Fetch standard, section 4.8).
        self.cors.max_age = Duration::from_secs(5);
        self.rate_limit.limit = Some(Rate::new(20, Duration::from_secs(60)));
        self.rate_limit.users = Some(200);
        self.rate_limit.key = RateLimitKey::Caller;
        self.rate_limit.algorithm = RateLimitAlgorithm::StrictCounter;
        self.rate_limit.message = Some("Rate limit exceeded. Try again in {seconds} seconds.".into());
        // For whom `store` is `redis`: its servers count at the same keys.
        self.rate_limit.redis_keys = RedisKeys::Keryx;
        self.rate_limit.prefix = "ratelimit".into();
        self.timeout.request = Duration::from_secs(300);
        self.headers.preset = HeaderPreset::Keryx;
        self.errors.timeout_status = 408;
        self.log.format = LogFormat::Keryx;
    }
}
