use neurolink_core::{ConfigError, ConfigProblem};
use serde::Serialize;

use crate::layers::Table;
use crate::reader::{Found, Section, boolean};
use crate::{
    AuthConfig, BodyConfig, ConcurrencyConfig, CorsConfig, CrossSiteConfig, ErrorsConfig, HeadersConfig, Loaded,
    Loader, LogConfig, Origins, Preset, ProxiesConfig, RateLimitConfig, RateLimitStore, RequestIdConfig, ServerConfig,
    StreamConfig, TimeoutConfig,
};

/// Everything that can be configured, as values.
///
/// `Config::default()` is the preset `modern`; change what you want and [`apply`](Self::apply) it.
/// It serializes to what a file would say, with `[hidden]` for each secret.
///
/// ```
/// use std::time::Duration;
/// use neurolink_config::{Config, Rate};
///
/// let mut config = Config::default();
/// config.server.port = 8080;
/// config.rate_limit.limit = Some(Rate::new(100, Duration::from_secs(60)));
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Config {
    /// The preset that it began with.
    #[serde(serialize_with = "preset")]
    pub preset: Preset,
    /// What is for development is off, whatever else says: no caller is told the cause of an error.
    ///
    /// Read from layers, it also closes what a preset opens to every website: `cors.origins` are those that are named.
    pub production: bool,
    /// Where the server listens, what it is called, how it stops.
    pub server: ServerConfig,
    /// Who may call.
    pub auth: AuthConfig,
    /// Which other origins may call from a browser.
    pub cors: CorsConfig,
    /// How many requests one caller may send.
    pub rate_limit: RateLimitConfig,
    /// How many requests may be at work at one time.
    pub concurrency: ConcurrencyConfig,
    /// Sizes of request bodies.
    pub body: BodyConfig,
    /// How long things may take.
    pub timeout: TimeoutConfig,
    /// Security headers.
    pub headers: HeadersConfig,
    /// State-changing requests that a browser sends from another site.
    pub cross_site: CrossSiteConfig,
    /// Whose forwarded data is believed.
    pub proxies: ProxiesConfig,
    /// The id of a request.
    pub request_id: RequestIdConfig,
    /// How errors are answered.
    pub errors: ErrorsConfig,
    /// How event streams behave.
    pub stream: StreamConfig,
    /// What is logged.
    pub log: LogConfig,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn preset<S: serde::Serializer>(preset: &Preset, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(preset.as_str())
}

impl Default for Config {
    fn default() -> Self {
        Self::preset(Preset::Modern)
    }
}

impl Config {
    pub(crate) fn modern() -> Self {
        Self {
            preset: Preset::Modern,
            production: false,
            server: ServerConfig::default(),
            auth: AuthConfig::default(),
            cors: CorsConfig::default(),
            rate_limit: RateLimitConfig::default(),
            concurrency: ConcurrencyConfig::default(),
            body: BodyConfig::default(),
            timeout: TimeoutConfig::default(),
            headers: HeadersConfig::default(),
            cross_site: CrossSiteConfig::default(),
            proxies: ProxiesConfig::default(),
            request_id: RequestIdConfig::default(),
            errors: ErrorsConfig::default(),
            stream: StreamConfig::default(),
            log: LogConfig::default(),
        }
    }

    /// Reads the file that `NEUROLINK_CONFIG` names, or else `neurolink.toml` if it is there, and the environment.
    ///
    /// # Errors
    /// All mistakes at once, each with where it came from and what would be right.
    pub fn load() -> Result<Loaded, ConfigError> {
        Loader::from_system().load()
    }

    /// Refuses to serve everybody on a public address.
    ///
    /// Start does so too, and knows about authenticators that were registered in code; this is for earlier.
    ///
    /// # Errors
    /// When `server.host` is no loopback address, there is no authentication, and nobody said that this is meant.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        if self.server.is_loopback() || self.auth.is_configured() || self.server.allow_unauthenticated {
            return Ok(());
        }
        let problem = "everybody who reaches this address could use the engine; set NEUROLINK__AUTH__TOKEN or another \
                       way to authenticate, listen on `127.0.0.1`, or say `server.allow_unauthenticated = true` \
                       (flag `--allow-unauthenticated`)";
        Err(ConfigError::new(vec![ConfigProblem::new("server.host", problem).with_value(&*self.server.host)]))
    }

    /// Takes over what the layers say.
    pub(crate) fn read(&mut self, table: Table, found: &Found) {
        let mut root = Section::root(table, found);
        let _ = root.take("preset"); // read already
        root.set("production", &mut self.production, boolean);
        if self.production && self.cors.origins == Origins::Any {
            self.cors.origins = Origins::Off;
        }
        macro_rules! sections {
            ($($name:ident),*) => {$(
                if let Some(section) = root.section(stringify!($name)) {
                    self.$name.read(section);
                }
            )*};
        }
        sections!(
            server,
            auth,
            cors,
            rate_limit,
            concurrency,
            body,
            timeout,
            headers,
            cross_site,
            proxies,
            request_id,
            errors,
            stream,
            log
        );
        if self.production && self.errors.dev_errors {
            found.warn("errors.dev_errors has no effect while production is `true`".into());
            self.errors.dev_errors = false;
        }
        root.finish();
        if self.rate_limit.limit.is_none() && self.rate_limit.store == RateLimitStore::Redis && !self.locks_in_store() {
            found.warn(
                "rate_limit.store has no effect while rate_limit.limit is `off` and no lockout counts there; name a \
                 limit, such as `100/60s`"
                    .into(),
            );
        }
    }
}
