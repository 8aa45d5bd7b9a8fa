use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::Response;
use crate::engine::EventStream;
use crate::{Body, Error, Json};

/// What a handler answers, before it has its envelope.
///
/// ```
/// use http::StatusCode;
/// use neurolink_core::Reply;
///
/// let reply = Reply::data(&["a", "b"])?.with_status(StatusCode::CREATED);
/// # Ok::<(), neurolink_core::Error>(())
/// ```
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// Begins with `{"data":` and ends with the data.
    Data(Vec<u8>),
    Events(EventStream),
    Raw(Box<Response>),
}

/// The beginning of every success envelope; data is written right behind it, once.
const OPENING: &[u8] = b"{\"data\":";

/// What a buffer begins with, at least and at most, in bytes.
const SMALLEST: usize = 256;
const LARGEST: usize = 16 * 1024;
/// Room for what the envelope ends with.
const ENDING: usize = 144;

thread_local! {
    /// The answers of a server are of like size: how long this thread's last one was.
    static LAST: Cell<usize> = const { Cell::new(SMALLEST) };
}

impl Reply {
    fn new(content: Content) -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), content }
    }

    /// Data in the success envelope, serialised once.
    ///
    /// # Errors
    /// A 500 when the data does not serialise.
    pub fn data<T: Serialize + ?Sized>(data: &T) -> Result<Self, Error> {
        let mut buffer = Vec::with_capacity(LAST.get().clamp(SMALLEST, LARGEST));
        buffer.extend_from_slice(OPENING);
        serde_json::to_writer(&mut buffer, data).map_err(Error::internal)?;
        LAST.set(buffer.len() + ENDING);
        Ok(Self::new(Content::Data(buffer)))
    }

    /// A stream of server-sent events.
    #[must_use]
    pub fn events(events: EventStream) -> Self {
        Self::new(Content::Events(events))
    }

    /// A response as it is, without an envelope.
    #[must_use]
    pub fn raw(response: Response) -> Self {
        Self::new(Content::Raw(Box::new(response)))
    }

    /// Sets the status; a raw response keeps its own.
    #[must_use]
    pub const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = match &self.content {
            Content::Data(_) => "data",
            Content::Events(_) => "events",
            Content::Raw(_) => "raw",
        };
        f.debug_struct("Reply").field("status", &self.status).field("content", &content).finish_non_exhaustive()
    }
}

/// What a handler may return.
pub trait IntoReply {
    /// Makes the reply.
    ///
    /// # Errors
    /// The error that becomes the response instead.
    fn into_reply(self) -> Result<Reply, Error>;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(self)
    }
}

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self) -> Result<Reply, Error> {
        Reply::data(&self.0)
    }
}

impl IntoReply for serde_json::Value {
    fn into_reply(self) -> Result<Reply, Error> {
        Reply::data(&self)
    }
}

/// Nothing to say is `{"data":null}`, so that clients can unwrap it.
impl IntoReply for () {
    fn into_reply(self) -> Result<Reply, Error> {
        Reply::data(&())
    }
}

impl IntoReply for &str {
    fn into_reply(self) -> Result<Reply, Error> {
        Reply::data(self)
    }
}

impl IntoReply for String {
    fn into_reply(self) -> Result<Reply, Error> {
        Reply::data(&self)
    }
}

impl IntoReply for EventStream {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::events(self))
    }
}

impl IntoReply for Response {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::raw(self))
    }
}

impl IntoReply for Bytes {
    fn into_reply(self) -> Result<Reply, Error> {
        let mut response = Response::new(Body::from(self));
        response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        Ok(Reply::raw(response))
    }
}

impl IntoReply for StatusCode {
    fn into_reply(self) -> Result<Reply, Error> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self;
        Ok(Reply::raw(response))
    }
}

impl<T: IntoReply> IntoReply for (StatusCode, T) {
    fn into_reply(self) -> Result<Reply, Error> {
        let mut reply = self.1.into_reply()?;
        if let Content::Raw(response) = &mut reply.content {
            *response.status_mut() = self.0;
        }
        Ok(reply.with_status(self.0))
    }
}

impl IntoReply for Error {
    fn into_reply(self) -> Result<Reply, Error> {
        Err(self)
    }
}

impl<T: IntoReply, E: Into<Error>> IntoReply for Result<T, E> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_err(Into::into)?.into_reply()
    }
}
