//! A connection that is ready for HTTP, encrypted or not.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use neurolink_core::ConnInfo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use crate::linger::Linger;
use crate::wire::Wire;

/// The first bytes of an HTTP/2 connection.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a server reads its requests from.
#[derive(Debug)]
pub struct Io {
    layer: Layer,
    info: ConnInfo,
    /// What was read to look at it.
    ahead: Vec<u8>,
    /// Once it is closed to a peer that may still be sending.
    linger: Option<Linger>,
}

#[derive(Debug)]
enum Layer {
    Plain(Wire),
    Tls(Box<TlsStream<Wire>>),
}

/// Calls the same method of whichever layer it is.
macro_rules! either {
    ($io:expr, $method:ident($($argument:expr),*)) => {
        match &mut $io.layer {
            Layer::Plain(wire) => Pin::new(wire).$method($($argument),*),
            Layer::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl Io {
    pub(crate) const fn plain(wire: Wire, info: ConnInfo) -> Self {
        Self { layer: Layer::Plain(wire), info, ahead: Vec::new(), linger: None }
    }

    pub(crate) fn tls(stream: TlsStream<Wire>, info: ConnInfo) -> Self {
        Self { layer: Layer::Tls(Box::new(stream)), info, ahead: Vec::new(), linger: None }
    }

    /// The facts of the connection; its ends are those that a trusted proxy tells, if one speaks before it.
    #[must_use]
    pub const fn info(&self) -> &ConnInfo {
        &self.info
    }

    /// Ends the last answer and reads on for a moment, 1 s and 2 MiB at most, throwing away what comes.
    ///
    /// For an answer to something that had not wholly come: to close at once would reset a peer that is still sending, and
    /// destroy the answer before it is read.
    ///
    /// # Errors
    /// When the socket has failed.
    ///
    /// # Panics
    /// Outside a runtime of tokio with its timers on.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut *self).poll_shutdown(cx))?;
        }
        let mut linger = self.linger.take().unwrap_or_default();
        let closed = linger.poll(self, cx);
        self.linger = Some(linger);
        closed.map(Ok)
    }

    /// Whether the peer begins with the preface of HTTP/2; what was read for it is read again.
    pub(crate) async fn begins_with_http2(&mut self) -> io::Result<bool> {
        let mut first = [0; PREFACE.len()];
        let mut seen = 0;
        while seen < first.len() && first[..seen] == PREFACE[..seen] {
            match self.read(&mut first[seen..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => seen += read,
            }
        }
        self.ahead = first[..seen].to_vec();
        Ok(first[..seen] == *PREFACE)
    }
}

impl AsyncRead for Io {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return either!(self, poll_read(cx, buf));
        }
        let fits = self.ahead.len().min(buf.remaining());
        let rest = self.ahead.split_off(fits);
        buf.put_slice(&std::mem::replace(&mut self.ahead, rest));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true // for HTTP/2 and upgraded sockets; HTTP/1 is told not to
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_shutdown(cx))
    }
}
