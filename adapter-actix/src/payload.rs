//! Bodies: actix's cannot leave their thread, the core's can.
//!
//! A request's body goes through a channel of one slot, fed in the request's own task: nothing is spawned,
//! nothing outlives the request, and the client is not read faster than the core asks.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::dev::Payload;
use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};
use neurolink_core::{Body, BoxError};
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

/// What feeds a request's body, to be polled in the request's task.
pub(crate) struct Pump {
    payload: Payload,
    sender: Option<PollSender<Result<Bytes, BoxError>>>,
}

/// A body for the core and what feeds it; a request without a body costs nothing.
pub(crate) fn bridge(payload: Payload, length: Option<u64>) -> (Body, Option<Pump>) {
    if matches!(payload, Payload::None) || length == Some(0) {
        return (Body::empty(), None);
    }
    let (sender, receiver) = mpsc::channel(1);
    let pump = Pump { payload, sender: Some(PollSender::new(sender)) };
    (Body::new(Incoming { receiver, length }), Some(pump))
}

impl Pump {
    /// Moves one chunk. The slot is reserved first: a chunk is read only when the core wants one.
    fn poll_move(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Without a sender all is here; with a closed one nobody wants it.
        let Some(sender) = &mut self.sender else { return Poll::Pending };
        if ready!(sender.poll_reserve(cx)).is_err() {
            return Poll::Pending;
        }
        let chunk = ready!(Pin::new(&mut self.payload).poll_next(cx));
        let more = matches!(chunk, Some(Ok(_)));
        if let Some(chunk) = chunk {
            // It fails when nobody wants it.
            let _ = sender.send_item(chunk.map_err(|error| error.to_string().into()));
        }
        if !more {
            self.sender = None;
        }
        Poll::Ready(())
    }
}

/// Polls what reads and what feeds it by turns, until neither gets on: an error of the body must be answered in the
/// same poll, for actix gives up on the connection after it.
pub(crate) fn poll_with<T>(
    pump: &mut Option<Pump>,
    cx: &mut Context<'_>,
    mut reader: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    loop {
        if let Poll::Ready(read) = reader(cx) {
            return Poll::Ready(read);
        }
        let Some(pump) = pump else { return Poll::Pending };
        ready!(pump.poll_move(cx));
    }
}

/// The core's end of the channel.
struct Incoming {
    receiver: mpsc::Receiver<Result<Bytes, BoxError>>,
    length: Option<u64>,
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.receiver.poll_recv(cx).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}
