//! What cases write in braces: credentials of the reference configuration, the server's address, and long texts.

use std::net::SocketAddr;

/// Name and text of what every case may use.
const FIXED: &[(&str, &str)] = &[
    ("user-token", "reference-user-token-0123456789abcdef"),
    ("admin-token", "reference-admin-token-0123456789abcdef"),
    ("other-token", "reference-other-token-0123456789abcdef"),
    ("api-key", "reference-api-key-0123456789abcdef"),
    // A request that is hidden in another, and would make the engine work: 186 bytes, in hexadecimal ba.
    (
        "smuggled",
        r#"POST /api/agent/execute HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer reference-user-token-0123456789abcdef\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"input":"smuggled"}"#,
    ),
    (
        "jwt-valid",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.-97z5zS0eo6TZPF_naSKx7Qu7JavmlKvHkN-AuNNICc",
    ),
    (
        "jwt-k1",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJrMSIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.lGqK6F_7qvAWQZ28wt-WPhtcDeEkheGlc_9J4JHZm4o",
    ),
    (
        "jwt-admin",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtYWRtaW4iLCJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoibmV1cm9saW5rIiwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbImFkbWluIl19.NsEyjhivpBXY2X-f0AqhOYNd_MgvihwqqWfFz5wl8_A",
    ),
    (
        "jwt-aud-list",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOlsib3RoZXIiLCJuZXVyb2xpbmsiXSwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbInVzZXIiXX0.GQtprlpfBKIIpzYRDGxGVx4iRFSxJMh8mlcxXAPXx2U",
    ),
    (
        "jwt-expired",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjE3MDAwMDAwMDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.KjJJajFIA2_L32XWM6rDaXCH4j309gaZ-D7YCaNlnVE",
    ),
    (
        "jwt-not-yet",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdLCJuYmYiOjQxMDI0NDQ3OTl9.dvtlzK395kJz0QdtBNnlW54WQPta_6IMNy54XPgrmTY",
    ),
    (
        "jwt-wrong-issuer",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vZXZpbC5leGFtcGxlIiwiYXVkIjoibmV1cm9saW5rIiwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbInVzZXIiXX0.SGd4ma_19w3xIaP6RkVhftvdlLKpRQNqudYPCFrEpEo",
    ),
    (
        "jwt-wrong-audience",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJzb21lYm9keS1lbHNlIiwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbInVzZXIiXX0.qzCQtzzva8aQtNzHGYtK-9zGgoMu7qCrfxdq4d4Fw1c",
    ),
    (
        "jwt-no-issuer",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImF1ZCI6Im5ldXJvbGluayIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwMDAwMDAwLCJyb2xlcyI6WyJ1c2VyIl19.QAvxr0vNxfyWgC4xbQnN1gncF4_NhHHiXzqOYentLII",
    ),
    (
        "jwt-no-audience",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.V4oQCy4vvYPZCBOxoQfN57TKhKAda8n1aCa-NBHwDWo",
    ),
    (
        "jwt-no-expiry",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbInVzZXIiXX0.bZ0sxaSW2_pCF2NEp_1k0x8yHvc9IRGvFRz7nBFsuXc",
    ),
    (
        "jwt-no-subject",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoibmV1cm9saW5rIiwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbInVzZXIiXX0.cCJ6XjzJ1jR0z0IhUP9DufUsgEmtLea7Uic1MNgBB3g",
    ),
    (
        "jwt-alg-none",
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.",
    ),
    (
        "jwt-alg-none-signed",
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.-97z5zS0eo6TZPF_naSKx7Qu7JavmlKvHkN-AuNNICc",
    ),
    (
        "jwt-hs512",
        "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.820YeS0YSGLAzIaXfVWP7-U6p_AcXBpC3j3EpN4IH4J-AHIYZMRuhwJoJfFGDWfwGDfzK-8_igC2pJHEzaJIYg",
    ),
    (
        "jwt-hs384",
        "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.sQLl4KHB9CBoFY6snCJjqS17_C_JYWhFrbmo_2X2t8maGSukbPFUND9M0LmdcVTK",
    ),
    (
        "jwt-other-secret",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.36-Dt7GUiN3orW_HwbvjfEaKCaEXMID3KSLxsmLbrOM",
    ),
    (
        "jwt-tampered",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJyb290IiwiaXNzIjoiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsImF1ZCI6Im5ldXJvbGluayIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwMDAwMDAwLCJyb2xlcyI6WyJhZG1pbiJdfQ.-97z5zS0eo6TZPF_naSKx7Qu7JavmlKvHkN-AuNNICc",
    ),
    (
        "jwt-crit",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImNyaXQiOlsieC11bmtub3duIl0sIngtdW5rbm93biI6dHJ1ZX0.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.V1MAL1aO9it85WtAtX1rnPmlMH9XV4-d96krtiMueqI",
    ),
    (
        "jwt-exp-year-10000",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjI1MzQwMjMwMDgwMCwiaWF0IjoxNzAwMDAwMDAwLCJyb2xlcyI6WyJ1c2VyIl19.4mCDoRpP4f3WQBBCYLJo-UXYkIEv725MblNxy7Z2CE4",
    ),
    (
        "jwt-exp-milliseconds",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAwMDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.BA53pOrqTSZu5oO3m8u6iIAarzpYq2_uZl1lR8JOuVQ",
    ),
    (
        "jwt-exp-2-to-64",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjE4NDQ2NzQ0MDczNzA5NTUxNjE2LCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbInVzZXIiXX0.Nl4U7pqLfizQziwlEdVRmhKki3-e826v3hQU6KvPhhY",
    ),
    (
        "jwt-exp-1e300",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjFlMzAwLCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbInVzZXIiXX0.G-PoDW-nW_cFVDaNYnZy032f1F2ONtdJawOzrkFMLYc",
    ),
    (
        "jwt-iat-future",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6NDEwMjQ0NDc5OSwicm9sZXMiOlsidXNlciJdfQ.xLRRlCypigpwRj-UvRj4VKsw8CT0qnPxuLT74rSUZfw",
    ),
    (
        "jwt-iat-text",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6IjE3MDAwMDAwMDAiLCJyb2xlcyI6WyJ1c2VyIl19.tKpQGv_s_7EPXHKDPfBzON73j3BGS0qkYfd0hI8pIcI",
    ),
    (
        "jwt-sub-blank",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIgIiwiaXNzIjoiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsImF1ZCI6Im5ldXJvbGluayIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwMDAwMDAwLCJyb2xlcyI6WyJ1c2VyIl19.cQAIIPguChL_vH4OlRUEin5zBKJFLeRhOSkgHacbzGI",
    ),
    (
        "jwt-sub-line",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlclxuYWRtaW4iLCJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoibmV1cm9saW5rIiwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3MDAwMDAwMDAsInJvbGVzIjpbInVzZXIiXX0.XXEsT7iMLlx9I7_Kz1a4ko-A5KiPqIbshB4BFRTZudk",
    ),
    (
        "jwt-sub-bidi",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlclx1MjAyZWFkbWluIiwiaXNzIjoiaHR0cHM6Ly9pc3N1ZXIuZXhhbXBsZSIsImF1ZCI6Im5ldXJvbGluayIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxNzAwMDAwMDAwLCJyb2xlcyI6WyJ1c2VyIl19._-hZNsL8mwUdTSv4cVlQOUvNW7tKSyCxfLg2A9qdNI8",
    ),
    (
        "jwt-sub-long",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dSIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ.g7ow9Ls8YTdlz_a9QBOxA-aURKElKPfBvQRdCekrvqI",
    ),
    (
        "jwt-truncated",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJqd3QtdXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJuZXVyb2xpbmsiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwicm9sZXMiOlsidXNlciJdfQ",
    ),
];

