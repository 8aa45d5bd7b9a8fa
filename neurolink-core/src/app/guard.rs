//! What is wrong with a request's head is decided here, and answered by the onion.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::host::HostLine;
use super::table::Shared;
use super::{Context, path};
use crate::{Code, Error};

/// Headers that mean something only once, beside those that hold a credential.
pub(super) const SINGLE: [HeaderName; 7] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    header::HOST,
    header::ORIGIN,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::SEC_WEBSOCKET_KEY,
];

/// Checks the head and finds the canonical path, which is `None` when it is the raw one.
pub(crate) fn check(shared: &Shared, ctx: &Context) -> Result<Option<Box<str>>, Error> {
    let uri = ctx.uri();
    let headers = ctx.headers();
    let limits = &shared.settings.limits;
    let target_len = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target_len > limits.uri {
        return Err(Error::new(Code::UriTooLong));
    }
    let seen = Seen::of(headers);
    if headers.len() > limits.header_count || seen.bytes > limits.header_bytes {
        return Err(Error::new(Code::HeadersTooLarge));
    }
    repeated(headers, &shared.single)?;
    if seen.encoded {
        encoding(headers)?;
    }
    shared.hosts.check(uri, seen.host, ctx.parts.version, ctx.conn(), ctx.forwarded_host())?;
    let raw = uri.path();
    if raw == "*" && ctx.method() == Method::OPTIONS {
        return Ok(None);
    }
    let canonical = path::canonical(raw).map_err(Error::bad_request)?;
    if ctx.is_native() && !canonical.normal {
        // The host's router reads the raw path: what it would read otherwise than we do does not pass.
        return Err(Error::bad_request("The path is not in normal form; send it as the server writes it"));
    }
    Ok(match canonical.path {
        std::borrow::Cow::Borrowed(_) => None,
        std::borrow::Cow::Owned(path) => Some(path.into()),
    })
}

/// What all requests are asked for, found in one pass.
struct Seen<'a> {
    bytes: usize,
    host: HostLine<'a>,
    /// Whether there is a `Transfer-Encoding`.
    encoded: bool,
}

impl<'a> Seen<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut seen = Self { bytes: 0, host: HostLine::Missing, encoded: false };
        for (name, value) in headers {
            seen.bytes += name.as_str().len() + value.len();
            if *name == header::HOST {
                seen.host = seen.host.and(value);
            }
            seen.encoded |= *name == header::TRANSFER_ENCODING;
        }
        seen
    }
}

/// Whoever reads the encoding otherwise finds the end of the body elsewhere, so nothing after it is read.
fn encoding(headers: &HeaderMap) -> Result<(), Error> {
    let mut lines = headers.get_all(header::TRANSFER_ENCODING).iter();
    let line = lines.next().map_or(&b""[..], HeaderValue::as_bytes);
    if lines.next().is_none() && line.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    Err(Error::bad_request("Only `chunked` is accepted as Transfer-Encoding, once")
        .with_header(header::CONNECTION, HeaderValue::from_static("close")))
}

fn repeated(headers: &HeaderMap, single: &[HeaderName]) -> Result<(), Error> {
    if headers.len() == headers.keys_len() {
        return Ok(()); // no name is there twice
    }
    for name in single {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(Error::bad_request(format!("The header `{name}` is there more than once")));
        }
    }
    Ok(())
}
