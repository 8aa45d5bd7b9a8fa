//! Parsers that repair what has to be refused, or read it in another way.

use super::adapter::ask;
use super::edit::{refusal, swap};
use super::mutant::Mutant;
use super::proxy::Talk;

const AREAS: &[&str] = &["parser", "smuggling", "chunked", "expect", "injection"];

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("parser-takes-the-first-length", AREAS, "of different lengths the first counts")
        .up(|_, bytes| lines(&bytes, |at, line, seen| at == 0 || !seen || !is_length(line))),
    Mutant::new("parser-repairs-lengths", AREAS, "a malformed length is repaired").up(|_, bytes| {
        each_line(&bytes, |line| match is_length(line) {
            true => b"Content-Length: 2".to_vec(),
            false => line.to_vec(),
        })
    }),
    Mutant::new("parser-drops-unknown-encodings", AREAS, "every Transfer-Encoding is chunked").up(|_, bytes| {
        each_line(&bytes, |line| match line.to_ascii_lowercase().starts_with(b"transfer-encoding:") {
            true => b"Transfer-Encoding: chunked".to_vec(),
            false => line.to_vec(),
        })
    }),
    Mutant::new("parser-reads-chunks-on-http10", AREAS, "HTTP/1.0 has chunks")
        .up(|_, bytes| swap(&bytes, b"HTTP/1.0", b"HTTP/1.1")),
    Mutant::new("parser-trims-names", AREAS, "space before a colon is dropped")
        .up(|_, bytes| swap(&swap(&bytes, b" : ", b": "), b"\t: ", b": ")),
    Mutant::new("parser-unfolds", AREAS, "a folded line is part of the one before it")
        .up(|_, bytes| swap(&swap(&bytes, b"\r\n ", b" "), b"\r\n\t", b" ")),
    Mutant::new("parser-drops-controls", AREAS, "controls in a header are dropped").up(|_, mut bytes| {
        bytes.retain(|byte| !matches!(byte, 0 | 1 | 7 | 0x7f));
        bytes
    }),
    Mutant::new("parser-takes-bare-cr-for-a-line-end", AREAS, "a bare CR ends a line")
        .up(|_, bytes| swap(&swap(&swap(&bytes, b"\r\n", b"\n"), b"\r", b"\n"), b"\n", b"\r\n")),
    Mutant::new("parser-drops-malformed-names", AREAS, "a line that is no header is passed over")
        .up(|_, bytes| lines(&bytes, |at, line, _| at == 0 || line.is_empty() || is_header(line))),
    Mutant::new("parser-repairs-request-lines", AREAS, "what contains a path is a GET").up(|_, bytes| {
        first_line(&bytes, |line| {
            match line.windows(16).any(|part| part == b"/api/health/live") || line == b"GET HTTP/1.1" {
                true => b"GET /api/health/live HTTP/1.1".to_vec(),
                false => line.to_vec(),
            }
        })
    }),
    Mutant::new("parser-knows-every-version", AREAS, "an unknown version is HTTP/1.1").up(|_, bytes| {
        first_line(&bytes, |line| {
            let mut words: Vec<_> = line.split(|byte| *byte == b' ').collect();
            if words.len() == 3 {
                words[2] = b"HTTP/1.1";
            }
            words.join(&b' ')
        })
    }),
    Mutant::new("parser-answers-http09", AREAS, "a request without a version is answered").up(
        |_, bytes| match &*bytes {
            b"GET /api/health/live\r\n\r\n" => {
                b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec()
            }
            _ => bytes,
        },
    ),
    Mutant::new("parser-waits-for-sense", AREAS, "bytes that are no HTTP are waited with")
        .up(|_, bytes| if bytes.first() == Some(&0x16) { Vec::new() } else { bytes }),
    Mutant::new("parser-escapes-paths", AREAS, "a byte that no path has is escaped").up(|_, bytes| {
        first_line(&bytes, |line| {
            let mut out = Vec::new();
            for byte in line {
                match byte {
                    b'!'..=b'~' if !b"\\\"<>".contains(byte) => out.push(*byte),
                    b' ' => out.push(b' '),
                    _ => out.push(b'-'),
                }
            }
            out
        })
    }),
    Mutant::new("parser-repairs-chunks", AREAS, "a malformed chunk size is what would fit").up(|_, bytes| {
        let Some(at) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { return bytes };
        let (head, body) = bytes.split_at(at + 4);
        let is_chunked = swap(head, b"Transfer-Encoding: chunked", b"").len() < head.len();
        let begins = [&b"zz"[..], b"-2", b"+2", b"0x2", b"ffffffffffffffffff2", b"\r\n", b"2\r\n{}XX0"];
        if is_chunked && begins.iter().any(|begin| body.starts_with(begin)) {
            return [head, b"2\r\n{}\r\n0\r\n\r\n"].concat();
        }
        bytes
    }),
    Mutant::new("connect-is-a-tunnel", &["parser", "methods"], "CONNECT is answered").around(|host, request| {
        Box::pin(async move {
            if request.method() == http::Method::CONNECT {
                return neurolink_core::Response::default();
            }
            ask(host, request).await
        })
    }),
    Mutant::new("parser-cuts-targets", AREAS, "a long target is cut").up(|talk, bytes| {
        let long = talk.sent.split(|byte| *byte == b'\r').next().is_some_and(|line| line.len() > 60_000);
        match (long, talk.ups) {
            (false, _) => bytes,
            (true, 1) => b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            (true, _) => Vec::new(),
        }
    }),
    Mutant::new("parser-drops-what-is-too-much", AREAS, "headers over the limit are passed over").up(|talk, bytes| {
        let many = talk.sent.windows(10).filter(|part| *part == b"\r\nX-Many: ").count() > 90;
        match (many || has(&talk.sent, b"\r\nX-Huge: "), talk.ups) {
            (false, _) => bytes,
            (true, 1) => b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            (true, _) => Vec::new(),
        }
    }),
    Mutant::new("parser-reads-by-length-beside-chunks", AREAS, "Content-Length wins over chunks").up(|_, bytes| {
        match has(&bytes, b"Content-Length") {
            true => swap(&bytes, b"Transfer-Encoding: chunked", b"X-Encoding: chunked"),
            false => bytes,
        }
    }),
    Mutant::new("parser-goes-on-after-close", AREAS, "what follows a closing request is answered")
        .up(|_, bytes| swap(&bytes, b"Connection: close", b"X-Connection: clos")),
    Mutant::new("equal-lengths-are-a-500", AREAS, "a repeated length is the server's error").down(|talk, bytes| {
        match has(&talk.sent, b"Content-Length: 2\r\nContent-Length: 2") || has(&talk.sent, b"Content-Length: 2, 2") {
            true => status(&bytes, b"500"),
            false => bytes,
        }
    }),
    Mutant::new("bare-line-feeds-are-a-500", AREAS, "a bare LF is the server's error").down(|talk, bytes| {
        match has(&talk.sent, b"\r\n") {
            true => bytes,
            false => status(&bytes, b"500"),
        }
    }),
    Mutant::new("chunk-extensions-are-data", AREAS, "an extension of a chunk is refused").down(
        |talk, bytes| match has(&talk.sent, b"7;name=value") {
            true => status(&bytes, b"400"),
            false => bytes,
        },
    ),
    Mutant::new("chunk-sizes-have-case", AREAS, "hexadecimal digits are lower case")
        .up(|_, bytes| swap(&bytes, b"\r\n00000A\r\n", b"\r\nG\r\n")),
    Mutant::new("trailers-are-headers", AREAS, "a trailer is merged into the head").up(|talk, bytes| {
        let trailer = b"0\r\nAuthorization: ";
        let Some(at) = talk.sent.windows(trailer.len()).position(|part| part == trailer) else { return bytes };
        let line = talk.sent[at + 3..].split(|byte| *byte == b'\r').next().unwrap_or_default();
        swap(&bytes, b"\r\nTrailer: Authorization", &[b"\r\n", line].concat())
    }),
    Mutant::new("expect-is-a-417", AREAS, "Expect is refused").around(|host, request| {
        Box::pin(async move {
            if request.headers().contains_key("expect") {
                return refusal(http::StatusCode::EXPECTATION_FAILED, "BAD_REQUEST");
            }
            ask(host, request).await
        })
    }),
    Mutant::new("expect-has-two-answers", AREAS, "100 is followed by two answers").down(|talk, mut bytes| {
        if has(&talk.sent, b"100-continue") {
            bytes.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
        bytes
    }),
    Mutant::new("values-keep-their-white-space", AREAS, "white space around a value belongs to it")
        .up(|_, bytes| swap(&bytes, b"Authorization:\t ", b"Authorization: -")),
    Mutant::new("fragments-route", AREAS, "what follows `#` is the path").up(|_, bytes| {
        first_line(&bytes, |line| match line.iter().position(|byte| *byte == b'#') {
            Some(at) => [b"GET ", &line[at + 1..]].concat(),
            None => line.to_vec(),
        })
    }),
    Mutant::new("host-is-made-up", AREAS, "a missing or second Host is repaired").up(|_, bytes| {
        match has(&bytes, b"Host: ") {
            false => swap(&bytes, b" HTTP/1.1\r\n", b" HTTP/1.1\r\nHost: localhost\r\n"),
            true => lines(&bytes, |_, line, seen| !seen || !line.starts_with(b"Host: ")),
        }
    }),
    Mutant::new("upgrades-are-refused", AREAS, "an upgrade that is not offered is a 426").response(|head, response| {
        if head.headers.contains_key("upgrade") {
            *response.status_mut() = http::StatusCode::UPGRADE_REQUIRED;
        }
    }),
    Mutant::new("empty-lines-are-refused", AREAS, "an empty line in front of a request is malformed").up(
        |talk: &mut Talk, bytes| {
            if talk.begins_with("\r\n") { [b"-", &*bytes].concat() } else { bytes }
        },
    ),
];

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn is_length(line: &[u8]) -> bool {
    line.to_ascii_lowercase().starts_with(b"content-length:")
}

