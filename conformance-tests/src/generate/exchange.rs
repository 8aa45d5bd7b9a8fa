//! What is sent: requests as values, and the bytes they become.

use std::borrow::Cow;

use crate::parse::Asked;

/// A body above this may arrive in pieces, however it is sent.
const LARGE: usize = 8 * 1024;

/// Requests on one connection.
#[derive(Clone, Debug)]
pub struct GeneratedExchange {
    /// The requests, in order; at least one.
    pub requests: Vec<Request>,
    /// Whether all are sent at once, or each after the answer to the one before.
    pub pipelined: bool,
    /// Where the bytes of a sending are split, in thousandths of it.
    pub splits: Vec<u16>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The target of the request line.
    pub target: String,
    /// The version of the request line.
    pub version: &'static str,
    /// The header lines; `Content-Length` and `Transfer-Encoding` of the framing are not among them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// How the end of the body is told.
    pub framing: Framing,
}

/// How the end of a request's body is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By its length; an empty body says nothing.
    Length,
    /// By its length, and an empty body says 0.
    Explicit,
    /// By nothing.
    Silent,
    /// By this text as its length.
    Text(&'static str),
    /// By a length that is this much more than what comes.
    TooLong(u8),
    /// By chunks.
    Chunked(Chunks),
}

/// How a body is cut into chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunks {
    /// The sizes of the chunks; the last takes what is left.
    pub sizes: Vec<u8>,
    /// Stands after each size.
    pub extension: &'static str,
    /// Stands after the last chunk.
    pub trailer: &'static str,
    /// Stands in place of the last chunk, if there is something.
    pub broken: Option<&'static str>,
}

impl Request {
    /// The values of a header, in order; the name in any case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    /// Whether one of a header's values has this text in it, in any case.
    #[must_use]
    pub fn header_has(&self, name: &str, text: &str) -> bool {
        self.header(name).any(|value| String::from_utf8_lossy(value).to_ascii_lowercase().contains(text))
    }

    /// Whether the connection ends after it.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.header_has("connection", "close")
            || (self.version != "HTTP/1.1" && !self.header_has("connection", "keep-alive"))
    }

    /// Whether its body never ends, so that only the end of the connection ends it.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        match &self.framing {
            Framing::TooLong(more) => *more > 0,
            Framing::Text(text) => text.trim().parse().is_ok_and(|length: u64| length > self.body.len() as u64),
            Framing::Chunked(chunks) => chunks.broken.is_some_and(|text| ["", "0\r\n"].contains(&text)),
            _ => false,
        }
    }

    /// Whether bytes follow that are no part of it.
    #[must_use]
    pub fn has_bytes_behind(&self) -> bool {
        let length = self.body.len() as u64;
        match &self.framing {
            Framing::Silent => length > 0,
            Framing::Text(text) => text.trim().parse().is_ok_and(|told: u64| told < length),
            _ => false,
        }
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} {}\r\n", self.method, self.target, self.version).into_bytes();
        for (name, value) in &self.headers {
            line(&mut out, name, value);
        }
        let length = self.body.len();
        match &self.framing {
            Framing::Length if length == 0 => {}
            Framing::Silent => {}
            Framing::Length | Framing::Explicit => line(&mut out, "Content-Length", length.to_string().as_bytes()),
            Framing::Text(text) => line(&mut out, "Content-Length", text.as_bytes()),
            Framing::TooLong(more) => {
                line(&mut out, "Content-Length", (length + usize::from(*more)).to_string().as_bytes());
            }
            Framing::Chunked(_) => line(&mut out, "Transfer-Encoding", b"chunked"),
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body_bytes());
        out
    }

    /// The bytes behind the head.
    fn body_bytes(&self) -> Cow<'_, [u8]> {
        match &self.framing {
            Framing::Chunked(chunks) => {
                let mut out = Vec::new();
                chunks.write(&self.body, &mut out);
                out.into()
            }
            _ => (&*self.body).into(),
        }
    }
}

impl Chunks {
    fn write(&self, body: &[u8], out: &mut Vec<u8>) {
        let mut rest = body;
        for size in &self.sizes {
            let (piece, after) = rest.split_at(rest.len().min(usize::from(*size)));
            self.chunk(piece, out);
            rest = after;
        }
        self.chunk(rest, out);
        match self.broken {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => out.extend_from_slice(format!("0{}\r\n{}\r\n", self.extension, self.trailer).as_bytes()),
        }
    }

