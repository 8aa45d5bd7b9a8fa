use serde::Serialize;

use crate::checks;
use crate::reader::{Section, integer, text};

/// Section `proxies`: whose forwarded data is believed, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProxiesConfig {
    /// Networks of trusted proxies, such as `10.0.0.0/8`, and `unix` for those that connect by a Unix socket; none are
    /// trusted unless named.
    pub trusted: Vec<String>,
    /// The one header in which they tell the client's address: `x-forwarded-for`; or `forwarded`, or the name of one
    /// that holds a single address, such as `x-real-ip`.
    pub header: String,
    /// The most entries of that header that are believed: any number.
    pub hops: Option<usize>,
}

impl Default for ProxiesConfig {
    fn default() -> Self {
        Self { trusted: Vec::new(), header: "x-forwarded-for".into(), hops: None }
    }
}

impl ProxiesConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        let (before, problems) = (self.clone(), section.found().count());
        section.list("trusted", &mut self.trusted, checks::proxy);
        section.set("header", &mut self.header, |value| {
            let name = text(value)?;
            checks::header_name(&name).map(|()| name.to_lowercase())
        });
        section.set("hops", &mut self.hops, |value| integer(1, 64)(value).map(Some));
        if self.trusted.is_empty() && section.found().count() == problems {
            for (key, changed) in [("header", self.header != before.header), ("hops", self.hops != before.hops)] {
                if changed {
                    section.missing(key, "it counts only for trusted proxies; name their networks in `trusted`");
                }
            }
        }
        section.finish();
    }
}
