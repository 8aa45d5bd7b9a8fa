use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::{self, HttpServerConnExec};
use neurolink_core::server::{Phase, Shutdown};
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep};
use tower_service::Service;

use crate::call::Called;
use crate::pulse::{Counted, CountedBody, Pulse, Seen, Version};
use crate::refusal::Refusal;
use crate::slot::Slot;
use crate::socket::Socket;
use crate::{Prepared, ServeConfig};

/// How many resets of an HTTP/2 peer are borne before the connection is closed (rapid reset).
const RESETS: usize = 20;

/// What hyper holds on the stack for the header lines of a request.
const HEADERS_ON_STACK: usize = 100;

/// What all connections share; an executor has the streams of HTTP/2.
pub(crate) struct Http<E = TokioExecutor> {
    builder: auto::Builder<E>,
    http2: bool,
    head: Duration,
    idle: Duration,
}

impl<E> Http<E> {
    pub(crate) fn new(config: &ServeConfig, executor: E) -> Self {
        let head = ServeConfig::bounded(config.header_read_timeout);
        let mut builder = auto::Builder::new(executor);
        builder
            .http1()
            // hyper would count a silence between two requests as a head, and set a timer for each: `drive` has one.
            .header_read_timeout(None)
            .half_close(false)
            .writev(false)
            .max_buf_size(config.header_bytes.max(8192));
        if config.max_headers != HEADERS_ON_STACK {
            builder.http1().max_headers(config.max_headers);
        }
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(config.max_concurrent_streams)
            .max_header_list_size(u32::try_from(config.header_bytes).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS)
            .keep_alive_interval(head * 2)
            .keep_alive_timeout(head);
        Self { builder, http2: config.http2, head, idle: ServeConfig::bounded(config.keep_alive_idle) }
    }
}

/// What the executor runs for each stream of HTTP/2.
pub(crate) type Answering<S> = <Counted<Called<S>> as HyperService<http::Request<Incoming>>>::Future;

/// What a connection without a request waits for.
enum Awaits {
    /// The first bytes, which tell the version.
    Version,
    /// A time without a request.
    Idle,
    /// The end of an idle connection that was asked to close.
    Close,
}

