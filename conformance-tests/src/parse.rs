//! A strict reader of HTTP/1 responses (RFC 9112): what is malformed is told, never repaired.

use thiserror::Error;

/// Bytes of a response head that are read before it counts as malformed.
const HEAD_LIMIT: usize = 64 * 1024;

/// One response as it came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawResponse {
    /// The 1xx responses in front of this one: status and headers.
    pub informational: Vec<(u16, Headers)>,
    /// `1` for HTTP/1.1, `0` for HTTP/1.0.
    pub minor_version: u8,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The headers in the order and the spelling they came in, duplicates included.
    pub headers: Headers,
    /// The trailers of a chunked body.
    pub trailers: Headers,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// How the end of the body was told.
    pub framing: Framing,
}

/// Header lines: name as sent, value without surrounding white space.
pub type Headers = Vec<(String, Vec<u8>)>;

/// How the end of a body was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body by definition: HEAD, 1xx, 204, 304.
    None,
    /// By `Content-Length`.
    Length,
    /// By chunks.
    Chunked,
    /// By the end of the connection.
    Close,
}

/// What the parser has to know of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The request's method: HEAD decides about the body.
    pub method: String,
    /// Whether the request was HTTP/1.0, which must not be answered in chunks.
    pub http10: bool,
}

impl Asked {
    /// An HTTP/1.1 request of this method.
    #[must_use]
    pub fn method(method: &str) -> Self {
        Self { method: method.to_owned(), http10: false }
    }
}

/// What is wrong with the bytes of a response.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    /// The first line is no status line.
    #[error("malformed status line: {0:?}")]
    StatusLine(String),
    /// A header or trailer line is malformed.
    #[error("malformed header line: {0:?}")]
    HeaderLine(String),
    /// The head is longer than 64 KiB.
    #[error("the response head is longer than 64 KiB")]
    HeadTooLong,
    /// The length of the body is told wrongly or in two ways.
    #[error("the framing is wrong: {0}")]
    Framing(String),
    /// A chunk is malformed.
    #[error("malformed chunk: {0}")]
    Chunk(String),
    /// The connection ended inside a response.
    #[error("the connection ended inside the {0}")]
    Truncated(&'static str),
}

impl RawResponse {
    /// The values of a header, in order; the name in any case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        values(&self.headers, name)
    }

    /// The first value of a header as text.
    #[must_use]
    pub fn header_text(&self, name: &str) -> Option<String> {
        self.header(name).next().map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn values<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
}

/// Reads the first response in `bytes`: it and the number of bytes it took, or `None` while it is not whole.
///
/// `ended` says that no more bytes will come.
///
/// # Errors
/// What is malformed.
pub fn parse(bytes: &[u8], ended: bool, asked: &Asked) -> Result<Option<(RawResponse, usize)>, ParseError> {
    let mut informational = Vec::new();
    let mut at = 0;
    let (minor_version, status, reason, headers) = loop {
        let Some((head, used)) = head(&bytes[at..], ended)? else { return Ok(None) };
        at += used;
        if (100..200).contains(&head.1) && head.1 != 101 {
            no_body_headers(head.1, &head.3)?;
            informational.push((head.1, head.3));
        } else {
            break head;
        }
    };
    let mut response = RawResponse {
        informational,
        minor_version,
        status,
        reason,
        headers,
        trailers: Vec::new(),
        body: Vec::new(),
        framing: Framing::None,
    };
    let length = content_length(&response.headers)?;
    let chunked = transfer_encoding(&response)?;
    if chunked && length.is_some() {
        return Err(ParseError::Framing("Content-Length beside Transfer-Encoding".into()));
    }
    if chunked && asked.http10 {
        return Err(ParseError::Framing("chunks in the answer to an HTTP/1.0 request".into()));
    }
    if status == 204 || status == 101 {
        no_body_headers(status, &response.headers)?;
    }
    if asked.method == "HEAD" || matches!(status, 101 | 204 | 304) {
        return Ok(Some((response, at)));
    }
    let rest = &bytes[at..];
    if chunked {
        let Some(used) = chunks(rest, ended, &mut response)? else { return Ok(None) };
        response.framing = Framing::Chunked;
        return Ok(Some((response, at + used)));
    }
    if let Some(length) = length {
        response.framing = Framing::Length;
        if rest.len() < length {
            return if ended { Err(ParseError::Truncated("body")) } else { Ok(None) };
        }
        rest[..length].clone_into(&mut response.body);
        return Ok(Some((response, at + length)));
    }
    if !ended {
        return Ok(None);
    }
    response.framing = Framing::Close;
    rest.clone_into(&mut response.body);
    Ok(Some((response, bytes.len())))
}

type Head = (u8, u16, String, Headers);