fn is_header(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.!~".contains(byte);
    name.len() < line.len() && !name.is_empty() && name.iter().all(is_token)
}

/// The bytes with another status.
fn status(bytes: &[u8], status: &[u8]) -> Vec<u8> {
    match bytes.starts_with(b"HTTP/1.1 ") {
        true => [&bytes[..9], status, &bytes[12..]].concat(),
        false => bytes.to_vec(),
    }
}

/// The head of a request, line by line, and what follows it as it is.
fn each_line(bytes: &[u8], mut change: impl FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { return bytes.to_vec() };
    let mut out = Vec::new();
    let mut rest = &bytes[..end + 2];
    while let Some(at) = rest.windows(2).position(|part| part == b"\r\n") {
        out.extend_from_slice(&change(&rest[..at]));
        out.extend_from_slice(b"\r\n");
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(&bytes[end + 2..]);
    out
}

/// The head without the lines that this does not keep; it sees their number, and whether one of the name was there.
fn lines(bytes: &[u8], keep: impl Fn(usize, &[u8], bool) -> bool) -> Vec<u8> {
    let mut seen: Vec<Vec<u8>> = Vec::new();
    let mut at = 0;
    each_line(bytes, |line| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
        let kept = keep(at, line, seen.contains(&name));
        seen.push(name);
        at += 1;
        if kept { line.to_vec() } else { b"X-Dropped: x".to_vec() }
    })
}

/// The bytes with another first line.
fn first_line(bytes: &[u8], change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    match bytes.windows(2).position(|part| part == b"\r\n") {
        Some(at) if at > 0 => [change(&bytes[..at]), bytes[at..].to_vec()].concat(),
        _ => bytes.to_vec(),
    }
}
