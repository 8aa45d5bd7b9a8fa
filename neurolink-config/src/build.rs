//! Values become settings and middleware.

use http::StatusCode;
use neurolink_core::login::Login;
use neurolink_core::middleware::limit_store::StoreHandle;
use neurolink_core::middleware::{
    AccessLog, ConcurrencyLimit, Cors, Denied, FrameOptions, Hsts, JwkSetFile, JwtAlgorithm, JwtKeys, Key, RateLimit,
    RateLimitHeaders, RefusalBody, SecurityHeaders, Timing,
};
use neurolink_core::stack::StackBuilder;
use neurolink_core::{AppBuilder, ConfigError, ConfigProblem, Middleware, Registration, Settings, Stack};
use secrecy::ExposeSecret as _;

use crate::jwks;
use crate::login::KeptLogin;
use crate::sections::parse_hsts;
use crate::{
    ConcurrencyConfig, Config, CorsConfig, ErrorFormat, HeaderPreset, HeaderValue, HeadersConfig, JwtConfig, LogFormat,
    LoginStore, Origins, RateLimitAlgorithm, RateLimitBody, RateLimitConfig, RateLimitDialect, RateLimitKey,
};

/// [`Config::apply`] in the words of a builder.
///
/// ```
/// use neurolink_config::{Config, WithConfig as _};
/// use neurolink_core::App;
/// # use neurolink_routes::OfflineEngine;
///
/// let app = App::builder(OfflineEngine::new()).config(&Config::default())?.build()?;
/// # Ok::<(), neurolink_core::ConfigError>(())
/// ```
pub trait WithConfig: Sized {
    /// Takes over the settings and the middleware of a configuration.
    ///
    /// # Errors
    /// Those of [`Config::apply`].
    fn config(self, config: &Config) -> Result<Self, ConfigError>;
}

impl WithConfig for AppBuilder {
    fn config(self, config: &Config) -> Result<Self, ConfigError> {
        config.apply(self)
    }
}

impl Config {
    /// Sets an app up: its settings and its middleware, before its routes are added.
    ///
    /// A middleware that code registers under the same name replaces the configured one.
    /// No environment is read, and no file but the key set of `auth.jwt.jwks_file`, which is read again as it changes.
    ///
    /// # Errors
    /// Headers that cannot be sent; the rest is checked when the app is built.
    pub fn apply(&self, builder: AppBuilder) -> Result<AppBuilder, ConfigError> {
        let builder = builder.configure(|settings| self.set(settings)).public(&self.auth.public);
        let (middleware, login) = self.middleware()?;
        let builder = middleware.into_iter().fold(builder, AppBuilder::middleware);
        Ok(match login {
            // One that code has registered stays, as its middleware does.
            Some(KeptLogin { login, .. }) if !builder.has_state::<Login>() => builder.state(login),
            _ => builder,
        })
    }

    /// The same middleware and public paths as a stack, for routes that a host's framework serves.
    ///
    /// # Errors
    /// Headers that cannot be sent, and logins that only an app would know; the rest is checked when the stack is built.
    pub fn stack(&self) -> Result<StackBuilder, ConfigError> {
        let builder = Stack::builder().public(&self.auth.public);
        let (middleware, login) = self.middleware()?;
        if let Some(KeptLogin { store: LoginStore::Memory, .. }) = login {
            let problem = "logins in memory are those of one app, and a stack would know none of them; write `redis`";
            return Err(ConfigError::new(vec![ConfigProblem::new("auth.login.store", problem).with_value("memory")]));
        }
        Ok(middleware.into_iter().fold(builder, StackBuilder::with))
    }

