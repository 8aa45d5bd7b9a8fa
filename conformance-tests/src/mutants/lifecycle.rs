//! What ends with its client and with the server, and what does not.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use neurolink_core::{Body, BoxError};

use super::adapter::ask;
use super::edit::{refusal, swap};
use super::mutant::{End, Mutant};

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("work-outlives-its-client", &["cancel", "http2"], "a handler runs on when its client has left").around(
        |host, request| {
            Box::pin(async move {
                let work = tokio::spawn(async move { ask(host, request).await });
                match work.await {
                    Ok(response) => response,
                    Err(_) => refusal(http::StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
                }
            })
        },
    ),
    Mutant::new("streams-outlive-their-client", &["cancel", "http2"], "a stream is kept when its client has left")
        .response(|_, response| {
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = if body.is_stream() { Body::new(Kept(Some(body))) } else { body };
        }),
    Mutant::new(
        "half-bodies-outlive-their-client",
        &["cancel"],
        "the rest of a body is waited for when its client has left",
    )
    .around(|host, request| {
        Box::pin(async move {
            let request = request.map(|body| {
                Body::from_stream(body.then(|piece| async {
                    match piece {
                        Err(_) => std::future::pending().await,
                        piece => piece,
                    }
                }))
            });
            match tokio::spawn(async move { ask(host, request).await }).await {
                Ok(response) => response,
                Err(_) => refusal(http::StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
            }
        })
    }),
    Mutant::new("goodbyes-have-another-code", &["lifecycle", "http2"], "a stream that is ended does not say why")
        .response(|_, response| {
            let body = std::mem::take(response.body_mut());
            if !body.is_stream() {
                *response.body_mut() = body;
                return;
            }
            let renamed = |frame: Frame<Bytes>| frame.map_data(|text| swap(&text, b"DRAINING", b"STOPPING").into());
            *response.body_mut() = Body::new(body.map_frame(renamed));
        }),
    Mutant::new("open-work-is-forgotten", &["lifecycle"], "the server says that it is gone while it is at work")
        .end(End::Hasty),
    Mutant::new("answers-pass-the-app-by", &["lifecycle"], "nobody is told of an answer").around(|host, request| {
        Box::pin(async move {
            if request.uri().path() == "/api/health/live" {
                return neurolink_core::Response::default();
            }
            ask(host, request).await
        })
    }),
    Mutant::new("nothing-is-cut", &["lifecycle"], "what is open goes on when the server is forced").end(End::Deaf),
    Mutant::new("wrong-prefaces-are-requests", &["http2"], "what is almost HTTP/2 is answered as HTTP/1").up(
        |_, bytes| match bytes.starts_with(b"PRI ") && !bytes.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
            true => b"GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            false => bytes,
        },
    ),
];

/// A body that lives on for a while when nobody wants it any more.
struct Kept(Option<Body>);

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let body = self.0.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(body);
            });
        }
    }
}
