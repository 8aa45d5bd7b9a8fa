//! From the peer towards the client, as far as trust goes: one step for each entry, whatever is in them.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Forwarded;
use super::element::{Elements, parse};
use super::headers::{FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, Header};
use crate::app::Scheme;

pub(super) fn walk(
    header: &Header,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
    hops: usize,
    trusted: impl Fn(IpAddr) -> bool,
) -> Forwarded {
    let mut said = Forwarded { client: peer, ..Forwarded::default() };
    let mut steps = 0;
    match header {
        Header::Forwarded => {
            for element in lines(headers, &header::FORWARDED).flat_map(Elements::new).take(hops) {
                let Some(element) = parse(text(element)) else { break };
                // What the outermost does not say, the next one said.
                said.scheme = element.proto.as_deref().and_then(scheme).or(said.scheme);
                said.host = element.host.map(|host| host.into_owned().into()).or(said.host);
                let Some(address) = element.address else { break };
                said.client = Some(address);
                if !trusted(address) {
                    break;
                }
            }
            return said;
        }
        Header::ForwardedFor => {
            let entries = lines(headers, &FORWARDED_FOR).flat_map(|line| line.rsplit(|byte| *byte == b','));
            for entry in entries.take(hops) {
                let Some(address) = address(text(entry)) else { break };
                said.client = Some(address);
                steps += 1;
                if !trusted(address) {
                    break;
                }
            }
        }
        Header::Single(name) => {
            let mut lines = headers.get_all(name).iter();
            if let (Some(line), None) = (lines.next(), lines.next())
                && let Some(address) = address(text(line.as_bytes()))
            {
                said.client = Some(address);
            }
        }
    }
    said.scheme = beside(headers, &FORWARDED_PROTO, steps).and_then(scheme);
    said.host = beside(headers, &FORWARDED_HOST, steps).map(Into::into);
    said
}

/// All lines are one list (RFC 9110, section 5.3), of which the last one was added last.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let lines: smallvec::SmallVec<[&HeaderValue; 2]> = headers.get_all(name).iter().collect();
    lines.into_iter().rev().map(HeaderValue::as_bytes)
}

/// What was said beside the client's entry of the list: at its place, or the outermost where there are fewer.
fn beside<'a>(headers: &'a HeaderMap, name: &HeaderName, steps: usize) -> Option<&'a str> {
    let entries = lines(headers, name).flat_map(|line| line.rsplit(|byte| *byte == b',')).take(steps.max(1));
    entries.last().map(text)
}

/// An entry without the spaces around it; what is no text is malformed, whatever it is for.
fn text(entry: &[u8]) -> &str {
    std::str::from_utf8(entry).unwrap_or("\u{fffd}").trim_matches([' ', '\t'])
}

fn scheme(text: &str) -> Option<Scheme> {
    if text.eq_ignore_ascii_case("https") {
        Some(Scheme::Https)
    } else {
        text.eq_ignore_ascii_case("http").then_some(Scheme::Http)
    }
}

/// An address, with or without a port; anything else ends the walk.
fn address(entry: &str) -> Option<IpAddr> {
    let address = entry
        .parse::<IpAddr>()
        .ok()
        .or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}
