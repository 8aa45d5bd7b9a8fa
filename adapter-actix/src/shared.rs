//! A connection that actix-http serves and that is ours too.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Extensions;
use bytes::Bytes;
use neurolink_serve::{Heads, Io, Unanswered};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Clone)]
pub(crate) struct Shared {
    io: Rc<RefCell<Io>>,
    pub(crate) heads: Heads,
}

impl Shared {
    pub(crate) fn new(io: Io) -> Self {
        Self { io: Rc::new(RefCell::new(io)), heads: Heads::default() }
    }

    /// Tells the requests of the connection where they came from.
    pub(crate) fn tell(&self, data: &mut Extensions) {
        data.insert(*self.io.borrow().info());
        data.insert(self.heads.clone());
    }

    /// The connection, once actix-http is done with it.
    pub(crate) fn into_io(self) -> Option<Io> {
        Rc::try_unwrap(self.io).ok().map(RefCell::into_inner)
    }
}

impl AsyncRead for Shared {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut *self.io.borrow_mut()).poll_read(cx, buf))?;
        self.heads.read(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
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
        ready!(Pin::new(&mut *self.io.borrow_mut()).poll_flush(cx))?;
        self.heads.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io.borrow_mut()).poll_shutdown(cx)
    }
}

/// What a request is answered with; it counts as one until actix-http has all of it.
pub(crate) struct Answer<B> {
    body: B,
    _unanswered: Option<Unanswered>,
}

impl<B> Answer<B> {
    pub(crate) const fn new(body: B, unanswered: Option<Unanswered>) -> Self {
        Self { body, _unanswered: unanswered }
    }
}

impl<B: MessageBody + Unpin> MessageBody for Answer<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
