use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use futures_core::Stream as _;
use http::{HeaderMap, header};

use super::Part;
use super::disposition::Disposition;
use super::gate::{Gate, Gated};
use crate::extract::{FromContext, Needs};
use crate::http::{BodyFault, Fault, Media, SharedReservation, unreadable};
use crate::{Context, Error, Limits};

/// A form in parts (`multipart/form-data`, RFC 7578), read part by part as it comes: for files, and whatever is sent
/// along with them.
///
/// Another content type is 415, and what is no such form 400. A form has at most
/// [`Limits::multipart_parts`] parts, each of [`Limits::multipart_part`] bytes and with
/// [`Limits::multipart_head`] bytes of a head, all of them within the route's body limit; more is 413. A body that does
/// not come in time is 408; the time that the handler takes for itself does not count. An empty body is a form
/// without parts. At most 16 KiB and a head are held of what is not asked for yet.
///
/// Whatever a handler makes of a form that is malformed or too large, the answer is 400 or 413 if it has not begun.
///
/// ```
/// use neurolink_core::{Error, Multipart, Route};
///
/// async fn upload(mut form: Multipart) -> Result<String, Error> {
///     let mut said = String::new();
///     while let Some(mut part) = form.next_part().await? {
///         if part.file_name().is_none() {
///             said = part.text().await?;
///             continue;
///         }
///         while let Some(chunk) = part.chunk().await? {
///             // Write it somewhere; under a name of your own, for the client chose the file's.
///             drop(chunk);
///         }
///     }
///     Ok(said)
/// }
///
/// let route = Route::post("/api/upload", upload).body_limit(100 * 1024 * 1024);
/// ```
pub struct Multipart {
    /// None when there is nothing more.
    parser: Option<multer::Multipart<'static>>,
    gate: Arc<Gate>,
    /// The part that is read, until its end.
    current: Option<multer::Field<'static>>,
    /// Bytes of it.
    size: usize,
    parts: usize,
    limits: Limits,
    /// Bytes of the line between two parts, and of the empty one behind a head.
    boundary_line: usize,
    failed: bool,
    fault: Fault,
    held: SharedReservation,
}

const MALFORMED: &str = "The request body is no whole multipart/form-data";

