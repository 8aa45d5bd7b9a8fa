//! API keys: those that are configured, and where others are that were issued.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;

use super::auth::{Placed, placed, refuse_one_secret, user};
use crate::layers::Origin;
use crate::reader::{Section, integer, text, word};
use crate::secrets::{API_KEY, URL};
use crate::{checks, key_file, show};

/// API keys and their header.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ApiKeysConfig {
    /// The header: `x-api-key`.
    pub header: String,
    /// The file that keys were read from: a line `key,user,role|role` each, or TOML with `keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The keys, each with its user; those of the file are among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<ApiKeyConfig>,
    /// Where keys are that were issued: nowhere, unless told.
    pub store: ApiKeyStoreKind,
    /// The Redis: `redis://user:password@host:port/database`.
    #[serde(serialize_with = "show::optional_secret", skip_serializing_if = "Option::is_none")]
    pub redis_url: Option<SecretString>,
    /// What its entries begin with: `neurolink`.
    pub prefix: String,
}

/// Where API keys are that were issued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ApiKeyStoreKind {
    /// Nowhere: only the configured keys count.
    #[default]
    Off,
    /// In a Redis, where other servers find them too.
    Redis,
}

const STORES: [(&str, ApiKeyStoreKind); 2] = [("off", ApiKeyStoreKind::Off), ("redis", ApiKeyStoreKind::Redis)];

/// An API key and who it stands for.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ApiKeyConfig {
    /// The key, or `sha256:` and its hash, so that the key stands in no file.
    #[serde(serialize_with = "show::secret")]
    pub key: SecretString,
    /// What names the key in logs and to other middleware: the user, unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The user's id.
    pub user: String,
    /// The user's roles: the key's scopes.
    pub roles: Vec<String>,
    /// When the key ends, since the Unix epoch.
    #[serde(serialize_with = "show::optional_time", skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
    /// How many requests it has in the window of a limit that counts by API key, instead of that limit's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,
}

impl Default for ApiKeysConfig {
    fn default() -> Self {
        Self {
            header: "x-api-key".into(),
            file: None,
            keys: Vec::new(),
            store: ApiKeyStoreKind::Off,
            redis_url: None,
            prefix: "neurolink".into(),
        }
    }
}

impl ApiKeyConfig {
    /// A key of a user without roles.
    pub fn new(key: impl Into<SecretString>, user: impl Into<String>) -> Self {
        Self { key: key.into(), id: None, user: user.into(), roles: Vec::new(), expires: None, rate_limit: None }
    }
}

impl ApiKeysConfig {
    /// Whether there are any keys, or a store that may have some.
    pub(crate) const fn is_configured(&self) -> bool {
        !self.keys.is_empty() || matches!(self.store, ApiKeyStoreKind::Redis)
    }

    pub(super) fn read(&mut self, mut section: Section<'_>) {
        section.set("header", &mut self.header, |value| {
            let name = text(value)?;
            checks::header_name(&name).map(|()| name.to_lowercase())
        });
        let mut all = Vec::new();
        if let Some(keys) = section.sections("keys") {
            if keys.is_empty() {
                section.missing("keys", "the list is empty; name a key, or leave it out");
            }
            all = placed(keys, ApiKeyConfig::read);
        }
        if let Some(entry) = section.take("file") {
            match text(&entry.value) {
                Ok(path) => {
                    let path = PathBuf::from(path);
                    match key_file::read(&path) {
                        Ok(keys) => {
                            let file = section.key("file");
                            all.extend(keys.into_iter().map(|(place, key)| Placed {
                                place: format!("{file}, {place}"),
                                origin: Some(Origin::clone(&entry.origin)),
                                entry: key,
                            }));
                        }
                        Err(problems) => {
                            for problem in problems {
                                section.wrong("file", &entry, problem);
                            }
                        }
                    }
                    self.file = Some(path);
                }
                Err(problem) => section.wrong("file", &entry, problem),
            }
        }
        refuse_one_secret(section.found(), &all, |key| &key.key);
        self.keys = all.into_iter().map(|key| key.entry).collect();
        self.read_store(&mut section);
        section.finish();
    }

    fn read_store(&mut self, section: &mut Section<'_>) {
        let prefix = self.prefix.clone();
        let urls = section.given(&["redis_url", "redis_url_file"]);
        section.set("store", &mut self.store, word(&STORES));
        if let Some(url) = section.secret("redis_url", "redis_url_file", URL) {
            self.redis_url = Some(url);
        }
        section.set("prefix", &mut self.prefix, |value| {
            let text = text(value)?;
            checks::redis_prefix(&text).map(|()| text)
        });
        match self.store {
            ApiKeyStoreKind::Redis if urls.is_empty() && self.redis_url.is_none() => section.missing(
                "redis_url",
                "it is missing; set NEUROLINK__AUTH__API_KEYS__REDIS_URL, or NEUROLINK__AUTH__API_KEYS__REDIS_URL_FILE \
                 with the path of a file",
            ),
            ApiKeyStoreKind::Off if !urls.is_empty() => {
                section
                    .missing("store", "a Redis is named and not used; write `store = \"redis\"`, or leave the URL out");
            }
            ApiKeyStoreKind::Off => {
                section.warn_idle(&[("prefix", self.prefix != prefix)], "unless auth.api_keys.store is `redis`");
            }
            ApiKeyStoreKind::Redis => {}
        }
    }
}

impl ApiKeyConfig {
    fn read(mut section: Section<'_>) -> Option<Self> {
        let given = section.given(&["key", "key_file"]);
        let key = section.secret("key", "key_file", API_KEY);
        if given.is_empty() {
            section.missing("key", "it is missing; write the key, or `key_file` with its path");
        }
        let user = user(&mut section);
        let (mut id, mut roles, mut expires, mut rate_limit) = (None, Vec::new(), None, None);
        section.set("id", &mut id, |value| text(value).map(Some));
        section.list("roles", &mut roles, checks::anything);
        section.set("expires", &mut expires, |value| time(&text(value)?).map(Some));
        section.set("rate_limit", &mut rate_limit, |value| integer(1, u32::MAX.into())(value).map(Some));
        section.finish();
        Some(Self { key: key?, id, user: user?, roles, expires, rate_limit })
    }
}

/// A time such as `2030-01-31T00:00:00Z` (RFC 3339), since the Unix epoch.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "it is no time; write for example `2030-01-31T00:00:00Z`, in quotes".to_owned();
    let time: Timestamp = text.parse().map_err(|_| wrong())?;
    u64::try_from(time.as_second()).map(Duration::from_secs).map_err(|_| wrong())
}
