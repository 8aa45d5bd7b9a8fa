//! Which hosts a server answers for (RFC 9112, section 3.2; DNS rebinding).

use std::borrow::Cow;

use http::{HeaderValue, Uri, Version};

use super::ConnInfo;
use crate::{Code, Error};

/// The host names that are answered for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    exact: Vec<Box<str>>,
    /// With the leading dot: `.example.com`.
    suffixes: Vec<Box<str>>,
    any: bool,
}

/// The `Host` header of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HostLine<'a> {
    Missing,
    One(&'a HeaderValue),
    Several,
}

impl<'a> HostLine<'a> {
    /// One line more.
    pub(crate) const fn and(self, value: &'a HeaderValue) -> Self {
        match self {
            Self::Missing => Self::One(value),
            Self::One(_) | Self::Several => Self::Several,
        }
    }
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

impl Hosts {
    /// Parses names such as `api.example.com` and `*.example.com`.
    pub(crate) fn new(names: &[String], any: bool) -> Result<Self, Vec<String>> {
        let mut hosts = Self { any, ..Self::default() };
        let mut problems = Vec::new();
        for name in names {
            let plain = name.strip_prefix("*.").unwrap_or(name);
            match normal(plain) {
                Some(host) if host == plain.to_ascii_lowercase() => {
                    if plain.len() == name.len() {
                        hosts.exact.push(host.into());
                    } else {
                        hosts.suffixes.push(format!(".{host}").into());
                    }
                }
                _ => problems.push(format!(
                    "`{name}` is no host name; write `api.example.com` or `*.example.com`, without scheme and port"
                )),
            }
        }
        if problems.is_empty() { Ok(hosts) } else { Err(problems) }
    }

    /// A few words for the plan.
    pub(crate) fn summary(&self) -> String {
        if self.any {
            return "any host".into();
        }
        let suffixes = self.suffixes.iter().map(|suffix| format!("*{suffix}"));
        let names: Vec<String> = self.exact.iter().map(ToString::to_string).chain(suffixes).collect();
        let names = if names.is_empty() { "any host".into() } else { names.join(", ") };
        format!("{names}; on loopback localhost, 127.0.0.1, [::1]")
    }

    /// Checks that a request names exactly one valid host, and one of ours.
    ///
    /// Where a trusted proxy tells which host it was asked for, that one has to be ours; the request's own too on a
    /// loopback address, where a website that has rebound its name could send both.
    pub(crate) fn check(
        &self,
        uri: &Uri,
        line: HostLine<'_>,
        version: Version,
        conn: &ConnInfo,
        forwarded: Option<&str>,
    ) -> Result<(), Error> {
        let line = match line {
            HostLine::Missing => None,
            HostLine::One(value) => {
                Some(value.to_str().map_err(|_| Error::bad_request("The Host header is not valid"))?)
            }
            HostLine::Several => return Err(Error::bad_request("The Host header is there more than once")),
        };
        // The parser takes any scheme, and `://host/path` for a target with an empty one.
        if uri.scheme().is_some_and(|scheme| !is_http(scheme.as_str())) {
            return Err(Error::bad_request("The scheme of the request target is neither http nor https"));
        }
        let authority = uri.authority().map(http::uri::Authority::as_str);
        if authority.is_some_and(|authority| authority.contains('@')) {
            return Err(Error::bad_request("The request target must not have user information"));
        }
        let host = match (authority, line) {
            (Some(authority), Some(line)) if !authority.eq_ignore_ascii_case(line) => {
                return Err(Error::bad_request("The Host header and the request target name different hosts"));
            }
            // HTTP/1.1 has the header beside an absolute target too (RFC 9112, section 3.2).
            (Some(_), None) if version == Version::HTTP_11 => {
                return Err(Error::bad_request("The Host header is missing"));
            }
            (Some(host), _) | (None, Some(host)) => Some(host),
            (None, None) if version <= Version::HTTP_10 => None,
            (None, None) => return Err(Error::bad_request("The Host header is missing")),
        };
        let own = match host.map(normal) {
            None => true,
            Some(Some(host)) => self.any || self.answers(&host, conn),
            Some(None) => return Err(Error::bad_request("The Host header is not valid")),
        };
        let answers = match forwarded {
            None => own,
            Some(forwarded) => {
                let Some(forwarded) = normal(forwarded) else {
                    return Err(Error::bad_request("The forwarded host is not valid"));
                };
                (own || !conn.is_reached_by_loopback()) && (self.any || self.answers(&forwarded, conn))
            }
        };
        if answers {
            Ok(())
        } else {
            Err(Error::new(Code::BadRequest).with_message("This server does not answer for that host"))
        }
    }

    fn answers(&self, host: &str, conn: &ConnInfo) -> bool {
        let named = self.exact.iter().any(|name| **name == *host)
            || self.suffixes.iter().any(|suffix| host.len() > suffix.len() && host.ends_with(&**suffix));
        if named {
            return true;
        }
        if conn.is_reached_by_loopback() {
            return matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        }
        self.exact.is_empty() && self.suffixes.is_empty()
    }
}

/// The host of `host[:port]` in lower case and without a final dot, if both are well-formed.
fn normal(text: &str) -> Option<Cow<'_, str>> {
    let (host, port, upper) = if text.starts_with('[') { literal(text)? } else { name(text)? };
    if !is_port(port) {
        return None;
    }
    Some(if upper { host.to_ascii_lowercase().into() } else { host.into() })
}

