//! The headers in which proxies tell of the client.

use std::fmt;

use http::{HeaderMap, HeaderName, header};
use smallvec::SmallVec;

use crate::http::reserved;

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The one header that is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Header {
    /// `X-Forwarded-For`, a list of addresses.
    #[default]
    ForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// One address, such as `X-Real-IP` and `CF-Connecting-IP`.
    Single(HeaderName),
}

impl Header {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let name: HeaderName =
            text.parse().map_err(|_| format!("`{text}` is no header name; write for example `x-forwarded-for`"))?;
        if name == FORWARDED_FOR {
            return Ok(Self::ForwardedFor);
        }
        if name == header::FORWARDED {
            return Ok(Self::Forwarded);
        }
        if NOT_ADDRESSES.contains(&name.as_str()) {
            return Err(format!("`{name}` holds no address; write for example `x-forwarded-for`"));
        }
        if !ADDRESSES.contains(&name.as_str()) {
            reserved::request(&name)?;
        }
        Ok(Self::Single(name))
    }

    pub(super) const fn is_list(&self) -> bool {
        !matches!(self, Self::Single(_))
    }

    /// Whether this is the header, or one that goes with it.
    fn covers(&self, name: &HeaderName) -> bool {
        match self {
            Self::Forwarded => *name == header::FORWARDED,
            Self::ForwardedFor => [FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST].contains(name),
            Self::Single(own) => name == own || [FORWARDED_PROTO, FORWARDED_HOST].contains(name),
        }
    }

    /// Removes every header of this kind but the believed ones, or all if nobody is believed.
    pub(super) fn hide_others(&self, believed: bool, headers: &mut HeaderMap) -> bool {
        let is_one = |name: &HeaderName| {
            let covered = self.covers(name);
            if believed { !covered && is_forwarding(name) } else { covered || is_forwarding(name) }
        };
        let hidden: SmallVec<[HeaderName; 4]> = headers.keys().filter(|name| is_one(name)).cloned().collect();
        for name in &hidden {
            headers.remove(name);
        }
        !hidden.is_empty()
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
            Self::Single(name) => name.as_str(),
        })
    }
}

fn is_forwarding(name: &HeaderName) -> bool {
    ADDRESSES.contains(&name.as_str()) || NOT_ADDRESSES.contains(&name.as_str())
}

/// Names in which somebody, somewhere, tells the client's address.
const ADDRESSES: [&str; 19] = [
    "forwarded",
    "x-forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-forwarded",
    "forwarded-for",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-pseudo-ipv4",
    "fastly-client-ip",
    "fly-client-ip",
    "x-envoy-external-address",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-appengine-user-ip",
];

/// Names in which they tell how the client reached them.
const NOT_ADDRESSES: [&str; 10] = [
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-url-scheme",
    "x-original-host",
    "front-end-https",
    "x-forwarded-by",
];
