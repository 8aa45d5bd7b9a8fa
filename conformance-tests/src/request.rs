//! The bytes of a request.

use std::net::SocketAddr;

use crate::case::RequestSpec;
use crate::parse::Asked;
use crate::placeholders::{fill, unescape};

/// A request ready to send.
#[derive(Clone, Debug)]
pub(crate) struct Bytes {
    pub(crate) bytes: Vec<u8>,
    pub(crate) asked: Asked,
    /// Whether the server has to close afterwards.
    pub(crate) closes: bool,
}

/// Writes a request; `last` says that none follows on its connection.
pub(crate) fn build(spec: &RequestSpec, addr: SocketAddr, last: bool) -> Bytes {
    if let Some(raw) = &spec.raw {
        let bytes = unescape(&fill(raw, addr));
        let method = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
        let method = String::from_utf8_lossy(method).into_owned();
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        let http10 = line.ends_with(b"HTTP/1.0");
        return Bytes { asked: Asked { method, http10 }, bytes, closes: false };
    }
    let method = spec.method.as_deref().unwrap_or("GET");
    let version = spec.version.as_deref().unwrap_or("1.1");
    let mut head = Head { addr, text: Vec::new() };
    let path = fill(spec.path.as_deref().unwrap_or("/"), addr);
    head.text.extend_from_slice(method.as_bytes());
    head.text.push(b' ');
    head.text.extend_from_slice(&unescape(&path));
    head.text.extend_from_slice(format!(" HTTP/{version}\r\n").as_bytes());
    let has = |name: &str| spec.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    match spec.host.as_deref() {
        Some("") => {}
        Some(host) => head.line("Host", host),
        None if has("host") => {}
        None => head.line("Host", "127.0.0.1:{port}"),
    }
    let closes = last && !spec.keep_alive && !has("connection");
    if closes && version == "1.1" {
        head.line("Connection", "close");
    }
    match spec.user.as_deref() {
        Some("key") => head.line("X-API-Key", "{api-key}"),
        Some(user) => head.line("Authorization", &format!("Bearer {{{user}-token}}")),
        None => {}
    }
    for (name, value) in spec.headers.iter() {
        head.line(name, value);
    }
    let mut body = spec.body.as_ref().map(|body| unescape(&fill(body, addr)));
    if let Some(json) = &spec.body_json {
        if !has("content-type") {
            head.line("Content-Type", "application/json");
        }
        body = Some(fill(&json.to_string(), addr).into_bytes());
    }
    if let Some(chunks) = &spec.chunked {
        head.line("Transfer-Encoding", "chunked");
        body = Some(chunked(chunks, addr));
    } else if !has("content-length") && !has("transfer-encoding") {
        match &body {
            Some(body) => head.line("Content-Length", &body.len().to_string()),
            None if matches!(method, "POST" | "PUT" | "PATCH") => head.line("Content-Length", "0"),
            None => {}
        }
    }
    head.text.extend_from_slice(b"\r\n");
    head.text.extend_from_slice(&body.unwrap_or_default());
    let asked = Asked { method: method.to_owned(), http10: version == "1.0" };
    Bytes { bytes: head.text, asked, closes }
}

struct Head {
    addr: SocketAddr,
    text: Vec<u8>,
}

impl Head {
    fn line(&mut self, name: &str, value: &str) {
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b": ");
        self.text.extend_from_slice(&unescape(&fill(value, self.addr)));
        self.text.extend_from_slice(b"\r\n");
    }
}

fn chunked(chunks: &[String], addr: SocketAddr) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in chunks {
        let chunk = unescape(&fill(chunk, addr));
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(&chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_its_defaults_and_a_raw_one_has_none() {
        let addr = "127.0.0.1:80".parse().unwrap();
        let spec: RequestSpec = toml::from_str(
            "method = 'POST'\npath = '/a'\nas = 'user'\nbody_json = { a = 1 }\nheaders = [['X', '1'], ['X', '2']]",
        )
        .unwrap();
        let text = String::from_utf8(build(&spec, addr, true).bytes).unwrap();
        assert_eq!(
            text,
            "POST /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: close\r\n\
             Authorization: Bearer reference-user-token-0123456789abcdef\r\nX: 1\r\nX: 2\r\n\
             Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
        );
        let spec: RequestSpec = toml::from_str(r"raw = 'HEAD / HTTP/1.0\r\n\r\n'").unwrap();
        let raw = build(&spec, addr, true);
        assert_eq!(raw.bytes, b"HEAD / HTTP/1.0\r\n\r\n");
        assert_eq!(raw.asked, Asked { method: "HEAD".into(), http10: true });
    }

    #[test]
    fn chunks_are_framed() {
        let addr = "127.0.0.1:80".parse().unwrap();
        assert_eq!(chunked(&["ab".into(), "{repeat:16:c}".into()], addr).len(), 7 + 22 + 5);
    }
}