/// `[IPv6]`, what follows it, and whether it has capitals.
fn literal(text: &str) -> Option<(&str, &str, bool)> {
    let (inside, port) = text.strip_prefix('[')?.split_once(']')?;
    inside.parse::<std::net::Ipv6Addr>().ok()?;
    Some((&text[..inside.len() + 2], port, inside.bytes().any(|byte| byte.is_ascii_uppercase())))
}

/// A name without its final dot, what follows it, and whether it has capitals.
fn name(text: &str) -> Option<(&str, &str, bool)> {
    let (mut label, mut upper, mut end) = (0, false, text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
            b'A'..=b'Z' => (label, upper) = (label + 1, true),
            b'.' if matches!(label, 1..=LONGEST_LABEL) => label = 0,
            b':' => {
                end = at;
                break;
            }
            _ => return None,
        }
    }
    let (host, port) = text.split_at(end);
    // A label of no length is the one behind the final dot.
    let name = if label == 0 { host.strip_suffix('.')? } else { host };
    (label <= LONGEST_LABEL && name.len() <= LONGEST_NAME).then_some((name, port, upper))
}

/// RFC 1035, section 2.3.4.
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;

/// Nothing, or a colon and a number, which may be missing.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => {
            digits.len() <= 5
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && (digits.is_empty() || digits.parse::<u16>().is_ok())
        }
        None => text.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conn(local: &str) -> ConnInfo {
        ConnInfo::new(None).with_local(Some(local.parse().expect("an address")))
    }

    fn check(hosts: &Hosts, host: &[&str], local: &str) -> bool {
        let values: Vec<HeaderValue> = host.iter().map(|host| host.parse().expect("a value")).collect();
        let line = values.iter().fold(HostLine::Missing, HostLine::and);
        hosts.check(&Uri::from_static("/x"), line, Version::HTTP_11, &conn(local), None).is_ok()
    }

    const LOOPBACK: &str = "127.0.0.1:80";
    const PUBLIC: &str = "192.0.2.1:80";

    #[test]
    fn loopback_answers_only_for_its_own_names() {
        let hosts = Hosts::default();
        for good in ["localhost", "LOCALHOST:3000", "127.0.0.1:1", "[::1]:80", "localhost."] {
            assert!(check(&hosts, &[good], LOOPBACK), "{good}");
        }
        for bad in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "[::2]"] {
            assert!(!check(&hosts, &[bad], LOOPBACK), "{bad}");
        }
    }

    #[test]
    fn a_peer_on_this_machine_is_enough_where_the_host_does_not_tell_its_own_address() {
        let line = HostLine::One(&HeaderValue::from_static("evil.example"));
        for (peer, passes) in
            [("127.0.0.1:9", false), ("[::1]:9", false), ("[::ffff:127.0.0.1]:9", false), ("192.0.2.1:9", true)]
        {
            let conn = ConnInfo::new(Some(peer.parse().expect("an address")));
            let answer = Hosts::default().check(&Uri::from_static("/x"), line, Version::HTTP_11, &conn, None);
            assert_eq!(answer.is_ok(), passes, "{peer}");
        }
    }

    // Shows S1-41.
    #[test]
    fn a_public_address_answers_for_any_host_until_names_are_given() {
        assert!(check(&Hosts::default(), &["anything.example"], PUBLIC));
        let hosts = Hosts::new(&["example.com".into(), "*.example.com".into()], false).expect("valid");
        for good in ["example.com", "a.example.com:8443", "a.b.example.com", "EXAMPLE.com."] {
            assert!(check(&hosts, &[good], PUBLIC), "{good}");
        }
        for bad in ["evilexample.com", ".example.com", "example.com.evil.example", "localhost"] {
            assert!(!check(&hosts, &[bad], PUBLIC), "{bad}");
        }
    }

    #[test]
    fn a_malformed_missing_or_second_host_is_refused() {
        for bad in [
            &["a b"][..],
            &[""],
            &["a@b"],
            &["a/b"],
            &["a:b"],
            &["a:99999"],
            &["[::1"],
            &["a..b"],
            &[],
            &["localhost", "localhost"],
        ] {
            assert!(!check(&Hosts::default(), bad, PUBLIC), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_as_long_as_names_are() {
        let label = "x".repeat(LONGEST_LABEL);
        let longest = format!("{label}.{label}.{label}.{}", &label[..61]);
        for good in [&label, &longest, &format!("{longest}.:1")] {
            assert!(check(&Hosts::default(), &[good], PUBLIC), "{good}");
        }
        for bad in [format!("{label}x"), format!("{longest}x"), "a..".into(), ".".into(), ":1".into(), "a:+1".into()] {
            assert!(!check(&Hosts::default(), &[&bad], PUBLIC), "{bad}");
        }
    }

    #[test]
    fn an_absolute_target_must_agree_with_the_header() {
        let line = HostLine::One(&HeaderValue::from_static("localhost:1"));
        let check = |uri: &'static str| {
            Hosts::default().check(&Uri::from_static(uri), line, Version::HTTP_11, &conn(LOOPBACK), None).is_ok()
        };
        assert!(check("http://localhost:1/x"));
        assert!(check("HTTPS://localhost:1/x"));
        assert!(!check("ftp://localhost:1/x"));
        assert!(!check("http://127.0.0.1:1/x"));
        assert!(!check("http://user:pw@localhost:1/x"));
    }

    #[test]
    fn an_absolute_target_replaces_the_header_in_http2_only() {
        let check = |version| {
            let uri = Uri::from_static("http://localhost/x");
            Hosts::default().check(&uri, HostLine::Missing, version, &conn(LOOPBACK), None).is_ok()
        };
        assert!(check(Version::HTTP_2) && check(Version::HTTP_10));
        assert!(!check(Version::HTTP_11));
    }
}
