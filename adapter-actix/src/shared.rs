//! A connection that actix-http serves and that is ours too.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use actix_http::Request;
use actix_web::dev::Extensions;
use actix_web::http::header::HttpDate;
use neurolink_serve::Io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

/// How long a client may take a refusal.
const LAST_WORDS: Duration = Duration::from_secs(1);

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

    /// Answers the panic of actix-http at a header name of 64 KiB or more with 431.
    ///
    /// Once there was a request the panic may be a handler's, and an answer may be half sent: then it does nothing.
    pub(crate) async fn refuse_first_head(mut self) {
        if !self.used.0.get() {
            let _ = timeout(LAST_WORDS, self.refuse()).await;
        }
    }

    /// Says that the head is too large, and reads what still comes, so that the answer is not lost to a reset.
    async fn refuse(&mut self) -> io::Result<()> {
        let status = "HTTP/1.1 431 Request Header Fields Too Large";
        let date = HttpDate::from(SystemTime::now());
        let refusal = format!("{status}\r\nconnection: close\r\ncontent-length: 0\r\ndate: {date}\r\n\r\n");
        self.write_all(refusal.as_bytes()).await?;
        self.shutdown().await?;
        let mut rest = [0; 4096];
        while self.read(&mut rest).await? > 0 {}
        Ok(())
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
