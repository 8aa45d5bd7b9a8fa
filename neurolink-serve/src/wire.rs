//! The socket itself, whatever speaks over it, and the hold that cuts it from outside.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use crate::addresses::Place;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Calls the same method of whichever socket it is.
macro_rules! either {
    ($stream:expr, $method:ident($($argument:expr),*)) => {
        match $stream {
            Stream::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl Stream {
    fn cut(&self) {
        let _ = match self {
            Self::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(stream) => SockRef::from(stream).shutdown(Shutdown::Both),
        };
    }
}

/// A socket whose owner is not alone: a [`Hold`] can cut it.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Locked by its one owner, and once by a [`Hold`] that cuts: never contended.
    stream: Arc<Mutex<Stream>>,
    /// Dropped with the socket, whoever has it then.
    _open: oneshot::Sender<()>,
}

/// The view of a connection that its task keeps; dropping it cuts a socket that is still open.
#[derive(Debug)]
pub struct Hold {
    stream: Weak<Mutex<Stream>>,
    closed: oneshot::Receiver<()>,
    /// Among the connections of its address.
    pub(crate) place: Option<Place>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> (Self, Hold) {
        let stream = Arc::new(Mutex::new(stream));
        let (open, closed) = oneshot::channel();
        let hold = Hold { stream: Arc::downgrade(&stream), closed, place: None };
        (Self { stream, _open: open }, hold)
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        lock(&self.stream)
    }
}

fn lock(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hold {
    /// Waits until the socket is closed, by whomever has it.
    pub async fn closed(&mut self) {
        let _ = (&mut self.closed).await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.upgrade() {
            // Its owner is woken: it reads the end, and its writes fail.
            lock(&stream).cut();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(&mut *self.stream(), poll_read(cx, buf))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(&mut *self.stream(), poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(&mut *self.stream(), poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut *self.stream(), poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut *self.stream(), poll_shutdown(cx))
    }
}
