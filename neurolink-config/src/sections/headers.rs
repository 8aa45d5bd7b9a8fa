use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::checks;
use crate::layers::{Origin, Value};
use crate::reader::{Section, boolean, text, word};

/// Section `headers`: security headers of every response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HeadersConfig {
    /// The set that the others change.
    pub preset: HeaderPreset,
    /// `Content-Security-Policy`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub content_security_policy: HeaderValue,
    /// `X-Frame-Options`: `deny` or `sameorigin`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub frame_options: HeaderValue,
    /// `X-Content-Type-Options`: `nosniff`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub content_type_options: HeaderValue,
    /// `Strict-Transport-Security`, such as `max-age=31536000; includeSubDomains`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub hsts: HeaderValue,
    /// `Referrer-Policy`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub referrer_policy: HeaderValue,
    /// `X-XSS-Protection`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub xss_protection: HeaderValue,
    /// `Permissions-Policy`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub permissions_policy: HeaderValue,
    /// `Cross-Origin-Opener-Policy`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub cross_origin_opener_policy: HeaderValue,
    /// `Cross-Origin-Resource-Policy`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub cross_origin_resource_policy: HeaderValue,
    /// `Origin-Agent-Cluster`: `?1`.
    #[serde(skip_serializing_if = "HeaderValue::is_preset")]
    pub origin_agent_cluster: HeaderValue,
    /// Whether `Strict-Transport-Security` is sent on encrypted connections only; the set decides: `modern` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hsts_https_only: Option<bool>,
    /// Further headers by name; `off` leaves one of the set out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, HeaderValue>,
}

/// A set of security headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HeaderPreset {
    /// What an API needs today.
    #[default]
    Modern,
    /// Those of the original.
    Neurolink,
    /// Those of Keryx.
    Keryx,
    /// Those of helmet 8.
    Helmet,
    /// None.
    None,
}

/// What a header is set to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderValue {
    /// What the set says.
    #[default]
    Preset,
    /// It is not sent.
    Off,
    /// This value.
    Value(String),
}

impl HeaderValue {
    /// Whether the set decides.
    #[must_use]
    pub const fn is_preset(&self) -> bool {
        matches!(self, Self::Preset)
    }
}

impl Serialize for HeaderValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Preset => serializer.serialize_none(),
            Self::Off => serializer.serialize_str("off"),
            Self::Value(value) => serializer.serialize_str(value),
        }
    }
}

impl HeadersConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        let presets = [
            ("modern", HeaderPreset::Modern),
            ("neurolink", HeaderPreset::Neurolink),
            ("keryx", HeaderPreset::Keryx),
            ("helmet", HeaderPreset::Helmet),
            ("none", HeaderPreset::None),
        ];
        section.set("preset", &mut self.preset, word(&presets));
        type Check = fn(&str) -> Result<(), String>;
        let headers: [(_, _, Check); 10] = [
            ("content_security_policy", &mut self.content_security_policy, checks::header_value),
            ("frame_options", &mut self.frame_options, frame_options),
            ("content_type_options", &mut self.content_type_options, content_type_options),
            ("hsts", &mut self.hsts, |text| parse_hsts(text).map(|_| ())),
            ("referrer_policy", &mut self.referrer_policy, checks::header_value),
            ("xss_protection", &mut self.xss_protection, checks::header_value),
            ("permissions_policy", &mut self.permissions_policy, checks::header_value),
            ("cross_origin_opener_policy", &mut self.cross_origin_opener_policy, checks::header_value),
            ("cross_origin_resource_policy", &mut self.cross_origin_resource_policy, checks::header_value),
            ("origin_agent_cluster", &mut self.origin_agent_cluster, agent_cluster),
        ];
        for (key, place, check) in headers {
            section.set(key, place, |value| header_value(value, check));
        }
        section.set("hsts_https_only", &mut self.hsts_https_only, |value| boolean(value).map(Some));
        if let Some(mut custom) = section.section("custom") {
            let mut written: BTreeMap<String, Origin> = BTreeMap::new();
            for (name, entry) in custom.drain() {
                // A variable's name has no hyphen.
                let is_variable = matches!(entry.value, Value::Text(_));
                let name = if is_variable { name.replace('_', "-") } else { name.to_lowercase() };
                let value = checks::header_name(&name).and_then(|()| header_value(&entry.value, checks::header_value));
                match (value, written.insert(name.clone(), Origin::clone(&entry.origin))) {
                    (Ok(_), Some(first)) if !is_variable => {
                        custom.wrong(&name, &entry, format!("it is given already by {first}; remove one"));
                    }
                    (Ok(value), _) => drop(self.custom.insert(name, value)),
                    (Err(problem), _) => custom.wrong(&name, &entry, problem),
                }
            }
        }
        section.finish();
    }
}

fn header_value(value: &Value, check: impl FnOnce(&str) -> Result<(), String>) -> Result<HeaderValue, String> {
    let or_off = |problem: String| format!("{problem}; or `off`");
    let text = match value {
        Value::Bool(false) => return Ok(HeaderValue::Off),
        // `X-XSS-Protection: 0`
        Value::Integer(number) => number.to_string(),
        value => text(value).map_err(or_off)?,
    };
    if text.eq_ignore_ascii_case("off") {
        return Ok(HeaderValue::Off);
    }
    check(&text).map(|()| HeaderValue::Value(text)).map_err(or_off)
}

fn agent_cluster(text: &str) -> Result<(), String> {
    if text == "?1" { Ok(()) } else { Err("write `?1`".into()) }
}

fn frame_options(text: &str) -> Result<(), String> {
    let known = text.eq_ignore_ascii_case("deny") || text.eq_ignore_ascii_case("sameorigin");
    if known { Ok(()) } else { Err("write `deny` or `sameorigin`".into()) }
}

fn content_type_options(text: &str) -> Result<(), String> {
    if text.eq_ignore_ascii_case("nosniff") { Ok(()) } else { Err("write `nosniff`".into()) }
}

/// Reads `max-age=31536000; includeSubDomains; preload`: seconds, subdomains, preload.
pub(crate) fn parse_hsts(text: &str) -> Result<(u64, bool, bool), String> {
    let help = || "write for example `max-age=31536000; includeSubDomains`".to_owned();
    let (mut age, mut subdomains, mut preload) = (None, false, false);
    for part in text.split(';').map(|part| part.trim().to_ascii_lowercase()) {
        match part.as_str() {
            "includesubdomains" => subdomains = true,
            "preload" => preload = true,
            "" => {}
            part => {
                let seconds = part.strip_prefix("max-age=").ok_or_else(help)?;
                age = Some(seconds.parse().map_err(|_| help())?);
            }
        }
    }
    age.map(|age| (age, subdomains, preload)).ok_or_else(help)
}
