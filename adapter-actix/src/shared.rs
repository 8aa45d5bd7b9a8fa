//! A connection that actix-http serves and that is ours too.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::Request;
use actix_web::dev::Extensions;
use neurolink_serve::Io;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Clone)]
pub(crate) struct Shared {
    io: Rc<RefCell<Io>>,
    used: Used,
}

/// Whether a connection has had a request, so that an answer may be on its way.
#[derive(Clone, Default)]
struct Used(Rc<Cell<bool>>);

impl Shared {
    pub(crate) fn new(io: Io) -> Self {
        Self { io: Rc::new(RefCell::new(io)), used: Used::default() }
    }

    /// Tells the requests of the connection where they came from.
    pub(crate) fn tell(&self, data: &mut Extensions) {
        data.insert(*self.io.borrow().info());
        data.insert(self.used.clone());
    }

    /// Remembers that the connection of a request has had one.
    pub(crate) fn had_a_request(request: &Request) {
        if let Some(Used(used)) = request.conn_data() {
            used.set(true);
        }
    }

    /// Ends the connection behind an answer that actix-http gave to what it could not read.
    pub(crate) async fn close(self) -> io::Result<()> {
        poll_fn(|cx| self.io.borrow_mut().poll_close(cx)).await
    }

    /// Whether it has had one.
    pub(crate) fn was_used(&self) -> bool {
        self.used.0.get()
    }
}

impl AsyncRead for Shared {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_read(cx, buf)
    }
}

impl AsyncWrite for Shared {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_shutdown(cx)
    }
}