impl Multipart {
    /// The next part, once the one before is read to its end or passed over; `None` behind the last one.
    ///
    /// # Errors
    /// 400 for what is no such form, 413 above a limit, 408 when it does not come in time.
    pub async fn next_part(&mut self) -> Result<Option<Part<'_>>, Error> {
        while self.chunk().await?.is_some() {}
        if self.failed {
            return Err(self.malformed(MALFORMED));
        }
        let Some(parser) = &mut self.parser else { return Ok(None) };
        let (gate, head) = (&*self.gate, self.limits.multipart_head);
        let until = gate.passed().saturating_add(head).saturating_add(self.boundary_line);
        let found = poll_fn(|cx| gate.poll(cx, until, |cx| parser.poll_next_field(cx))).await;
        let field = match found {
            Some(Ok(Some(field))) => field,
            Some(Ok(None)) => {
                self.parser = None;
                return Ok(None);
            }
            // No bytes are a form without parts, as a body of no length is.
            Some(Err(_)) | None if gate.has_ended() && gate.passed() == 0 => {
                self.parser = None;
                return Ok(None);
            }
            Some(Err(error)) => return Err(self.refuse(error)),
            None if gate.has_ended() => return Err(self.malformed(MALFORMED)),
            None => return Err(self.too_much("bytes in the head of a part", head)),
        };
        self.parts += 1;
        if self.parts > self.limits.multipart_parts {
            return Err(self.too_much("parts", self.limits.multipart_parts));
        }
        let bytes: usize = field.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if bytes > head {
            return Err(self.too_much("bytes in the head of a part", head));
        }
        let disposition = field.headers().get(header::CONTENT_DISPOSITION).map(header::HeaderValue::as_bytes);
        let disposition = disposition.and_then(|text| Disposition::parse(std::str::from_utf8(text).ok()?));
        let Some(disposition) = disposition else {
            return Err(self.malformed(
                "A part of the form has no Content-Disposition with one name; write `form-data; name=\"..\"`",
            ));
        };
        if is_encoded(field.headers()) {
            return Err(
                self.malformed("A part of the form has a Content-Transfer-Encoding; send its bytes as they are")
            );
        }
        let headers = field.headers().clone();
        (self.current, self.size) = (Some(field), 0);
        Ok(Some(Part { form: self, disposition, headers }))
    }

    /// The next bytes of the part that is read.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(field) = &mut self.current else { return Ok(None) };
            let gate = &*self.gate;
            let next = poll_fn(|cx| gate.poll(cx, usize::MAX, |cx| Pin::new(&mut *field).poll_next(cx))).await;
            match next {
                Some(None) => self.current = None,
                Some(Some(Ok(bytes))) if bytes.is_empty() => {}
                Some(Some(Ok(bytes))) => {
                    self.size = self.size.saturating_add(bytes.len());
                    match self.limits.multipart_part {
                        Some(most) if self.size > most => return Err(self.too_much("bytes in a part", most)),
                        _ => return Ok(Some(bytes)),
                    }
                }
                Some(Some(Err(error))) => return Err(self.refuse(error)),
                None => return Err(self.malformed(MALFORMED)),
            }
        }
    }

    /// Takes so many bytes of the budget for bodies, until the request is answered.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), Error> {
        self.held.0.lock().unwrap_or_else(PoisonError::into_inner).grow(bytes)
    }

    fn refuse(&mut self, error: multer::Error) -> Error {
        match error {
            multer::Error::StreamReadFailed(error) => {
                self.end();
                unreadable(error)
            }
            _ => self.malformed(MALFORMED),
        }
    }

    fn malformed(&mut self, why: &'static str) -> Error {
        self.end();
        self.fault.note(BodyFault::Malformed(why))
    }

    fn too_much(&mut self, what: &'static str, limit: usize) -> Error {
        self.end();
        self.fault.note(BodyFault::TooMuch { what, limit })
    }

    /// Lets go of the body: nothing behind an error is read.
    fn end(&mut self) {
        (self.current, self.parser, self.failed) = (None, None, true);
    }
}

/// Whether a part is in an encoding of mail, which RFC 7578 (section 4.7) has no use for.
fn is_encoded(headers: &HeaderMap) -> bool {
    let plain = [&b"7bit"[..], b"8bit", b"binary"];
    let encoding = headers.get("content-transfer-encoding").map(|value| value.as_bytes().trim_ascii());
    encoding.is_some_and(|encoding| !plain.iter().any(|plain| encoding.eq_ignore_ascii_case(plain)))
}

/// The boundary that a content type names (RFC 2046, section 5.1.1).
fn boundary(headers: &HeaderMap) -> Result<String, Error> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = text.and_then(|text| multer::parse_boundary(text).ok());
    let fits = |boundary: &String| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        (1..=70).contains(&boundary.len()) && boundary.bytes().all(allowed) && !boundary.ends_with(' ')
    };
    boundary.filter(fits).ok_or_else(|| {
        Error::bad_request("The Content-Type has no boundary of 1 to 70 characters that RFC 2046 allows in one")
    })
}

impl FromContext for Multipart {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        ctx.require_media(Media::Multipart)?;
        let empty = http_body::Body::is_end_stream(&ctx.body);
        let boundary = if empty { String::new() } else { boundary(ctx.headers())? };
        let limits = ctx.shared.settings.limits.clone();
        let (body, fault, held) = ctx.take_paced()?;
        let gate = Arc::new(Gate::default());
        let gated = Gated { body, rest: Bytes::new(), gate: Arc::clone(&gate) };
        let boundary_line = "\r\n--\r\n\r\n".len() + boundary.len();
        let parser = (!empty).then(|| multer::Multipart::new(gated, boundary));
        Ok(Self { parser, gate, current: None, size: 0, parts: 0, limits, boundary_line, failed: false, fault, held })
    }

    fn needs(needs: &mut Needs) {
        needs.multipart_body();
    }
}

impl std::fmt::Debug for Multipart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Multipart").field("parts", &self.parts).finish_non_exhaustive()
    }
}
