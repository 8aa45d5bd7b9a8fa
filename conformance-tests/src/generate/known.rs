//! Exchanges that are not generated, because a list of divergences tells already how they are answered.

use super::exchange::{Framing, GeneratedExchange, Request};
use crate::Column;

/// What is not generated while a server's list has this entry.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The entry of a `divergences.toml`.
    pub case: &'static str,
    /// Whether an exchange shows what the entry tells.
    pub shows: fn(&GeneratedExchange) -> bool,
}

/// A trailer that is no header line.
pub(super) const BAD_TRAILER: &str = "0\r\nX Y: a\r\n\r\n";
/// More than hyper counts.
pub(super) const LARGEST: &str = "18446744073709551615";

/// All that is left out.
pub const KNOWN: &[Known] = &[
    Known { case: "parser/missing-host-is-400", shows: |it| any(it, |request| request.header("host").count() == 0) },
    Known { case: "parser/second-host-is-400", shows: |it| any(it, |request| request.header("host").count() > 1) },
    Known { case: "parser/connect-is-no-tunnel", shows: |it| any(it, |request| request.method == "CONNECT") },
    Known {
        case: "parser/byte-that-is-not-ascii-in-the-path[utf8]",
        shows: |it| any(it, |request| !request.target.is_ascii()),
    },
    Known {
        case: "parser/content-length-beside-chunks",
        shows: |it| any(it, |request| lengths(request) > 0 && encodings(request) > 0),
    },
    Known { case: "parser/equal-content-lengths", shows: |it| any(it, |request| lengths(request) > 1) },
    Known {
        case: "parser/unknown-transfer-encoding[gzip-chunked]",
        shows: |it| any(it, |request| request.header_has("transfer-encoding", "gzip")),
    },
    Known { case: "parser/unknown-transfer-encoding[twice]", shows: |it| any(it, |request| encodings(request) > 1) },
    Known {
        case: "parser/upgrade-that-is-not-offered-is-ignored[h2c]",
        shows: |it| any(it, |request| request.header_has("connection", "upgrade")),
    },
    Known {
        case: "parser/expect-continue-over-the-limit",
        shows: |it| any(it, |request| request.header_has("expect", "100-continue")),
    },
    Known { case: "parser/nothing-after-close-is-answered", shows: |it| is_followed_by_more(it, Request::closes) },
    Known {
        case: "parser/length-at-the-edge-of-64-bits",
        shows: |it| any(it, |request| request.framing == Framing::Text(LARGEST)),
    },
    Known { case: "parser/nearly-a-hundred-headers", shows: |it| any(it, |request| request.headers.len() > 90) },
    Known { case: "parser/malformed-trailer", shows: |it| any(it, has_malformed_trailer) },
    Known {
        case: "parser/http10-body-without-length",
        shows: |it| {
            any(it, |request| request.method == "POST" && request.version == "HTTP/1.0" && lengths(request) == 0)
        },
    },
    Known {
        case: "parser/upgrade-without-connection-is-ignored",
        shows: |it| any(it, |request| request.header_has("upgrade", "websocket")),
    },
    Known {
        case: "parser/pipelined-head",
        shows: |it| it.is_pipelined() && is_followed(it) && any(it, |request| request.method == "HEAD"),
    },
    Known {
        case: "parser/pipelined-http10",
        shows: |it| it.is_pipelined() && it.requests.iter().skip(1).any(|request| request.version != "HTTP/1.1"),
    },
    Known {
        case: "parser/pipelined-behind-an-http10-stream",
        shows: |it| is_followed_by_more(it, |request| request.version == "HTTP/1.0"),
    },
    Known {
        case: "parser/pipelined-body-behind-an-empty-answer",
        shows: |it| is_followed_by_more(it, |request| request.method == "OPTIONS"),
    },
    Known {
        case: "parser/method-of-unusual-characters",
        shows: |it| {
            let unusual = |bytes: &[u8]| bytes.iter().any(|byte| b"#$%&'".contains(byte));
            // What follows a request may begin the method of the next.
            any(it, |request| {
                unusual(request.method.as_bytes()) || request.has_bytes_behind() && unusual(&request.body)
            })
        },
    },
    Known { case: "mount/escaped-base-path-is-the-hosts-404", shows: |it| any(it, escapes_base_path) },
];

/// The entries that these servers have.
#[must_use]
pub fn of(columns: &[Column<'_>]) -> Vec<Known> {
    let lists: Vec<_> = columns.iter().filter_map(|column| column.divergences).collect();
    let has = |known: &&Known| {
        lists.iter().any(|list| list.divergence.iter().chain(&list.difference).any(|entry| entry.case == known.case))
    };
    KNOWN.iter().filter(has).copied().collect()
}

fn any(exchange: &GeneratedExchange, shows: impl Fn(&Request) -> bool) -> bool {
    exchange.requests.iter().any(shows)
}

fn has_malformed_trailer(request: &Request) -> bool {
    matches!(&request.framing, Framing::Chunked(chunks) if chunks.broken == Some(BAD_TRAILER))
}

/// Whether something is sent behind such a request before its answer: the next request, or bytes that are none.
fn is_followed_by_more(exchange: &GeneratedExchange, is_such: impl Fn(&Request) -> bool) -> bool {
    let last = exchange.requests.len().saturating_sub(1);
    // Behind a last request that does not close another is sent, which does.
    let is_followed = |at: usize, request: &Request| at < last || !request.closes() || request.has_bytes_behind();
    let mut requests = exchange.requests.iter().enumerate();
    exchange.is_pipelined() && requests.any(|(at, request)| is_followed(at, request) && is_such(request))
}

/// Whether more than one request is sent.
fn is_followed(exchange: &GeneratedExchange) -> bool {
    exchange.sendings().iter().map(|sending| sending.asked.len()).sum::<usize>() > 1
}

/// How many lines tell a length.
fn lengths(request: &Request) -> usize {
    let framing = match &request.framing {
        Framing::Length => !request.body.is_empty(),
        Framing::Explicit | Framing::Text(_) | Framing::TooLong(_) => true,
        Framing::Silent | Framing::Chunked(_) => false,
    };
    request.header("content-length").count() + usize::from(framing)
}

/// How many lines tell an encoding.
fn encodings(request: &Request) -> usize {
    request.header("transfer-encoding").count() + usize::from(matches!(request.framing, Framing::Chunked(_)))
}

/// Whether the first segment of the path has an escape in it.
fn escapes_base_path(request: &Request) -> bool {
    let path = request
        .target
        .split_once("://")
        .map_or(request.target.as_str(), |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    path.trim_start_matches('/').split(['/', '?']).next().is_some_and(|segment| segment.contains('%'))
}