/// Serves one connection until its socket is closed, by whomever has it after an upgrade; dropping it cuts the socket.
pub(crate) async fn drive<S, B, E>(prepared: Prepared, http: &Http<E>, shutdown: Shutdown, service: S)
where
    S: Service<http::Request<Incoming>, Response = http::Response<B>> + Clone + 'static,
    S::Future: 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: HttpServerConnExec<Answering<S>, CountedBody<B>>,
{
    let pulse = Arc::new(Pulse::default());
    let Prepared { io, http2, mut hold } = prepared;
    // Where the handshake chose a version, the other is not spoken.
    let slot = Slot::default();
    let socket = Socket::new(io, slot.clone(), http2.unwrap_or(http.http2), Arc::clone(&pulse));
    let mut late = false;
    {
        let service = Counted::new(Called(service), Arc::clone(&pulse));
        let mut connection = pin!(http.builder.serve_connection_with_upgrades(TokioIo::new(socket), service));
        let mut timer = pin!(sleep(http.head));
        let (mut awaits, mut seen, mut due) = (Awaits::Version, Seen::default(), timer.deadline());
        // One wait at a time: each is a lock in every poll. A connection that is always busy uses up its task's budget,
        // so the wait is not under it.
        let mut stop = pin!(unconstrained(shutdown.reached(Phase::Draining)));
        let (mut next, mut stopping) = (Phase::Draining, false);
        loop {
            tokio::select! {
                biased; // a request that has arrived is seen before the order to close
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        tracing::debug!(target: "neurolink::serve", "connection ended: {error}");
                    }
                    break;
                }
                () = stop.as_mut(), if !stopping => {
                    // GOAWAY lets the peer's requests in flight pass; HTTP/1 has no such word, so it waits for the next phase.
                    if next == Phase::Refusing || pulse.version() == Version::Http2 {
                        connection.as_mut().graceful_shutdown();
                        stopping = true;
                    } else {
                        next = Phase::Refusing;
                        stop.set(unconstrained(shutdown.reached(next)));
                    }
                }
                () = timer.as_mut() => {
                    let now = Instant::now();
                    let head = pulse.head_since().map(|since| since + http.head);
                    if head.is_some_and(|head| head <= now) {
                        late = true;
                        break;
                    }
                    if due <= now {
                        due = now + match awaits {
                            Awaits::Version if pulse.version() == Version::Unknown => break,
                            // Empty lines begin no head.
                            Awaits::Version if pulse.version() == Version::Http1 && pulse.is_new() && head.is_none() => {
                                break;
                            }
                            Awaits::Close if pulse.is_idle(&mut seen) => break,
                            Awaits::Version => {
                                pulse.is_idle(&mut seen);
                                awaits = Awaits::Idle;
                                http.idle
                            }
                            Awaits::Idle if pulse.is_idle(&mut seen) && head.is_none() => {
                                connection.as_mut().graceful_shutdown();
                                awaits = Awaits::Close;
                                http.head
                            }
                            Awaits::Idle if pulse.version() == Version::Http2 && pulse.is_stalled(&seen) => break,
                            Awaits::Idle => http.idle,
                            Awaits::Close => http.head,
                        };
                    }
                    // A head that begins later is not late before the next look.
                    let look = if pulse.version() == Version::Http1 { head.unwrap_or(now + http.head) } else { due };
                    timer.as_mut().reset(due.min(look));
                }
            }
        }
    }
    // To a head that was never begun there is nothing to say.
    if let Some(io) = slot.take()
        && late
        && pulse.has_half_a_head()
    {
        io.refuse(Refusal::LateHead).await;
    }
    // An upgraded socket is the application's now; it counts as a connection as long as it is open.
    hold.closed().await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::{self, IoSlice};
    use std::pin::Pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body_util::StreamBody;
    use hyper::body::Frame;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};

    use super::*;

    /// A stream that could write several pieces with one call, and notes what is written by each.
    struct Noted(DuplexStream, Arc<Mutex<Vec<Written>>>);

    #[derive(Debug, PartialEq)]
    enum Written {
        Whole(String),
        InPieces,
    }

    impl Noted {
        fn note(&self, written: Written) {
            self.1.lock().expect("one thread").push(written);
        }
    }

    impl AsyncRead for Noted {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Noted {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.note(Written::Whole(String::from_utf8_lossy(buf).into_owned()));
            Pin::new(&mut self.0).poll_write(cx, buf)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.note(Written::InPieces);
            Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    /// Three events, and a pause before each but the first.
    async fn events(
        _: http::Request<Incoming>,
    ) -> Result<http::Response<impl Body<Data = Bytes, Error = Infallible>>, Infallible> {
        let events = futures_util::stream::unfold(0, async |sent| {
            if sent > 0 {
                tokio::task::yield_now().await;
            }
            (sent < 3).then(|| (Ok(Frame::data(Bytes::from(format!("data: {sent}\n\n")))), sent + 1))
        });
        Ok(http::Response::new(StreamBody::new(Box::pin(events))))
    }

    #[tokio::test]
    async fn a_piece_of_a_stream_is_one_plain_write() {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let written = Arc::default();
        let http = Http::new(&ServeConfig::default(), TokioExecutor::new());
        let io = TokioIo::new(Noted(server, Arc::clone(&written)));
        let serving = http.builder.serve_connection_with_upgrades(io, hyper::service::service_fn(events));
        let asking = async {
            client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("sends");
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.expect("an answer");
            answer
        };
        let (served, answer) = tokio::join!(serving, asking);
        served.expect("a clean end");
        assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
        let written = std::mem::take(&mut *written.lock().expect("one thread"));
        assert!(!written.contains(&Written::InPieces), "{written:?}");
        for sent in 1..3 {
            let piece = Written::Whole(format!("9\r\ndata: {sent}\n\n\r\n"));
            assert!(written.contains(&piece), "{piece:?} is not one of {written:?}");
        }
    }
}
