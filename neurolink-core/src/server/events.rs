use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::broadcast;

use crate::Code;

/// Something that happened in a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// It is ready to start.
    Initialized {
        /// How many routes it has.
        routes: usize,
    },
    /// It listens.
    Started {
        /// Where; a Unix socket has no address.
        address: Option<SocketAddr>,
    },
    /// A request has come.
    Request {
        /// Its id.
        request_id: String,
        /// Its method.
        method: String,
        /// Its canonical path.
        path: String,
    },
    /// A response goes out.
    Response {
        /// The request's id.
        request_id: String,
        /// The status.
        status: u16,
        /// The code, if it is an error.
        code: Option<Code>,
        /// How long it took.
        duration: Duration,
    },
    /// A request failed by the server's fault (5xx), or the framework's server did.
    Error {
        /// The request's id, if it is a request that failed.
        request_id: Option<String>,
        /// The code.
        code: Code,
        /// The message that the client reads; the cause is for the log only.
        message: String,
        /// When it was, since the Unix epoch.
        timestamp: Duration,
    },
    /// It drains.
    Draining,
    /// It has stopped.
    Stopped {
        /// How long it ran.
        uptime: Duration,
    },
}

/// Events as they happen; bounded, so a slow reader misses some and is told how many.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

/// How many events wait for a slow reader.
const CAPACITY: usize = 1024;

impl Events {
    /// The next event, or how many were missed; `None` when the server is gone.
    pub async fn next(&mut self) -> Option<Result<Event, u64>> {
        match self.receiver.recv().await {
            Ok(event) => Some(Ok(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Err(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// The sending side.
#[derive(Clone, Debug)]
pub(crate) struct EventSender(broadcast::Sender<Event>);

impl EventSender {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }

    pub(crate) fn subscribe(&self) -> Events {
        Events { receiver: self.0.subscribe() }
    }

    /// Sends what `event` makes, if anybody listens.
    pub(crate) fn send(&self, event: impl FnOnce() -> Event) {
        if self.0.receiver_count() > 0 {
            // The last listener may have gone in between.
            let _ = self.0.send(event());
        }
    }
}
