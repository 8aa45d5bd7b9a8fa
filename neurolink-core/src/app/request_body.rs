//! The request's body: who may read it, how much of it, and what becomes of the rest.

use std::sync::Arc;

use bytes::Bytes;
use http::header;
use http_body::Body as _;

use super::Context;
use crate::http::{BodySource, Fault, Media, Pace, require_identity};
use crate::stack::Reading;
use crate::{Body, Error};

impl Context {
    /// Takes the body as it comes; above the limit it ends with an error, and the answer is 413 if it has not begun.
    ///
    /// A body in a coding of [`Settings::decompress`](crate::Settings::decompress) is inflated as it is read, within
    /// the same limit; in any other coding it is 415 then. Without that setting it comes in its coding.
    ///
    /// # Errors
    /// 415 in a content coding that is not allowed; a 500 when it was taken before, stayed with a native framework, or is asked for by a middleware that stands
    /// before authorisation and does not say so with [`Middleware::body`](crate::Middleware::body).
    pub fn take_body(&mut self) -> Result<Body, Error> {
        let coding = self.take_coding()?;
        let (body, limit) = self.claim_body()?;
        if coding.is_none() && body.is_within(limit) {
            return Ok(body);
        }
        let fault = Fault::default();
        let mut body = body.limited(limit, &fault);
        if let Some(coding) = coding {
            body = body.decoded(coding, &fault).limited(limit, &fault);
        }
        self.fault = Some(fault.within(self.fault.take()));
        Ok(body)
    }

    /// Takes the body, and says how much of it may be read.
    fn claim_body(&mut self) -> Result<(Body, usize), Error> {
        let limit = self.target().body_limit;
        let limit = match self.at.and_then(|at| at.reading(&self.target().steps)) {
            Some((name, Reading::Never)) => {
                return Err(Error::internal(format!(
                    "the middleware `{name}` stands before authorisation and reads the request's body without having \
                     asked; it must say so with `Middleware::body` (`from_fn(..).with_body()`)"
                )));
            }
            Some((_, Reading::AtMost(most))) => limit.min(most),
            Some((_, Reading::Free)) | None => limit,
        };
        if std::mem::replace(&mut self.body_taken, true) {
            return Err(Error::internal("the request body was taken twice"));
        }
        let body = std::mem::take(&mut self.body);
        if body.is_unavailable() {
            return Err(Error::internal(crate::http::UNAVAILABLE));
        }
        Ok((body, limit))
    }

    /// Lets go of the body; says whether the connection can go on behind it.
    pub(crate) async fn skip_body(&mut self) -> bool {
        drop(std::mem::take(&mut self.body));
        let Some(unread) = self.unread.take() else { return true };
        let expected = self.parts.headers.get_all(header::EXPECT);
        let awaited = expected.iter().any(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        unread.skip(awaited).await
    }

    /// What was wrong with a taken body: 413 if more came than the limit allows, 400 if it is not what its coding says.
    pub(crate) fn body_fault(&self) -> Option<Error> {
        self.fault.as_ref().and_then(Fault::error)
    }

    /// Reads the whole body, up to the route's limit; in a middleware, what is further inside can read it again.
    ///
    /// A middleware before authorisation gets 64 KiB at most.
    ///
    /// # Errors
    /// 413 above the limit, 415 in a content coding that is not allowed, 400 when it is not what that says, 408 when it does not come in time, 503 when the app holds
    /// too many bodies; a 500 as for [`take_body`](Self::take_body).
    pub async fn read_body(&mut self) -> Result<Bytes, Error> {
        self.read_weighted(1).await
    }

    pub(crate) async fn read_weighted(&mut self, weight: usize) -> Result<Bytes, Error> {
        let coding = self.take_coding()?;
        if !self.body.is_end_stream() {
            require_identity(&self.parts.headers)?;
        }
        let source = self.body_source(weight)?;
        let (bytes, reservation) = match coding {
            Some(coding) => source.read_decoded(coding).await?,
            None => source.read().await?,
        };
        self.reservation = Some(reservation);
        if self.at.is_some() {
            self.body = Body::from(bytes.clone());
            self.body_taken = false;
        }
        Ok(bytes)
    }

    pub(crate) fn body_source(&mut self, weight: usize) -> Result<BodySource, Error> {
        let (body, limit) = self.claim_body()?;
        Ok(BodySource {
            body,
            limit,
            pace: Pace::new(self.shared.settings.body_timeout, self.shared.settings.body_rate, self.deadline),
            budget: Arc::clone(&self.shared.budget),
            weight,
        })
    }

    /// 415 when there is a body and it is something else, or in a content coding.
    pub(crate) fn require_media(&self, media: Media) -> Result<(), Error> {
        // An empty form or text is no body either.
        if self.body.is_end_stream() { Ok(()) } else { media.require(&self.parts.headers) }
    }

    pub(crate) fn json_depth(&self) -> usize {
        self.shared.settings.limits.json_depth
    }
}
