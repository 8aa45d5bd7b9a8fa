//! One line of `Forwarded` (RFC 7239, section 4), read from its end: a proxy writes behind what the client sent, and
//! what the client sent must not change what the proxy said.

use std::borrow::Cow;
use std::net::IpAddr;

/// What one proxy says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// The address it was asked from; nothing for `unknown` and for an obfuscated one.
    pub(super) address: Option<IpAddr>,
    pub(super) proto: Option<Cow<'a, str>>,
    pub(super) host: Option<Cow<'a, str>>,
}

/// The elements of a line from right to left; a comma in a quoted string is no end of one.
pub(super) struct Elements<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Elements<'a> {
    pub(super) const fn new(line: &'a [u8]) -> Self {
        Self { rest: Some(line) }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let bytes = self.rest.take()?;
        let (mut quoted, mut at) = (false, bytes.len());
        while at > 0 {
            at -= 1;
            match bytes[at] {
                b'"' if quoted => {
                    // An odd number of backslashes in front makes it a part of the string.
                    let backslashes = bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
                    quoted = backslashes % 2 == 1;
                    at -= backslashes;
                }
                b'"' => quoted = true,
                b',' if !quoted => {
                    self.rest = Some(&bytes[..at]);
                    return Some(&bytes[at + 1..]);
                }
                _ => {}
            }
        }
        Some(bytes)
    }
}

/// The pairs of an element; nothing if it is malformed.
pub(super) fn parse(element: &str) -> Option<Element<'_>> {
    let mut parsed = Element::default();
    let mut seen: [Option<&str>; MOST_PAIRS] = [None; MOST_PAIRS];
    let mut rest = element;
    for place in &mut seen {
        let (name, after) = token(rest)?;
        let (value, after) = value(after.strip_prefix('=')?)?;
        *place = Some(name);
        if name.eq_ignore_ascii_case("for") {
            parsed.address = node(&value)?;
        } else if name.eq_ignore_ascii_case("proto") {
            parsed.proto = Some(value);
        } else if name.eq_ignore_ascii_case("host") {
            parsed.host = Some(value);
        }
        let after = after.trim_start_matches([' ', '\t']);
        if after.is_empty() {
            return unique(&seen).then_some(parsed);
        }
        rest = after.strip_prefix(';')?.trim_start_matches([' ', '\t']);
    }
    None
}

/// More pairs than anybody sends: four are standardised.
const MOST_PAIRS: usize = 16;

/// No parameter may be there twice.
fn unique(names: &[Option<&str>]) -> bool {
    let is_new = |(at, name): (usize, &&str)| !names[..at].iter().flatten().any(|old| old.eq_ignore_ascii_case(name));
    names.iter().flatten().enumerate().all(is_new)
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = text.bytes().position(|byte| !is_token(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A token, or a quoted string without its quotes and backslashes.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(inside) = text.strip_prefix('"') else {
        return token(text).map(|(token, rest)| (token.into(), rest));
    };
    let end = inside.find(['"', '\\'])?;
    if inside.as_bytes()[end] == b'"' {
        return Some((inside[..end].into(), &inside[end + 1..]));
    }
    let mut plain = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((plain.into(), &inside[at + 1..])),
            '\\' => plain.push(characters.next()?.1),
            other => plain.push(other),
        }
    }
    None
}

/// A node (section 6): an address with or without a port, `unknown`, or an obfuscated name.
///
/// The outer nothing is for what is malformed.
#[expect(clippy::option_option, reason = "no address is something else than no node")]
fn node(text: &str) -> Option<Option<IpAddr>> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (Some(IpAddr::V6(address.parse().ok()?).to_canonical()), port)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (name, port) = text.split_at(end);
            let hidden = name.eq_ignore_ascii_case("unknown") || is_obfuscated(name);
            (if hidden { None } else { Some(IpAddr::V4(name.parse().ok()?)) }, port)
        }
    };
    let is_number = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let valid = port.is_empty() || port.strip_prefix(':').is_some_and(|port| is_number(port) || is_obfuscated(port));
    valid.then_some(name)
}

fn is_obfuscated(text: &str) -> bool {
    let rest = text.strip_prefix('_').unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
