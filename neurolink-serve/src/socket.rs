//! The stream under hyper: it tells the version from the first bytes, counts writes, and lets an answer that is ready go
//! out before the end of what the client sends is told.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Io;
use crate::io::PREFACE;
use crate::pulse::{Pulse, Version};
use crate::slot::Slot;

/// The stream that hyper has, or the application after an upgrade.
pub(crate) struct Socket {
    /// There until this is dropped.
    io: Option<Io>,
    slot: Slot,
    /// Bytes of the preface seen; its whole length when the version is known.
    seen: usize,
    /// Whether a preface is let through.
    http2: bool,
    pulse: Arc<Pulse>,
    /// Whether the client has ended its half, of which hyper is told one poll later.
    ended: bool,
}

impl Socket {
    /// Dropped, it leaves the connection in `slot`.
    pub(crate) const fn new(io: Io, slot: Slot, http2: bool, pulse: Arc<Pulse>) -> Self {
        Self { io: Some(io), slot, seen: 0, http2, pulse, ended: false }
    }

    fn io(&mut self) -> io::Result<&mut Io> {
        self.io.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
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
        let (before, space) = (buf.filled().len(), buf.remaining());
        ready!(Pin::new(self.io()?).poll_read(cx, buf))?;
        if space > 0 && buf.filled().len() == before && !self.ended {
            // hyper drops the request that it has just read when it sees the end behind it. Whether the end has come by
            // then is chance; with a poll between them an answer that is ready is always given.
            self.ended = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.watch(&buf.filled()[before..])?;
        self.pulse.read(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(self.io()?).poll_write(cx, buf);
        self.pulse.write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(self.io()?).poll_write_vectored(cx, bufs);
        self.pulse.write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true // for HTTP/2 and upgraded sockets; HTTP/1 is told not to
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io()?).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.pulse.is_unread() { self.io()?.poll_close(cx) } else { Pin::new(self.io()?).poll_shutdown(cx) }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(io) = self.io.take() {
            self.slot.leave(io);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::wire::{Hold, Stream, Wire};

    async fn socket(pulse: &Arc<Pulse>) -> Socket {
        connected(pulse).await.0
    }

    async fn connected(pulse: &Arc<Pulse>) -> (Socket, tokio::net::TcpStream, Hold) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stream = tokio::net::TcpStream::connect(address).await.expect("connects");
        let (peer, _) = listener.accept().await.expect("accepts");
        let (wire, hold) = Wire::new(Stream::Tcp(stream));
        let io = Io::plain(wire, neurolink_core::ConnInfo::default());
        (Socket::new(io, Slot::default(), true, Arc::clone(pulse)), peer, hold)
    }

    #[tokio::test]
    async fn the_end_of_what_a_client_sends_is_told_one_poll_behind_its_request() {
        let (mut socket, mut peer, _hold) = connected(&Arc::new(Pulse::default())).await;
        peer.write_all(b"GET").await.expect("writes");
        peer.shutdown().await.expect("ends its half");
        let mut seen = Vec::new();
        std::future::poll_fn(|cx| {
            // As hyper does: it reads until there is nothing more, and only then answers.
            loop {
                let mut space = [0; 16];
                let mut buffer = ReadBuf::new(&mut space);
                let polled = Pin::new(&mut socket).poll_read(cx, &mut buffer);
                seen.push(polled.is_ready().then(|| buffer.filled().len()));
                match seen.last() {
                    Some(None) => return Poll::Pending,
                    Some(Some(0)) => return Poll::Ready(()),
                    _ => {}
                }
            }
        })
        .await;
        let end = seen.iter().rposition(|read| *read == Some(0)).expect("the end is told");
        assert_eq!((seen[end - 1], seen.iter().flatten().sum::<usize>()), (None, 3), "{seen:?}");
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
