use std::time::Duration;

use neurolink_core::ConfigProblem;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::RateLimitStore;
use super::limit_store::STORES;
use crate::layers::{Origin, Value};
use crate::reader::{Found, Section, boolean, rate, text, with_origin, word};
use crate::secrets::BEARER;
use crate::units::Rate;
use crate::{ApiKeysConfig, JwtConfig, LoginConfig, PasswordConfig, checks, show};

/// Section `auth`: who may call. Without tokens, JWT, passwords and API keys there is no authentication.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AuthConfig {
    /// One bearer token, of the user `token`.
    #[serde(serialize_with = "show::optional_secret", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// Bearer tokens, each with its user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenConfig>,
    /// A header that tokens may come in too, beside `Authorization: Bearer`: its whole value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_header: Option<String>,
    /// A cookie that they may come in too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_cookie: Option<String>,
    /// A parameter of the query that they may come in too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_query: Option<String>,
    /// Signed bearer tokens (JWT).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<JwtConfig>,
    /// Names and passwords (Basic).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passwords: Vec<PasswordConfig>,
    /// Logins by those names and passwords, with tokens that are renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginConfig>,
    /// API keys in a header.
    pub api_keys: ApiKeysConfig,
    /// How many failures of one address are answered before it must wait: 30 in 60 s; `None` for any number.
    #[serde(serialize_with = "show::rate")]
    pub failure_limit: Option<Rate>,
    /// Where failures with names and passwords are counted: `None` for where `rate_limit` counts, unless its keys are Keryx's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_store: Option<RateLimitStore>,
    /// Patterns of paths that anybody may call.
    pub public: Vec<String>,
    /// Answers 404, 405 and plain OPTIONS as 401 to callers without credentials.
    pub hide_unmatched: bool,
}

/// A bearer token and who it stands for.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TokenConfig {
    /// The token.
    #[serde(serialize_with = "show::secret")]
    pub token: SecretString,
    /// The user's id.
    pub user: String,
    /// The user's roles.
    pub roles: Vec<String>,
    /// The user's permissions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// The user's mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            token: None,
            tokens: Vec::new(),
            token_header: None,
            token_cookie: None,
            token_query: None,
            jwt: None,
            passwords: Vec::new(),
            login: None,
            api_keys: ApiKeysConfig::default(),
            failure_limit: Some(Rate::new(30, Duration::from_secs(60))),
            lockout_store: None,
            public: Vec::new(),
            hide_unmatched: true,
        }
    }
}

impl TokenConfig {
    /// A token of a user without roles.
    pub fn new(token: impl Into<SecretString>, user: impl Into<String>) -> Self {
        let (token, user) = (token.into(), user.into());
        Self { token, user, roles: Vec::new(), permissions: Vec::new(), email: None }
    }
}

impl AuthConfig {
    /// Whether there is any way to authenticate.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        self.has_bearer() || self.api_keys.is_configured() || !self.passwords.is_empty()
    }

    /// Whether bearer tokens of some kind are accepted.
    #[must_use]
    pub const fn has_bearer(&self) -> bool {
        self.token.is_some() || !self.tokens.is_empty() || self.jwt.is_some() || self.login.is_some()
    }

    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        if let Some(token) = section.secret("token", "token_file", BEARER) {
            self.token = Some(token);
        }
        if let Some(tokens) = section.sections("tokens") {
            if tokens.is_empty() {
                section.missing("tokens", "the list is empty; name a token, or leave it out");
            }
            let tokens = placed(tokens, TokenConfig::read);
            refuse_one_secret(section.found(), &tokens, |token| &token.token);
            self.tokens = tokens.into_iter().map(|token| token.entry).collect();
        }
        self.read_places(&mut section);
        if let Some(jwt) = section.section("jwt") {
            self.jwt = JwtConfig::read(jwt);
        }
        if let Some(passwords) = section.sections("passwords") {
            if passwords.is_empty() {
                section.missing("passwords", "the list is empty; name a user, or leave it out");
            }
            let passwords = placed(passwords, PasswordConfig::read);
            for (user, first) in repeated(&passwords, |user| &*user.name) {
                let problem = format!("`{}` has this name already; give each user an own one", first.place);
                let key = format!("{}.name", user.place);
                section.found().problem(user.at(ConfigProblem::new(key, problem).with_value(&*user.entry.name)));
            }
            self.passwords = passwords.into_iter().map(|user| user.entry).collect();
        }
        if let Some(login) = section.section("login") {
            self.login = LoginConfig::read(login);
            for mistake in self.login_mistakes() {
                section.missing("login", mistake);
            }
        }
        if let Some(api_keys) = section.section("api_keys") {
            self.api_keys.read(api_keys);
        }
        section.set("failure_limit", &mut self.failure_limit, rate);
        section.set("lockout_store", &mut self.lockout_store, |value| word(&STORES)(value).map(Some));
        if self.passwords.is_empty() {
            section.warn_idle(&[("lockout_store", self.lockout_store.is_some())], "without auth.passwords");
        }
        section.list("public", &mut self.public, checks::pattern);
        section.set("hide_unmatched", &mut self.hide_unmatched, boolean);
        if !self.has_bearer() {
            let places = [
                ("token_header", self.token_header.is_some()),
                ("token_cookie", self.token_cookie.is_some()),
                ("token_query", self.token_query.is_some()),
            ];
            section.warn_idle(&places, "without auth.token, auth.tokens, auth.jwt or auth.login");
        }
        section.finish();
    }

    /// Where tokens may be.
    fn read_places(&mut self, section: &mut Section<'_>) {
        section.set("token_header", &mut self.token_header, |value| {
            let name = text(value)?;
            checks::header_name(&name).map(|()| Some(name.to_lowercase()))
        });
        let plain = |value: &Value| {
            let name = text(value)?;
            checks::plain_name(&name).map(|()| Some(name))
        };
        section.set("token_cookie", &mut self.token_cookie, plain);
        section.set("token_query", &mut self.token_query, plain);
    }
}

