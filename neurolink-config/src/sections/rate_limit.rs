use serde::Serialize;

use crate::reader::{Section, rate, text, word};
use crate::units::Rate;
use crate::{checks, show};

/// Section `rate_limit`: how many requests one caller may send. Off unless a limit is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RateLimitConfig {
    /// How many in how long; `None` for any number.
    #[serde(serialize_with = "show::rate")]
    pub limit: Option<Rate>,
    /// Patterns of paths that it counts; none means all.
    pub paths: Vec<String>,
    /// Patterns of paths that it does not count.
    pub except: Vec<String>,
    /// Who a caller is.
    pub key: RateLimitKey,
    /// The text of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Who a caller is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RateLimitKey {
    /// An address.
    #[default]
    Address,
    /// A user; needs authentication.
    User,
}

impl RateLimitConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        let before = self.clone();
        section.set("limit", &mut self.limit, rate);
        section.list("paths", &mut self.paths, checks::pattern);
        section.list("except", &mut self.except, checks::pattern);
        let keys = [("address", RateLimitKey::Address), ("user", RateLimitKey::User)];
        section.set("key", &mut self.key, word(&keys));
        section.set("message", &mut self.message, |value| text(value).map(Some));
        if self.limit.is_none() {
            let changed = [
                ("paths", self.paths != before.paths),
                ("except", self.except != before.except),
                ("key", self.key != before.key),
                ("message", self.message != before.message),
            ];
            section.warn_idle(&changed, "while rate_limit.limit is `off`; name a limit, such as `100/60s`");
        }
        section.finish();
    }
}