/// Fills the placeholders of a text: `{user-token}`, `{host}`, `{port}`, `{repeat:65:[}` and so on.
///
/// What is no placeholder stays as it is.
pub(crate) fn fill(text: &str, addr: SocketAddr) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let known = rest.find('}').and_then(|end| Some((end, value(&rest[1..end], addr)?)));
        match known {
            Some((end, value)) => {
                out.push_str(&value);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// What a placeholder that is the same for every server stands for.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    FIXED.iter().find(|(key, _)| *key == name).map(|(_, text)| *text)
}

fn value(name: &str, addr: SocketAddr) -> Option<String> {
    if let Some(text) = named(name) {
        return Some(text.to_owned());
    }
    match name {
        // A server knows an address of IPv4 by no other spelling.
        "host" => Some(SocketAddr::new(addr.ip().to_canonical(), addr.port()).to_string()),
        "port" => Some(addr.port().to_string()),
        _ => {
            if let Some(name) = name.strip_prefix("token:") {
                return crate::tokens::token(name).map(|token| fill(token, addr));
            }
            let (count, text) = name.strip_prefix("repeat:")?.split_once(':')?;
            Some(text.repeat(count.parse().ok()?))
        }
    }
}

/// The bytes of a text with the escapes `\r`, `\n`, `\t`, `\\` and `\xNN`.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    // What is no escape is most of it, and is copied in runs.
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let (byte, used) = escape(&rest.as_bytes()[at..]);
        out.push(byte);
        rest = &rest[at + used..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// The byte of what begins with a backslash, and how many of it stand for it: itself, if it is no escape.
fn escape(bytes: &[u8]) -> (u8, usize) {
    match bytes.get(1) {
        Some(b'r') => (b'\r', 2),
        Some(b'n') => (b'\n', 2),
        Some(b't') => (b'\t', 2),
        Some(b'\\') => (b'\\', 2),
        Some(b'x') => hex(bytes.get(2..4)).map_or((b'\\', 1), |byte| (byte, 4)),
        _ => (b'\\', 1),
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let addr = "127.0.0.1:80".parse().unwrap();
        assert_eq!(fill("{host} {port}", addr), "127.0.0.1:80 80");
        assert_eq!(fill("{repeat:3:[}x", addr), "[[[x");
        assert_eq!(fill(r#"{"a":{"b":"{user-token}"}}"#, addr).matches('}').count(), 2);
        assert_eq!(fill("{id} {", addr), "{id} {");
    }

    #[test]
    fn the_smuggled_request_is_as_long_as_the_cases_say() {
        let bytes = unescape(&fill("{smuggled}", "127.0.0.1:80".parse().unwrap()));
        assert_eq!(bytes.len(), 186);
        assert!(String::from_utf8_lossy(&bytes).contains(&fill("{user-token}", "127.0.0.1:80".parse().unwrap())));
    }

    #[test]
    fn escapes_become_bytes() {
        assert_eq!(unescape(r"a\r\n\x00\xff\\ \q"), b"a\r\n\x00\xff\\ \\q");
    }
}
