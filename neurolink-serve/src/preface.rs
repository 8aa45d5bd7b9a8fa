//! Watches the first bytes of a connection: until they tell HTTP/1 from HTTP/2, no timer of hyper runs.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Whether the first bytes have told the version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decided(Arc<AtomicBool>);

impl Decided {
    pub(crate) fn yes(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream whose first bytes are watched.
pub(crate) struct Watched {
    stream: TcpStream,
    seen: usize,
    decided: Decided,
}

impl Watched {
    pub(crate) fn new(stream: TcpStream) -> (Self, Decided) {
        let decided = Decided::default();
        (Self { stream, seen: 0, decided: decided.clone() }, decided)
    }

    fn watch(&mut self, bytes: &[u8]) {
        if self.seen >= PREFACE.len() {
            return;
        }
        let expected = &PREFACE[self.seen..];
        let shared = bytes.iter().zip(expected).take_while(|(one, two)| one == two).count();
        self.seen += shared;
        if shared < bytes.len() || self.seen >= PREFACE.len() {
            self.seen = PREFACE.len();
            self.decided.0.store(true, Ordering::Release);
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.watch(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