fn head(bytes: &[u8], ended: bool) -> Result<Option<(Head, usize)>, ParseError> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        // A first line that cannot become a status line is told at once, not after a timeout.
        let prefix = &b"HTTP/1."[..bytes.len().min(7)];
        if !bytes.starts_with(prefix) {
            return Err(ParseError::StatusLine(shown(bytes)));
        }
        if bytes.len() > HEAD_LIMIT {
            return Err(ParseError::HeadTooLong);
        }
        return if ended { Err(ParseError::Truncated("head")) } else { Ok(None) };
    };
    let mut lines = split_lines(&bytes[..end]);
    let (minor, status, reason) = status_line(lines.next().unwrap_or_default())?;
    let headers = lines.map(header_line).collect::<Result<_, _>>()?;
    Ok(Some(((minor, status, reason, headers), end + 4)))
}

fn split_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let bytes = rest?;
        match find(bytes, b"\r\n") {
            Some(at) => {
                rest = Some(&bytes[at + 2..]);
                Some(&bytes[..at])
            }
            None => {
                rest = None;
                Some(bytes)
            }
        }
    })
}

fn status_line(line: &[u8]) -> Result<(u8, u16, String), ParseError> {
    let wrong = || ParseError::StatusLine(shown(line));
    let minor = match line.get(..9) {
        Some(b"HTTP/1.1 ") => 1,
        Some(b"HTTP/1.0 ") => 0,
        _ => return Err(wrong()),
    };
    let digits = line.get(9..12).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let status = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let status = status.filter(|status| (100..600).contains(status)).ok_or_else(wrong)?;
    let reason = line.get(12..).and_then(|rest| rest.strip_prefix(b" ")).ok_or_else(wrong)?;
    if !reason.iter().all(|byte| is_value(*byte)) {
        return Err(wrong());
    }
    Ok((minor, status, String::from_utf8_lossy(reason).into_owned()))
}

fn header_line(line: &[u8]) -> Result<(String, Vec<u8>), ParseError> {
    let wrong = || ParseError::HeaderLine(shown(line));
    let colon = line.iter().position(|byte| *byte == b':').ok_or_else(wrong)?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err(wrong());
    }
    if !value.iter().all(|byte| is_value(*byte)) {
        return Err(wrong());
    }
    Ok((String::from_utf8_lossy(name).into_owned(), value.to_vec()))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

const fn is_value(byte: u8) -> bool {
    byte == b'\t' || byte == b' ' || (byte > b' ' && byte != 0x7f)
}

fn content_length(headers: &Headers) -> Result<Option<usize>, ParseError> {
    let mut found = values(headers, "content-length");
    let Some(value) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(ParseError::Framing("Content-Length more than once".into()));
    }
    let text = std::str::from_utf8(value).unwrap_or_default();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseError::Framing(format!("Content-Length is {:?}", shown(value))));
    }
    text.parse().map(Some).map_err(|_| ParseError::Framing(format!("Content-Length is {text}")))
}

fn transfer_encoding(response: &RawResponse) -> Result<bool, ParseError> {
    let found: Vec<_> = response.header("transfer-encoding").collect();
    match found.as_slice() {
        [] => Ok(false),
        [one] if one.eq_ignore_ascii_case(b"chunked") && response.minor_version == 1 => Ok(true),
        [one, ..] => Err(ParseError::Framing(format!("Transfer-Encoding is {:?}", shown(one)))),
    }
}

fn no_body_headers(status: u16, headers: &Headers) -> Result<(), ParseError> {
    for name in ["content-length", "transfer-encoding"] {
        if values(headers, name).next().is_some() {
            return Err(ParseError::Framing(format!("{name} on a {status} (RFC 9110 8.6)")));
        }
    }
    Ok(())
}

fn chunks(bytes: &[u8], ended: bool, response: &mut RawResponse) -> Result<Option<usize>, ParseError> {
    let partial = || if ended { Err(ParseError::Truncated("chunked body")) } else { Ok(None) };
    let mut at = 0;
    loop {
        let Some(line_end) = find(&bytes[at..], b"\r\n") else {
            return if bytes.len() - at > 1024 {
                Err(ParseError::Chunk("the size line does not end".into()))
            } else {
                partial()
            };
        };
        let line = &bytes[at..at + line_end];
        at += line_end + 2;
        let size = chunk_size(line)?;
        if size == 0 {
            break;
        }
        let end = at.saturating_add(size);
        if bytes.len() < end.saturating_add(2) {
            return partial();
        }
        response.body.extend_from_slice(&bytes[at..end]);
        if &bytes[end..end + 2] != b"\r\n" {
            return Err(ParseError::Chunk("no line end after the data".into()));
        }
        at = end + 2;
    }
    loop {
        let Some(line_end) = find(&bytes[at..], b"\r\n") else { return partial() };
        let line = &bytes[at..at + line_end];
        at += line_end + 2;
        if line.is_empty() {
            return Ok(Some(at));
        }
        response.trailers.push(header_line(line)?);
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, ParseError> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let text = std::str::from_utf8(digits).unwrap_or_default();
    let valid = !text.is_empty() && text.len() <= 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    valid
        .then(|| usize::from_str_radix(text, 16).ok())
        .flatten()
        .ok_or_else(|| ParseError::Chunk(format!("size line {:?}", shown(line))))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(120)];
    String::from_utf8_lossy(cut).into_owned()
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
