use std::time::Duration;

use neurolink_core::app::check_origin;
use serde::{Serialize, Serializer};

use crate::layers::Value;
use crate::reader::{Section, boolean, duration, integer};
use crate::{checks, show};

/// Section `cors`: which other origins may call from a browser. Off unless origins are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CorsConfig {
    /// The origins.
    pub origins: Origins,
    /// Methods that other origins may use.
    pub methods: Vec<String>,
    /// Request headers that other origins may send.
    pub headers: Vec<String>,
    /// Response headers that other origins may read.
    pub expose: Vec<String>,
    /// Lets browsers send cookies and the like along; not with any origin.
    pub credentials: bool,
    /// How long browsers remember the answer to a preflight: a day.
    #[serde(serialize_with = "show::duration")]
    pub max_age: Duration,
    /// The status of a preflight: 204, or 200 for very old browsers.
    pub preflight_status: u16,
    /// Answers 403 to an origin that is not allowed, instead of leaving it to the browser.
    pub forbid_denied: bool,
    /// Tells the methods and the request headers on every answer, and not on preflights alone.
    pub announce: bool,
}

/// Which origins are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// None: there is no CORS at all.
    #[default]
    Off,
    /// Every origin.
    Any,
    /// These, such as `https://app.example.com`.
    List(Vec<String>),
}

impl Serialize for Origins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str("off"),
            Self::Any => serializer.serialize_str("*"),
            Self::List(origins) => origins.serialize(serializer),
        }
    }
}

impl Default for CorsConfig {
    fn default() -> Self {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        Self {
            origins: Origins::Off,
            methods: list(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
            headers: list(&[
                "Accept",
                "Authorization",
                "Cache-Control",
                "Content-Type",
                "Last-Event-ID",
                "X-API-Key",
                "X-Request-ID",
            ]),
            expose: list(&[
                "Retry-After",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
                "X-Request-ID",
                "X-Response-Time",
            ]),
            credentials: false,
            max_age: Duration::from_secs(86_400),
            preflight_status: 204,
            forbid_denied: false,
            announce: false,
        }
    }
}

impl CorsConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        let before = self.clone();
        let origin = section.take("origins");
        if let Some(entry) = &origin {
            let word = match &entry.value {
                Value::String(text) | Value::Text(text) => Some(text.trim()),
                Value::Bool(false) => Some("off"),
                Value::List(items) => match items.as_slice() {
                    [item] => item.value.shown().filter(|item| item == "*").map(|_| "*"),
                    _ => None,
                },
                _ => None,
            };
            match word {
                Some("*") => self.origins = Origins::Any,
                Some(word) if word.eq_ignore_ascii_case("off") => self.origins = Origins::Off,
                _ if matches!(entry.value, Value::String(_)) => section.wrong(
                    "origins",
                    entry,
                    "write a list of origins, such as `[\"https://app.example.com\"]`, or `\"*\"`, or `\"off\"`",
                ),
                _ => match section.items("origins", entry, |item| {
                    if item == "*" {
                        return Err("`*` stands alone: any origin, or a list of them".into());
                    }
                    check_origin(item)
                }) {
                    Some(list) if list.is_empty() && is_empty(&entry.value) => {
                        section.missing("origins", "the list is empty; name an origin, or write `\"off\"`");
                    }
                    Some(list) => self.origins = Origins::List(list),
                    None => {}
                },
            }
        }
        section.list("methods", &mut self.methods, checks::method);
        section.list("headers", &mut self.headers, checks::header_name);
        section.list("expose", &mut self.expose, checks::header_name);
        section.set("credentials", &mut self.credentials, boolean);
        section.set("max_age", &mut self.max_age, duration(true));
        section.set("preflight_status", &mut self.preflight_status, |value| match integer(200, 204)(value) {
            Ok(200) => Ok(200),
            Ok(204) => Ok(204),
            _ => Err("write 204 or 200".into()),
        });
        section.set("forbid_denied", &mut self.forbid_denied, boolean);
        section.set("announce", &mut self.announce, boolean);
        if self.origins == Origins::Off {
            let changed = [
                ("methods", self.methods != before.methods),
                ("headers", self.headers != before.headers),
                ("expose", self.expose != before.expose),
                ("credentials", self.credentials != before.credentials),
                ("max_age", self.max_age != before.max_age),
                ("preflight_status", self.preflight_status != before.preflight_status),
                ("forbid_denied", self.forbid_denied != before.forbid_denied),
                ("announce", self.announce != before.announce),
            ];
            section.warn_idle(&changed, "while cors.origins is `off`; name the origins");
        }
        if self.origins == Origins::Any && self.credentials {
            section.missing(
                "credentials",
                "any origin with credentials would let every site act as the user; list the origins, or say `false`",
            );
        }
        section.finish();
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::List(items) => items.is_empty(),
        Value::Text(text) => text.split(',').all(|item| item.trim().is_empty()),
        _ => false,
    }
}