    /// The settings of the core.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        self.set(&mut settings);
        settings
    }

    /// The middleware, and the login that it knows with where that is kept.
    fn middleware(&self) -> Result<(Vec<Registration>, Option<KeptLogin>), ConfigError> {
        let mut problems = Vec::new();
        let headers = self.headers.build(&mut problems);
        let mut all = vec![configured(Timing::new()), configured(headers)];
        if self.log.access {
            all.push(configured(match self.log.format {
                LogFormat::Keryx => AccessLog::keryx(),
                LogFormat::Text | LogFormat::Json => AccessLog::new(),
            }));
        }
        let limit_headers = self.rate_limit.header_names();
        let mut renamed = vec![("x-request-id", &*self.request_id.header), ("x-api-key", &*self.auth.api_keys.header)];
        renamed.extend(self.auth.token_header.iter().map(|header| ("authorization", &**header)));
        all.extend(self.cors.build(&renamed, &self.request_id.header, &limit_headers).map(configured));
        let store = self.rate_limit.handle(&mut problems);
        all.extend(self.rate_limit.build(store.as_ref()).map(Registration::configured));
        all.extend(self.concurrency.build().map(configured));
        let passwords = self.auth.passwords(&mut problems);
        let passwords = passwords.map(|passwords| self.locked(passwords, store.as_ref(), &mut problems));
        let login = self.auth.login(passwords.as_ref(), &mut problems);
        all.extend(self.auth.bearer(login.as_ref().map(|kept| &kept.login), &mut problems).map(configured));
        all.extend(self.auth.basic(passwords.as_ref()).map(configured));
        all.extend(self.auth.api_keys(&mut problems).map(configured));
        if problems.is_empty() { Ok((all, login)) } else { Err(ConfigError::new(problems)) }
    }

    fn set(&self, settings: &mut Settings) {
        settings.base_path.clone_from(&self.server.base_path);
        settings.hosts.clone_from(&self.server.hosts);
        settings.allow_any_host = self.server.allow_any_host;
        settings.limits.body = self.body.limit;
        settings.limits.json_depth = self.body.json_depth;
        settings.limits.body_budget = self.body.budget;
        settings.limits.multipart_parts = self.body.parts;
        settings.limits.multipart_part = self.body.part_limit;
        settings.limits.multipart_head = self.body.part_head;
        settings.timeout = self.timeout.request;
        settings.body_timeout = self.timeout.body;
        settings.body_rate = self.body.min_rate;
        settings.decompress.clone_from(&self.body.decompress);
        settings.cross_site_check = self.cross_site.enabled;
        settings.trusted_origins.clone_from(&self.cross_site.trusted_origins);
        settings.trusted_proxies.clone_from(&self.proxies.trusted);
        settings.forwarded_header.clone_from(&self.proxies.header);
        settings.proxy_hops = self.proxies.hops;
        settings.request_id_header.clone_from(&self.request_id.header);
        settings.problem_json = self.errors.format == ErrorFormat::Problem;
        settings.errors.code_prefix.clone_from(&self.errors.code_prefix);
        settings.errors.timeout_status =
            StatusCode::from_u16(self.errors.timeout_status).unwrap_or(StatusCode::GATEWAY_TIMEOUT);
        settings.errors.dev_errors = self.errors.dev_errors && !self.production;
        settings.stream.keep_alive = self.stream.keep_alive;
        settings.stream.idle_timeout = self.stream.idle_timeout;
        settings.stream.max_duration = self.stream.max_duration;
        settings.stream.max_per_client = self.stream.max_per_client;
        settings.probe_rate = self.server.probe_rate;
        settings.hide_unmatched = self.auth.hide_unmatched;
    }
}

fn configured(middleware: impl Middleware) -> Registration {
    Registration::new(middleware).configured()
}