/// An entry of a list, and where it stands.
pub(super) struct Placed<T> {
    pub(super) place: String,
    pub(super) origin: Option<Origin>,
    pub(super) entry: T,
}

impl<T> Placed<T> {
    fn at(&self, problem: ConfigProblem) -> ConfigProblem {
        match &self.origin {
            Some(origin) => with_origin(problem, origin),
            None => problem,
        }
    }
}

/// Reads the entries of a list, each with its place: a refused one before it does not change its number.
pub(super) fn placed<T>(sections: Vec<Section<'_>>, read: fn(Section<'_>) -> Option<T>) -> Vec<Placed<T>> {
    sections
        .into_iter()
        .filter_map(|section| {
            let (place, origin) = (section.name().to_owned(), section.origin().cloned());
            read(section).map(|entry| Placed { place, origin, entry })
        })
        .collect()
}

/// Every entry that has in common with one before it what only one may have, and that one.
fn repeated<T, K: PartialEq + ?Sized>(
    entries: &[Placed<T>],
    key: impl Fn(&T) -> &K,
) -> impl Iterator<Item = (&Placed<T>, &Placed<T>)> {
    entries.iter().enumerate().filter_map(move |(index, own)| {
        let first = entries[..index].iter().find(|other| key(&other.entry) == key(&own.entry))?;
        Some((own, first))
    })
}

/// One secret for two users would be one user.
pub(super) fn refuse_one_secret<T>(found: &Found, entries: &[Placed<T>], secret: fn(&T) -> &SecretString) {
    for (own, first) in repeated(entries, |entry| secret(entry).expose_secret()) {
        let problem = format!("it is the same secret as `{}`; give each user an own one", first.place);
        let problem = ConfigProblem::new(&own.place, problem).with_secret(secret(&own.entry).expose_secret());
        found.problem(own.at(problem));
    }
}

/// A user's id: every credential needs one.
pub(super) fn user(section: &mut Section<'_>) -> Option<String> {
    let Some(entry) = section.take("user") else {
        section.missing("user", "it is missing; write the id of the user, such as `user = \"alice\"`");
        return None;
    };
    match text(&entry.value) {
        Ok(user) => Some(user),
        Err(problem) => {
            section.wrong("user", &entry, problem);
            None
        }
    }
}

impl TokenConfig {
    fn read(mut section: Section<'_>) -> Option<Self> {
        let given = section.given(&["token", "token_file"]);
        let token = section.secret("token", "token_file", BEARER);
        if given.is_empty() {
            section.missing("token", "it is missing; write the token, or `token_file` with its path");
        }
        let user = user(&mut section);
        let (mut roles, mut permissions, mut email) = (Vec::new(), Vec::new(), None);
        section.list("roles", &mut roles, checks::anything);
        section.list("permissions", &mut permissions, checks::anything);
        section.set("email", &mut email, |value| text(value).map(Some));
        section.finish();
        Some(Self { token: token?, user: user?, roles, permissions, email })
    }
}
