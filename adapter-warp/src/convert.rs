//! Bodies and responses between warp and the core.

use bytes::Buf;
use futures_util::future::FutureExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use neurolink_core::{Body, Response};
use warp::filters::BoxedFilter;
use warp::{Filter, Rejection, Reply};

/// A request's body, with the length that warp's stream has lost.
pub(crate) fn body<S, B>(headers: &HeaderMap, stream: S) -> Body
where
    S: Stream<Item = Result<B, warp::Error>> + Send + 'static,
    B: Buf,
{
    let mut stream = Box::pin(stream.map(|chunk| chunk.map(|mut bytes| bytes.copy_to_bytes(bytes.remaining()))));
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some() || headers.contains_key(TRANSFER_ENCODING) {
        return Body::with_length(stream, length);
    }
    // Nothing is declared: there is none, or it is HTTP/2. What is not there ends at the first look.
    match stream.next().now_or_never() {
        Some(None) => Body::empty(),
        Some(Some(first)) => Body::from_stream(stream::iter([first]).chain(stream)),
        None => Body::from_stream(stream),
    }
}

/// The answer, with its length.
pub(crate) fn reply(response: Response) -> warp::reply::Response {
    let (mut parts, body) = response.into_parts();
    let exact = http_body::Body::size_hint(&body).exact();
    match body.into_full() {
        Ok(bytes) => http::Response::from_parts(parts, bytes).into_response(),
        Err(body) => {
            // A stream of warp's forgets it.
            if let Some(length) = exact {
                parts.headers.insert(CONTENT_LENGTH, length.into());
            }
            let body = warp::reply::stream(body).into_response().into_body();
            http::Response::from_parts(parts, body)
        }
    }
}

/// A filter of one type, whatever it replies with and however it rejects.
pub(crate) fn boxed<F, R>(filter: F) -> BoxedFilter<(warp::reply::Response,)>
where
    F: Filter<Extract = (R,)> + Clone + Send + Sync + 'static,
    F::Error: Into<Rejection>,
    R: Reply + 'static,
{
    filter.map(|reply: R| reply.into_response()).boxed()
}
