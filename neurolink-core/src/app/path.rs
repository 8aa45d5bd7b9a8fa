//! The one path that routing, scopes and limit keys see (RFC 3986, section 6.2.2).

use std::borrow::Cow;

/// A path in canonical form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Canonical<'a> {
    /// Unreserved characters decoded, every other escape upper case.
    pub(crate) path: Cow<'a, str>,
    /// Whether the bytes were in normal form already: a native router reads them the same way.
    pub(crate) normal: bool,
}

/// Brings the raw path of a request line into canonical form, in one pass and without allocation when nothing is escaped.
///
/// # Errors
/// What is wrong with the path, as a message for the client.
pub(crate) fn canonical(raw: &str) -> Result<Canonical<'_>, &'static str> {
    if !raw.starts_with('/') {
        return Err("The path must begin with a slash");
    }
    let (mut seen, mut unusual, mut previous) = (0, 0, 0);
    for byte in raw.bytes() {
        let class = CLASSES[usize::from(byte)];
        seen |= class;
        // A segment that begins with a dot, or is empty, is looked at again.
        unusual |= previous << 1 & class & BEGINS;
        previous = class;
    }
    if seen & REFUSED != 0 {
        return Err(raw.bytes().find_map(refusal).unwrap_or("The path is not valid"));
    }
    if seen & ESCAPE == 0 && unusual == 0 {
        return Ok(Canonical { path: Cow::Borrowed(raw), normal: true });
    }
    if seen & ESCAPE == 0 {
        let mut normal = true;
        let mut segments = raw[1..].split('/').peekable();
        while let Some(segment) = segments.next() {
            if is_dots(segment.as_bytes()) {
                return Err(DOTS);
            }
            normal &= !segment.is_empty() || segments.peek().is_none();
        }
        return Ok(Canonical { path: Cow::Borrowed(raw), normal });
    }
    decode(raw)
}

/// A class of bytes each, in bits; a slash is followed by [`BEGINS`] where a segment begins unusually.
const SLASH: u8 = 1;
const BEGINS: u8 = SLASH << 1;
const ESCAPE: u8 = 4;
const REFUSED: u8 = 8;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'/' => SLASH | BEGINS,
            b'.' => BEGINS,
            b'%' => ESCAPE,
            other if refusal(other).is_some() => REFUSED,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// Why a byte may not be in a path.
const fn refusal(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'\\' => "The path contains a backslash",
        0x80.. => "The path contains a character that is not ASCII; percent-encode it",
        b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' => {
            "The path contains a character that must be percent-encoded"
        }
        0..=0x20 | 0x7f => "The path contains a control character or a space",
        _ => return None,
    })
}

const DOTS: &str = "The path contains a dot segment";

fn decode(raw: &str) -> Result<Canonical<'_>, &'static str> {
    let mut out = String::with_capacity(raw.len());
    let mut decoded = Vec::with_capacity(raw.len());
    let mut normal = true;
    let mut segments = raw[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        out.push('/');
        decoded.clear();
        let mut bytes = segment.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                decoded.push(byte);
                out.push(char::from(byte));
                continue;
            }
            let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else {
                return Err("The path contains a broken percent escape");
            };
            let (Some(high_value), Some(low_value)) = (hex(high), hex(low)) else {
                return Err("The path contains a broken percent escape");
            };
            let value = high_value << 4 | low_value;
            match value {
                0..=0x1f | 0x7f => return Err("The path contains an escaped control character"),
                b'\\' => return Err("The path contains a backslash"),
                _ => {}
            }
            decoded.push(value);
            if is_unreserved(value) {
                normal = false;
                out.push(char::from(value));
            } else {
                normal &= !high.is_ascii_lowercase() && !low.is_ascii_lowercase();
                out.push('%');
                out.push(char::from(high.to_ascii_uppercase()));
                out.push(char::from(low.to_ascii_uppercase()));
            }
        }
        if std::str::from_utf8(&decoded).is_err() {
            return Err("The path is not valid UTF-8 after decoding");
        }
        if decoded.split(|byte| *byte == b'/').any(is_dots) {
            return Err(DOTS);
        }
        normal &= !segment.is_empty() || segments.peek().is_none();
    }
    let path = if out == raw { Cow::Borrowed(raw) } else { Cow::Owned(out) };
    Ok(Canonical { path, normal })
}

fn is_dots(segment: &[u8]) -> bool {
    // A matrix parameter does not hide a dot segment: servers behind us may strip it.
    let name = segment.split(|byte| *byte == b';').next().unwrap_or(segment);
    name == b"." || name == b".."
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ok(raw: &str) -> (String, bool) {
        let canonical = canonical(raw).expect(raw);
        (canonical.path.into_owned(), canonical.normal)
    }

    #[test]
    fn a_plain_path_is_borrowed() {
        assert!(matches!(canonical("/api/health").expect("plain").path, Cow::Borrowed(_)));
    }

    #[test]
    fn unreserved_characters_are_decoded_and_the_rest_is_kept_in_upper_case() {
        assert_eq!(ok("/%61pi/%7Euser"), ("/api/~user".into(), false));
        assert_eq!(ok("/a%2fb"), ("/a%2Fb".into(), false));
        assert_eq!(ok("/a%2Fb"), ("/a%2Fb".into(), true));
        assert_eq!(ok("/a%252e%252e"), ("/a%252e%252e".into(), true));
        assert_eq!(ok("/caf%C3%A9"), ("/caf%C3%A9".into(), true));
    }

    #[test]
    fn slashes_are_not_merged_and_are_not_normal() {
        assert_eq!(ok("//api"), ("//api".into(), false));
        assert_eq!(ok("/api/"), ("/api/".into(), true));
        assert_eq!(ok("/"), ("/".into(), true));
    }

    #[test]
    fn hostile_paths_are_refused() {
        for raw in [
            "api",
            "*",
            "",
            "/%",
            "/%2",
            "/%zz",
            "/%00",
            "/%0a",
            "/%7f",
            "/a\\b",
            "/a%5cb",
            "/caf\u{e9}",
            "/%ff",
            "/%c0%ae",
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/%2e%2e/b",
            "/.%2e/b",
            "/a/..%2fb",
            "/a%2f..%2fb",
            "/a/..;x/b",
            "/%2E;v=1",
            "/a b",
        ] {
            assert!(canonical(raw).is_err(), "{raw:?} should be refused");
        }
    }

    #[test]
    fn names_with_dots_are_no_dot_segments() {
        for raw in ["/...", "/.env", "/a..b", "/..a", "/a;b/.well-known"] {
            assert!(canonical(raw).is_ok(), "{raw:?} should pass");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_is_idempotent(raw in "/[ -~]{0,40}") {
            if let Ok(first) = canonical(&raw) {
                let second = canonical(&first.path).expect("a canonical path is canonical");
                prop_assert_eq!(&second.path, &first.path);
                prop_assert!(second.normal || first.path.contains("//"));
            }
        }

        #[test]
        fn escaping_unreserved_characters_does_not_change_the_path(name in "[a-zA-Z0-9_~-]{1,12}", at in 0usize..12) {
            let plain = format!("/x/{name}");
            let index = at % name.len();
            let escaped = format!("/x/{}%{:02x}{}", &name[..index], name.as_bytes()[index], &name[index + 1..]);
            prop_assert_eq!(ok(&escaped).0, plain);
        }
    }
}