    fn chunk(&self, piece: &[u8], out: &mut Vec<u8>) {
        if !piece.is_empty() {
            out.extend_from_slice(format!("{:x}{}\r\n", piece.len(), self.extension).as_bytes());
            out.extend_from_slice(piece);
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// What is sent before the client reads.
#[derive(Clone, Debug)]
pub struct Sending {
    /// The bytes, in the pieces they are sent in.
    pub pieces: Vec<Vec<u8>>,
    /// What the parser of the answers has to know of each request.
    pub asked: Vec<Asked>,
    /// Whether each request's body arrives in pieces, so that some of it may be late.
    pub in_pieces: Vec<bool>,
}

impl GeneratedExchange {
    /// What is sent before each reading.
    ///
    /// Unless the last request closes the connection, another one follows that does: it shows that the server
    /// has found the end of the one before. Nothing follows a body without an end.
    #[must_use]
    pub fn sendings(&self) -> Vec<Sending> {
        let count = self.requests.iter().position(Request::is_cut).map_or(self.requests.len(), |at| at + 1);
        let sent = &self.requests[..count];
        let ending = sent.last().is_some_and(|last| !last.closes() && !last.is_cut()).then(last_request);
        let requests: Vec<&Request> = sent.iter().chain(&ending).collect();
        let groups = if self.is_pipelined() { vec![requests] } else { requests.chunks(1).map(<[_]>::to_vec).collect() };
        groups.iter().map(|group| self.sending(group)).collect()
    }

    fn sending(&self, requests: &[&Request]) -> Sending {
        let bytes: Vec<u8> = requests.iter().flat_map(|request| request.bytes()).collect();
        let mut at: Vec<usize> = self.splits.iter().map(|split| bytes.len() * usize::from(*split) / 1000).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        at.dedup();
        let pieces = at.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect();
        let mut end = 0;
        let in_pieces = requests.iter().map(|request| {
            end += request.bytes().len();
            let body = end - request.body_bytes().len();
            at.iter().any(|split| (body..end).contains(split)) || end - body > LARGE
        });
        let in_pieces = in_pieces.collect();
        let asked = requests
            .iter()
            .map(|request| Asked { method: request.method.clone(), http10: request.version == "HTTP/1.0" })
            .collect();
        Sending { pieces, asked, in_pieces }
    }

    /// Whether all requests are sent at once, which they are too when nobody can tell how many answers to wait for.
    #[must_use]
    pub fn is_pipelined(&self) -> bool {
        self.pipelined || self.requests.iter().any(Request::has_bytes_behind)
    }

    /// Whether the client has to close its half, because a body has no end.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.requests.iter().any(Request::is_cut)
    }
}

/// Ends a connection.
fn last_request() -> Request {
    Request {
        method: "GET".into(),
        target: "/api/test/params/last".into(),
        version: "HTTP/1.1",
        headers: vec![("Host".into(), b"localhost".to_vec()), ("Connection".into(), b"close".to_vec())],
        body: Vec::new(),
        framing: Framing::Length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(chunks: Chunks) -> String {
        let framing = Framing::Chunked(chunks);
        let request = Request { body: b"abcdef".to_vec(), framing, ..last_request() };
        let bytes = String::from_utf8(request.bytes()).unwrap();
        bytes.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    #[test]
    fn a_body_is_cut_into_chunks() {
        let plain = Chunks { sizes: vec![1, 0, 2], ..Chunks::default() };
        assert_eq!(chunked(plain), "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n");
        let full = Chunks { extension: ";x", trailer: "A: b\r\n", ..Chunks::default() };
        assert_eq!(chunked(full), "6;x\r\nabcdef\r\n0;x\r\nA: b\r\n\r\n");
        let broken = Chunks { broken: Some("zz\r\n"), ..Chunks::default() };
        assert_eq!(chunked(broken), "6\r\nabcdef\r\nzz\r\n");
    }

    #[test]
    fn pieces_are_the_whole_and_a_closing_request_follows() {
        let open = Request { headers: vec![("Host".into(), b"localhost".to_vec())], ..last_request() };
        let exchange = GeneratedExchange { requests: vec![open.clone()], pipelined: true, splits: vec![500, 0, 500] };
        let sendings = exchange.sendings();
        assert_eq!(sendings.len(), 1);
        assert_eq!(sendings[0].pieces.len(), 2);
        assert_eq!(sendings[0].pieces.concat(), [open.bytes(), last_request().bytes()].concat());
        let closed = GeneratedExchange { requests: vec![last_request()], pipelined: false, splits: vec![] };
        assert_eq!(closed.sendings().len(), 1);
        assert_eq!(closed.sendings()[0].asked.len(), 1);
    }
}
