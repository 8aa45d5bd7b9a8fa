//! What is believed of whom, and what they say.

use std::net::IpAddr;

use http::HeaderMap;

use super::headers::Header;
use super::walk;
use crate::Settings;
use crate::app::{ConnInfo, Scheme};
use crate::server::Networks;

/// What is believed of whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    networks: Networks,
    header: Header,
    /// The most entries that are walked.
    hops: Option<usize>,
}

/// What trusted proxies say of the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded {
    /// The last address that was said by somebody trusted: the client's, or a proxy's where the walk had to end.
    pub(crate) client: Option<IpAddr>,
    pub(crate) scheme: Option<Scheme>,
    /// As it was said, valid or not.
    pub(crate) host: Option<Box<str>>,
}

/// A problem, and the setting that has it.
pub(crate) type Problem = (&'static str, String);

impl Proxies {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Vec<Problem>> {
        let mut problems: Vec<Problem> = Vec::new();
        let networks = Networks::parse(&settings.trusted_proxies).unwrap_or_else(|found| {
            problems.extend(found.into_iter().map(|problem| ("trusted_proxies", problem)));
            Networks::default()
        });
        let header = Header::new(&settings.forwarded_header).unwrap_or_else(|problem| {
            problems.push(("forwarded_header", problem));
            Header::default()
        });
        let nobody = "it counts only for trusted proxies, and none are named; name their networks in `trusted_proxies`";
        if settings.trusted_proxies.is_empty() {
            if header != Header::default() {
                problems.push(("forwarded_header", nobody.into()));
            }
            if settings.proxy_hops.is_some() {
                problems.push(("proxy_hops", nobody.into()));
            }
        }
        if settings.proxy_hops == Some(0) {
            problems.push(("proxy_hops", "no entry would be read; give at least 1 or leave it out".into()));
        } else if settings.proxy_hops.is_some() && !header.is_list() {
            let problem = "the configured header holds one address and no list; leave the hops out";
            problems.push(("proxy_hops", problem.into()));
        }
        let hops = settings.proxy_hops;
        if problems.is_empty() { Ok(Self { networks, header, hops }) } else { Err(problems) }
    }

    /// The networks, for the plan; empty for none.
    pub(crate) fn summary(&self) -> String {
        self.networks.to_string()
    }

    /// Where the client's address comes from, for the plan.
    pub(crate) fn source(&self) -> String {
        if self.networks.is_empty() {
            return "the peer's address".into();
        }
        let hops = self.hops.map(|hops| format!(", at most {hops} entries")).unwrap_or_default();
        format!("the peer's address, or {} from {}{hops}", self.header, self.networks)
    }

    /// Whether the peer itself is a trusted proxy.
    pub(crate) fn trusts_peer(&self, conn: &ConnInfo) -> bool {
        self.networks.contains_peer(conn)
    }

    /// Removes the headers that say something about the client and are not believed: with trusted proxies, those that
    /// are not configured, and from everybody else all of them. Tells whether there were any.
    pub(crate) fn hide(&self, trusted: bool, headers: &mut HeaderMap) -> bool {
        !self.networks.is_empty() && self.header.hide_others(trusted, headers)
    }

    /// What trusted proxies say, walked from right to left; the peer must be one.
    pub(crate) fn forwarded(&self, conn: &ConnInfo, headers: &HeaderMap) -> Forwarded {
        let trusted = |address| self.networks.contains(address);
        walk::walk(&self.header, headers, conn.peer_address(), self.hops.unwrap_or(usize::MAX), trusted)
    }
}
