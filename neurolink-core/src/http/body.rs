use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body as HttpBody, Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use crate::{BoxError, Error};

/// A request or response body: empty, whole, streamed, or an error that is not rendered yet.
///
/// It is `Send + Sync` and keeps its exact length, so that no framework falls back to chunked encoding.
/// It is both an [`http_body::Body`] and a [`Stream`] of [`Bytes`].
///
/// ```
/// use http_body::Body as _;
/// use neurolink_core::Body;
///
/// let body = Body::from("hello");
/// assert_eq!(body.size_hint().exact(), Some(5));
/// ```
pub struct Body(Inner);

type Boxed = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

enum Inner {
    Empty,
    Full(Bytes),
    Stream(SyncWrapper<Boxed>, SizeHint),
    Error(Error),
    Unavailable,
}

impl Body {
    /// A body of no bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Inner::Empty)
    }

    /// A body that streams another one; its size hint is kept.
    pub fn new<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let hint = body.size_hint();
        if hint.exact() == Some(0) && body.is_end_stream() {
            return Self::empty();
        }
        let boxed: Boxed = Box::pin(http_body_util::BodyExt::map_err(body, Into::into));
        Self(Inner::Stream(SyncWrapper::new(boxed), hint))
    }

    /// A body of the chunks of a stream, of unknown length.
    pub fn from_stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::new(http_body_util::StreamBody::new(futures_util::StreamExt::map(stream, |chunk| {
            chunk.map(Frame::data).map_err(Into::<BoxError>::into)
        })))
    }

    /// A body of the chunks of a stream, of the length that a head declares.
    pub fn with_length<S, E>(stream: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        if length == Some(0) {
            return Self::empty();
        }
        let mut body = Self::from_stream(stream);
        if let (Inner::Stream(_, hint), Some(length)) = (&mut body.0, length) {
            *hint = SizeHint::with_exact(length);
        }
        body
    }

    /// The body of a native request that stayed with its framework; reading it is an error, never an empty body.
    #[must_use]
    pub const fn unavailable() -> Self {
        Self(Inner::Unavailable)
    }

    /// An error that becomes bytes at the edge, once.
    pub(crate) const fn from_error(error: Error) -> Self {
        Self(Inner::Error(error))
    }

    /// The error this body stands for, while it is not rendered.
    #[must_use]
    pub const fn error(&self) -> Option<&Error> {
        match &self.0 {
            Inner::Error(error) => Some(error),
            _ => None,
        }
    }

    pub(crate) fn take_error(&mut self) -> Option<Error> {
        match std::mem::replace(&mut self.0, Inner::Empty) {
            Inner::Error(error) => Some(error),
            other => {
                self.0 = other;
                None
            }
        }
    }

    pub(crate) const fn is_unavailable(&self) -> bool {
        matches!(self.0, Inner::Unavailable)
    }

    /// The bytes of a body that is whole, or the body itself when it streams.
    ///
    /// # Errors
    /// The untouched body, when its bytes are not all here.
    pub fn into_full(self) -> Result<Bytes, Self> {
        match self.0 {
            Inner::Empty => Ok(Bytes::new()),
            Inner::Full(bytes) => Ok(bytes),
            other => Err(Self(other)),
        }
    }

    /// Whether the body comes in pieces.
    #[must_use]
    pub const fn is_stream(&self) -> bool {
        matches!(self.0, Inner::Stream(..))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Inner::Empty => Poll::Ready(None),
            Inner::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Inner::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Inner::Stream(stream, _) => stream.get_mut().as_mut().poll_frame(cx),
            Inner::Error(_) => Poll::Ready(Some(Err("this error response was not rendered before it was read".into()))),
            Inner::Unavailable => Poll::Ready(Some(Err(UNAVAILABLE.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Empty => true,
            Inner::Full(bytes) => bytes.is_empty(),
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(_, hint) => *hint,
            Inner::Error(_) | Inner::Unavailable => SizeHint::default(),
        }
    }
}

pub(crate) const UNAVAILABLE: &str =
    "the body stayed with the native framework; a middleware that reads it must ask for it with `Middleware::body`";

impl Stream for Body {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return match std::task::ready!(self.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Poll::Ready(Some(Ok(data))),
                    Err(_trailers) => continue,
                },
                Some(Err(error)) => Poll::Ready(Some(Err(error))),
                None => Poll::Ready(None),
            };
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Empty => f.write_str("Body::Empty"),
            Inner::Full(bytes) => write!(f, "Body::Full({} bytes)", bytes.len()),
            Inner::Stream(..) => f.write_str("Body::Stream"),
            Inner::Error(error) => write!(f, "Body::Error({})", error.code()),
            Inner::Unavailable => f.write_str("Body::Unavailable"),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self(Inner::Full(bytes)) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requires_send_sync<T: Send + Sync>() {}

    #[test]
    fn is_send_and_sync() {
        requires_send_sync::<Body>();
    }

    #[test]
    fn a_wrapped_body_keeps_its_exact_length() {
        let body = Body::new(http_body_util::Full::new(Bytes::from_static(b"12345")));
        assert!(body.is_stream());
        assert_eq!(HttpBody::size_hint(&body).exact(), Some(5));
    }

    #[test]
    fn a_declared_length_is_kept_and_none_declared_is_no_body() {
        let chunks = || futures_util::stream::pending::<Result<Bytes, BoxError>>();
        assert_eq!(HttpBody::size_hint(&Body::with_length(chunks(), Some(7))).exact(), Some(7));
        assert!(HttpBody::is_end_stream(&Body::with_length(chunks(), Some(0))));
        assert_eq!(HttpBody::size_hint(&Body::with_length(chunks(), None)).exact(), None);
    }

    #[tokio::test]
    async fn an_unavailable_body_is_an_error_and_not_empty() {
        use futures_util::StreamExt;
        let mut body = Body::unavailable();
        assert!(body.next().await.expect("an item").is_err());
    }
}
