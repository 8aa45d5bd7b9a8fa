//! The stream under hyper: it tells the version from the first bytes, and counts writes.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::Io;
use crate::io::PREFACE;
use crate::pulse::{Pulse, Version};

/// How long, and how many bytes, are read after an answer to a request that had not wholly come.
const LINGER: Duration = Duration::from_secs(1);
const MOST_SKIPPED: usize = 64 * 1024;

/// The stream that hyper has, or the application after an upgrade.
pub(crate) struct Socket {
    io: Io,
    /// Bytes of the preface seen; its whole length when the version is known.
    seen: usize,
    /// Whether a preface is let through.
    http2: bool,
    pulse: Arc<Pulse>,
    /// Reading on after the last answer, and how much that was.
    linger: Option<Pin<Box<Sleep>>>,
    skipped: usize,
}

impl Socket {
    pub(crate) const fn new(io: Io, http2: bool, pulse: Arc<Pulse>) -> Self {
        Self { io, seen: 0, http2, pulse, linger: None, skipped: 0 }
    }

    /// Reads on for a moment: to close at once would reset a peer that is still sending, and destroy its answer.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut space = [MaybeUninit::uninit(); 4096];
        while self.skipped <= MOST_SKIPPED && timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::uninit(&mut space);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.skipped += buffer.filled().len();
        }
        Poll::Ready(())
    }

    fn watch(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.seen >= PREFACE.len() {
            return Ok(());
        }
        let shared = bytes.iter().zip(&PREFACE[self.seen..]).take_while(|(one, two)| one == two).count();
        self.seen += shared;
        if self.seen == PREFACE.len() {
            // hyper-util's `http1_only` does nothing where upgrades are possible.
            if !self.http2 {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "HTTP/2 is off"));
            }
            self.pulse.set_version(Version::Http2);
        } else if shared < bytes.len() {
            self.seen = PREFACE.len();
            self.pulse.set_version(Version::Http1);
        }
        Ok(())
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        Poll::Ready(self.watch(&buf.filled()[before..]))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.pulse.write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.pulse.write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true // for HTTP/2 and upgraded sockets; HTTP/1 is told not to
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
        }
        if self.pulse.is_unread() { self.poll_linger(cx).map(Ok) } else { Poll::Ready(Ok(())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn socket(pulse: &Arc<Pulse>) -> Socket {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stream = tokio::net::TcpStream::connect(address).await.expect("connects");
        let (wire, _hold) = crate::wire::Wire::new(crate::wire::Stream::Tcp(stream));
        Socket::new(Io::plain(wire, neurolink_core::ConnInfo::default()), true, Arc::clone(pulse))
    }

    /// The version after reads of these pieces.
    async fn told(pieces: &[&[u8]]) -> Version {
        let pulse = Arc::new(Pulse::default());
        let mut socket = socket(&pulse).await;
        for piece in pieces {
            socket.watch(piece).expect("HTTP/2 is on");
        }
        pulse.version()
    }

    #[tokio::test]
    async fn the_version_is_known_as_soon_as_it_can_be() {
        assert_eq!(told(&[]).await, Version::Unknown);
        assert_eq!(told(&[b"P", b"RI * HTTP/2.0\r\n\r\nS"]).await, Version::Unknown);
        assert_eq!(told(&[PREFACE]).await, Version::Http2);
        assert_eq!(told(&[&PREFACE[..10], &PREFACE[10..], b"GET"]).await, Version::Http2);
        assert_eq!(told(&[b"PR", b"OPFIND / HTTP/1.1"]).await, Version::Http1);
        assert_eq!(told(&[b"G"]).await, Version::Http1);
    }
}