/// The names of a list, and those that settings elsewhere have renamed.
fn with<'a>(names: &'a [String], renamed: &[(&str, &'a str)]) -> Vec<&'a str> {
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    for (usual, now) in renamed {
        let has = |name: &str| names.iter().any(|own| own.eq_ignore_ascii_case(name));
        if has(usual) && !has(now) {
            all.push(now);
        }
    }
    all
}

impl CorsConfig {
    /// `renamed` are headers of requests that stand for, or beside, usual ones.
    fn build(&self, renamed: &[(&str, &str)], request_id: &str, limit_headers: &[&str]) -> Option<Cors> {
        let headers = with(&self.headers, renamed);
        let mut exposed = vec![("x-request-id", request_id)];
        exposed.extend(limit_headers.iter().map(|name| ("x-ratelimit-limit", *name)));
        let expose = with(&self.expose, &exposed);
        let cors = match &self.origins {
            Origins::Off => return None,
            Origins::Any => Cors::any(),
            Origins::List(origins) => Cors::list(origins),
        };
        let cors = cors.methods(&self.methods).headers(headers).expose(expose);
        let denied = if self.forbid_denied { Denied::Forbid } else { Denied::Omit };
        let cors = cors.preflight_status(self.preflight_status).denied(denied).announce(self.announce);
        Some(cors.credentials(self.credentials).max_age(self.max_age))
    }
}

impl RateLimitKey {
    const fn key(self) -> Key {
        match self {
            Self::Address => Key::Address,
            Self::User => Key::User,
            Self::Caller => Key::Caller,
            Self::ApiKey => Key::ApiKey,
        }
    }
}

impl ConcurrencyConfig {
    fn build(&self) -> impl Iterator<Item = ConcurrencyLimit> {
        let all = self.all.map(|most| ConcurrencyLimit::all(most).queue(self.queue, self.queue_timeout));
        // First, so that one caller does not take all places of the queue.
        let of_one = self.per_caller.map(|most| ConcurrencyLimit::by(self.key.key(), most));
        of_one.into_iter().chain(all)
    }
}

impl RateLimitConfig {
    /// The headers of the drafts: whoever may read the legacy ones may read them.
    fn header_names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for dialect in self.limit.iter().flat_map(|_| &self.headers) {
            let of_dialect: &[&str] = match dialect {
                RateLimitDialect::Legacy => &[],
                RateLimitDialect::Draft6 => {
                    &["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy"]
                }
                RateLimitDialect::Draft7 | RateLimitDialect::Draft10 => &["RateLimit", "RateLimit-Policy"],
            };
            names.extend(of_dialect);
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    fn build(&self, store: Option<&StoreHandle>) -> Option<Registration> {
        let rate = self.limit?;
        let limit = match self.algorithm {
            RateLimitAlgorithm::FixedWindow => RateLimit::fixed_window(rate.limit, rate.window),
            RateLimitAlgorithm::SlidingLog => RateLimit::sliding_log(rate.limit, rate.window),
            RateLimitAlgorithm::SlidingCounter => RateLimit::sliding_counter(rate.limit, rate.window),
            RateLimitAlgorithm::StrictCounter => RateLimit::strict_counter(rate.limit, rate.window),
            RateLimitAlgorithm::LeakyBucket => RateLimit::leaky_bucket(rate.limit, rate.window, self.burst),
            RateLimitAlgorithm::Gcra => RateLimit::gcra(rate.limit, rate.window),
        };
        let mut limit = limit.by(self.key.key()).headers(self.headers.iter().map(|dialect| match dialect {
            RateLimitDialect::Legacy => RateLimitHeaders::Legacy,
            RateLimitDialect::Draft6 => RateLimitHeaders::Draft6,
            RateLimitDialect::Draft7 => RateLimitHeaders::Draft7,
            RateLimitDialect::Draft10 => RateLimitHeaders::Draft10,
        }));
        limit = limit.capacity(self.capacity);
        if let Some(users) = self.users {
            limit = limit.for_users(users);
        }
        if let Ok(status) = StatusCode::from_u16(self.status) {
            limit = limit.status(status);
        }
        if self.skip_successful {
            limit = limit.skip_successful();
        }
        if self.tokens {
            limit = limit.tokens();
        }
        if let Some(message) = &self.message {
            limit = limit.message(message.as_str());
        }
        limit = match self.body {
            RateLimitBody::Envelope => limit,
            RateLimitBody::Express => limit.body_as(RefusalBody::Express),
            RateLimitBody::Slowapi => limit.body_as(RefusalBody::Slowapi),
            RateLimitBody::Text => limit.body_as(RefusalBody::Text),
        };
        if let Some(store) = store {
            limit = limit.store(store).on_store_failure(self.failure_policy());
        }
        let mut registration = Registration::new(limit).except(&self.except);
        if !self.paths.is_empty() {
            registration = registration.only(&self.paths);
        }
        Some(registration)
    }
}

impl JwtConfig {
    /// The keys, or the key of the configuration that gives none, and why.
    pub(crate) fn keys(&self) -> Result<JwtKeys, (&'static str, String)> {
        let mut keys = JwtKeys::none();
        if let Some(secret) = &self.secret {
            keys = keys.or_secret(JwtAlgorithm::Hs256, secret.expose_secret());
        }
        for secret in &self.secrets {
            keys = keys.or_secret(secret.algorithm, secret.secret.expose_secret());
        }
        if let Some(pem) = &self.public_key {
            keys = keys.or_pem(pem);
        }
        if let Some(set) = &self.jwks {
            keys = keys.or_jwk_set(set);
        }
        if let Some(path) = &self.jwks_file {
            keys = keys.or_source(JwkSetFile::new(path)).refresh(self.jwks_refresh, self.jwks_max_stale);
        }
        if let Some(url) = &self.jwks_url {
            keys = jwks::add(keys, url).map_err(|problem| ("jwks_url", problem))?;
            keys = keys.refresh(self.jwks_refresh, self.jwks_max_stale);
        }
        if !self.algorithms.is_empty() {
            keys = keys.algorithms(self.algorithms.iter().copied());
        }
        if let Some(issuer) = &self.issuer {
            keys = keys.issuer(issuer);
        } else if self.any_issuer {
            keys = keys.any_issuer();
        }
        if let Some(audience) = &self.audience {
            keys = keys.audience(audience);
        } else if self.any_audience {
            keys = keys.any_audience();
        }
        if let Some(typ) = &self.token_type {
            keys = keys.token_type(typ);
        }
        let keys = keys.leeway(self.leeway).roles_claims(&self.roles_claims);
        let keys = keys.permissions_claims(&self.permissions_claims);
        let keys = self.tenant_claim.iter().fold(keys, JwtKeys::tenant_claim);
        Ok(keys.email_claim(&self.email_claim).name_claim(&self.name_claim))
    }
}

impl HeaderValue {
    /// `None` when the set decides, else what to send.
    const fn changed(&self) -> Option<Option<&String>> {
        match self {
            Self::Preset => None,
            Self::Off => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

impl HeadersConfig {
    fn build(&self, problems: &mut Vec<ConfigProblem>) -> SecurityHeaders {
        let mut headers = match self.preset {
            HeaderPreset::Modern => SecurityHeaders::modern(),
            HeaderPreset::Neurolink => SecurityHeaders::neurolink(),
            HeaderPreset::Keryx => SecurityHeaders::keryx(),
            HeaderPreset::Helmet => SecurityHeaders::helmet(),
            HeaderPreset::None => SecurityHeaders::none(),
        };
        if let Some(policy) = self.content_security_policy.changed() {
            headers = headers.content_security_policy(policy);
        }
        if let Some(policy) = self.referrer_policy.changed() {
            headers = headers.referrer_policy(policy);
        }
        if let Some(value) = self.xss_protection.changed() {
            headers = headers.xss_protection(value);
        }
        if let Some(policy) = self.permissions_policy.changed() {
            headers = headers.permissions_policy(policy);
        }
        if let Some(policy) = self.cross_origin_opener_policy.changed() {
            headers = headers.cross_origin_opener_policy(policy);
        }
        if let Some(policy) = self.cross_origin_resource_policy.changed() {
            headers = headers.cross_origin_resource_policy(policy);
        }
        if let Some(value) = self.origin_agent_cluster.changed() {
            headers = headers.origin_agent_cluster(value.is_some());
        }
        if let Some(value) = self.content_type_options.changed() {
            headers = headers.content_type_options(value.is_some());
        }
        if let Some(value) = self.frame_options.changed() {
            headers = headers.frame_options(match value.map(|value| value.to_ascii_lowercase()).as_deref() {
                None => FrameOptions::Off,
                Some("sameorigin") => FrameOptions::SameOrigin,
                Some("deny") => FrameOptions::Deny,
                Some(_) => {
                    let problem = "write `deny` or `sameorigin`; or `off`";
                    problems.push(ConfigProblem::new("headers.frame_options", problem));
                    FrameOptions::Deny
                }
            });
        }
        if let Some(value) = self.hsts.changed() {
            match value.map(|value| parse_hsts(value)).transpose() {
                Ok(None) => headers = headers.hsts(None),
                Ok(Some((max_age, include_subdomains, preload))) => {
                    let https_only = self.hsts_https_only.unwrap_or(self.preset == HeaderPreset::Modern);
                    let hsts = Hsts { max_age, include_subdomains, preload, https_only };
                    headers = headers.hsts(Some(hsts));
                }
                Err(problem) => problems.push(ConfigProblem::new("headers.hsts", problem)),
            }
        } else if let Some(https_only) = self.hsts_https_only
            && self.preset != HeaderPreset::None
        {
            headers = headers.hsts(Some(Hsts { https_only, ..Hsts::default() }));
        }
        self.custom.iter().fold(headers, |headers, (name, value)| match value {
            HeaderValue::Value(value) => headers.custom(name, value),
            HeaderValue::Off | HeaderValue::Preset => headers.without(name),
        })
    }
}
