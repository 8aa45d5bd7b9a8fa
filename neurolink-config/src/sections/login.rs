use std::path::PathBuf;
use std::time::Duration;

use neurolink_core::login::Login;
use neurolink_core::middleware::Passwords;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::reader::{Section, boolean, duration, integer, text, word};
use crate::secrets::{JWT, URL};
use crate::{bounded, show};

/// The longest file of a private key, in bytes.
const LONGEST_PEM: u64 = 64 * 1024;
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Section `auth.login`: names and passwords once, then tokens that are renewed.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LoginConfig {
    /// What tokens are made of: at least 32 bytes; servers that share a store share it.
    #[serde(serialize_with = "show::secret")]
    pub secret: SecretString,
    /// A private key of Ed25519 in PEM that signs access tokens in place of the secret.
    #[serde(skip)]
    pub signing_pem: Option<SecretString>,
    /// The file that it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<PathBuf>,
    /// Who makes the tokens: `neurolink`.
    pub issuer: String,
    /// Whom access tokens are for: `neurolink`.
    pub audience: String,
    /// How long an access token lasts: 15 minutes.
    #[serde(serialize_with = "show::duration")]
    pub access_lifetime: Duration,
    /// How long a login lasts that nobody refreshes: 30 days.
    #[serde(serialize_with = "show::duration")]
    pub idle_lifetime: Duration,
    /// How long a login lasts at most: 90 days.
    #[serde(serialize_with = "show::duration")]
    pub max_lifetime: Duration,
    /// How many logins a user has; one more ends the oldest: 16.
    pub per_user: usize,
    /// Whether names and passwords are accepted in each request too (Basic).
    pub basic: bool,
    /// Where logins are kept.
    pub store: LoginStore,
    /// The URL of the Redis.
    #[serde(serialize_with = "show::optional_secret", skip_serializing_if = "Option::is_none")]
    pub redis_url: Option<SecretString>,
    /// What its keys begin with.
    pub prefix: String,
    /// How long a request waits for the store: 1 s.
    #[serde(serialize_with = "show::duration")]
    pub store_timeout: Duration,
}

/// Where logins are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LoginStore {
    /// In this process: they end with it.
    #[default]
    Memory,
    /// In a Redis that other servers know too.
    Redis,
}

const STORES: [(&str, LoginStore); 2] = [("memory", LoginStore::Memory), ("redis", LoginStore::Redis)];

impl LoginConfig {
    /// Logins whose tokens are made of this secret.
    pub fn new(secret: impl Into<SecretString>) -> Self {
        Self {
            secret: secret.into(),
            signing_pem: None,
            signing_key: None,
            issuer: "neurolink".into(),
            audience: "neurolink".into(),
            access_lifetime: 15 * MINUTE,
            idle_lifetime: 30 * DAY,
            max_lifetime: 90 * DAY,
            per_user: 16,
            basic: false,
            store: LoginStore::Memory,
            redis_url: None,
            prefix: "neurolink".into(),
            store_timeout: Duration::from_secs(1),
        }
    }

    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        let before = section.found().count();
        let given = section.given(&["secret", "secret_file"]);
        let secret = section.secret("secret", "secret_file", JWT);
        if given.is_empty() {
            section.missing(
                "secret",
                "it is missing; set NEUROLINK__AUTH__LOGIN__SECRET, or NEUROLINK__AUTH__LOGIN__SECRET_FILE with the path \
                 of a file",
            );
        }
        let mut login = Self::new(secret.clone().unwrap_or_else(|| SecretString::from("")));
        let mut signing = None;
        section.set("signing_key", &mut signing, |value| {
            let path = PathBuf::from(text(value)?);
            bounded::read(&path, LONGEST_PEM).map(|pem| Some((path, SecretString::from(pem))))
        });
        (login.signing_key, login.signing_pem) = signing.unzip();
        section.set("issuer", &mut login.issuer, text);
        section.set("audience", &mut login.audience, text);
        section.set("access_lifetime", &mut login.access_lifetime, duration(false));
        section.set("idle_lifetime", &mut login.idle_lifetime, duration(false));
        section.set("max_lifetime", &mut login.max_lifetime, duration(false));
        section.set("per_user", &mut login.per_user, integer(1, 1000));
        section.set("basic", &mut login.basic, boolean);
        login.read_store(&mut section);
        if section.found().count() == before {
            // What is wrong with each key alone is known: the rest is between them. The passwords are another section's.
            for problem in login.problems() {
                section.missing("access_lifetime", &problem);
            }
        }
        section.finish();
        secret.map(|_| login)
    }

    fn read_store(&mut self, section: &mut Section<'_>) {
        let urls = section.given(&["redis_url", "redis_url_file"]);
        let changed = ("prefix", !section.given(&["prefix"]).is_empty());
        section.set("store", &mut self.store, word(&STORES));
        self.redis_url = section.secret("redis_url", "redis_url_file", URL);
        section.set("prefix", &mut self.prefix, text);
        section.set("store_timeout", &mut self.store_timeout, duration(false));
        match (self.store, urls.is_empty()) {
            (LoginStore::Redis, true) => section.missing(
                "redis_url",
                "it is missing; set NEUROLINK__AUTH__LOGIN__REDIS_URL, or NEUROLINK__AUTH__LOGIN__REDIS_URL_FILE with the \
                 path of a file",
            ),
            (LoginStore::Memory, false) => {
                section
                    .missing("store", "a Redis is named and not used; write `store = \"redis\"`, or leave the URL out");
            }
            (LoginStore::Memory, true) => section.warn_idle(&[changed], "unless auth.login.store is `redis`"),
            (LoginStore::Redis, false) => {}
        }
    }

    /// What is wrong with it, whoever its users are.
    fn problems(&self) -> Vec<String> {
        let all = self.with(Passwords::users([])).problems();
        let of_users = Login::new(Passwords::users([]), [0; 32]).problems();
        all.into_iter().filter(|problem| !of_users.contains(problem)).collect()
    }

    /// The login of these users, kept in this process.
    pub(crate) fn with(&self, passwords: Passwords) -> Login {
        let login = Login::new(passwords, self.secret.expose_secret())
            .issuer(&*self.issuer)
            .audience(&*self.audience)
            .access_lifetime(self.access_lifetime)
            .lifetime(self.idle_lifetime, self.max_lifetime)
            .per_user(self.per_user)
            .store_timeout(self.store_timeout);
        match &self.signing_pem {
            Some(key) => login.ed25519(key.expose_secret()),
            None => login,
        }
    }
}
