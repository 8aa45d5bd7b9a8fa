//! What stands around a handler: what its body must be before, what its reply becomes after.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use http_body::Body as _;

use crate::extract::Needs;
use crate::http::{Content, spare_headers, too_large};
use crate::stream::{SseBody, SseParts};
use crate::{Body, Context, Error, Reply, Response};

impl Context {
    /// What is decided before the first byte of the body is read: its type, its declared length.
    pub(crate) async fn admit(&mut self, needs: &Needs) -> Result<(), Error> {
        if self.body.is_end_stream() {
            return Ok(());
        }
        if needs.bodies > 0 {
            self.settle_coding()?;
        }
        if let Some(media) = needs.media {
            self.require_media(media)?;
        }
        let limit = self.target().body_limit;
        if self.body.size_hint().exact().is_some_and(|length| length > limit as u64) {
            return Err(too_large(limit));
        }
        if needs.bodies == 0 && !needs.context && !self.body_taken && !self.body.is_unavailable() {
            // Nobody will read it: the limit holds all the same, and the connection can be used again.
            self.body_source(1)?.discard().await?;
        }
        Ok(())
    }

    /// The response of a handler's reply.
    pub(crate) fn respond(&mut self, reply: Result<Reply, Error>) -> Result<Response, Error> {
        // Whatever the handler made of a body that did not end well.
        match self.body_fault() {
            Some(error) => Err(error),
            None => dressed(self, reply?),
        }
    }
}

/// Gives a reply its envelope or its stream.
fn dressed(ctx: &mut Context, reply: Reply) -> Result<Response, Error> {
    let Reply { status, headers, content } = reply;
    let mut response = match content {
        Content::Raw(response) => *response,
        Content::Data(buffer) => {
            let mut response = Response::new(Body::from(ctx.stamp().finish(buffer)));
            *response.status_mut() = status;
            *response.headers_mut() = spare_headers();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Content::Events(events) => {
            ctx.reserve_stream()?;
            let parts = SseParts {
                clock: Arc::clone(&ctx.shared.clock),
                settings: ctx.shared.settings.stream.clone(),
                shutdown: ctx.shutdown().cloned(),
                cancel: ctx.cancel.take(),
                authority: ctx.take_authority(),
                _place: ctx.place.take(),
                request_id: ctx.request_id().as_str().to_owned(),
            };
            let mut response = Response::new(Body::new(SseBody::new(events, parts)));
            *response.status_mut() = status;
            *response.headers_mut() = spare_headers();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
            headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
            response
        }
    };
    if response.headers().is_empty() {
        *response.headers_mut() = headers;
    } else {
        let mut last = None;
        for (name, value) in headers {
            last = name.or(last);
            if let Some(name) = &last {
                response.headers_mut().append(name.clone(), value);
            }
        }
    }
    Ok(response)
}
