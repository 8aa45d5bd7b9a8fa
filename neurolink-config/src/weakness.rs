use std::fmt;

use ipnet::IpNet;

use crate::{Config, HeaderPreset, Origins};

/// A setting that weakens security, chosen by somebody; to be printed at start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weakness {
    /// The setting.
    pub key: &'static str,
    /// What it gives up.
    pub meaning: &'static str,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.meaning)
    }
}

impl Config {
    /// The settings that weaken security.
    #[must_use]
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let jwt = self.auth.jwt.as_ref();
        let trusts_all = self
            .proxies
            .trusted
            .iter()
            .any(|network| network.parse::<IpNet>().is_ok_and(|network| network.prefix_len() == 0));
        let all = [
            (
                self.server.allow_any_host,
                "server.allow_any_host",
                "every Host is answered, so that a website can reach this server through DNS rebinding",
            ),
            (
                self.server.allow_unauthenticated && !self.auth.is_configured(),
                "server.allow_unauthenticated",
                "everybody who reaches this server can use the engine",
            ),
            (self.cors.origins == Origins::Any, "cors.origins", "every website may call from a visitor's browser"),
            (
                self.auth.failure_limit.is_none() && self.auth.is_configured(),
                "auth.failure_limit",
                "credentials can be guessed without a limit",
            ),
            (
                self.auth.token_query.is_some() && self.auth.has_bearer(),
                "auth.token_query",
                "tokens in the query are seen in histories, in Referer and in the logs of proxies",
            ),
            (
                jwt.is_some_and(|jwt| jwt.any_issuer),
                "auth.jwt.any_issuer",
                "tokens of every issuer who has one of the keys are believed",
            ),
            (
                jwt.is_some_and(|jwt| jwt.any_audience),
                "auth.jwt.any_audience",
                "tokens that were made for other services are believed",
            ),
            (
                !self.cross_site.enabled,
                "cross_site.enabled",
                "other websites can send state-changing requests from a visitor's browser",
            ),
            (self.headers.preset == HeaderPreset::None, "headers.preset", "responses carry no security headers"),
            (
                self.errors.dev_errors && !self.production,
                "errors.dev_errors",
                "callers on this machine are told the causes of server errors",
            ),
            (trusts_all, "proxies.trusted", "every client is believed to be a proxy and can claim any address"),
        ];
        all.into_iter().filter(|(weak, ..)| *weak).map(|(_, key, meaning)| Weakness { key, meaning }).collect()
    }
}
