//! Services that are not ready at once.

use std::future::Ready;
use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use neurolink_core::server::{Shutdown, ShutdownHandle};
use neurolink_serve::{ServeConfig, serve};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::kit::{GET_CLOSE, rest};

/// Ready when it is asked for the second time; or never, for it fails.
#[derive(Clone)]
struct Late {
    asked: usize,
    fails: bool,
}

impl Service<Request<Incoming>> for Late {
    type Response = Response<Full<Bytes>>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.asked += 1;
        match self.asked {
            _ if self.fails => Poll::Ready(Err(io::Error::other("out of order"))),
            1 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _request: Request<Incoming>) -> Self::Future {
        assert!(self.asked > 1, "called before it was ready");
        std::future::ready(Ok(Response::new("ready".into())))
    }
}

/// What a client reads, and the handle that keeps the server.
async fn answer(service: Late) -> (String, ShutdownHandle) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (handle, shutdown) = Shutdown::new();
    tokio::spawn(serve(listener, ServeConfig::default(), shutdown, move |_| service.clone()));
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(GET_CLOSE.as_bytes()).await.expect("sends");
    (rest(&mut stream).await, handle)
}

#[tokio::test]
async fn a_service_is_called_once_it_is_ready() {
    let (answer, _server) = answer(Late { asked: 0, fails: false }).await;
    assert!(answer.ends_with("ready"), "{answer}");
}

#[tokio::test]
async fn a_service_that_is_out_of_order_is_not_called() {
    let (answer, _server) = answer(Late { asked: 0, fails: true }).await;
    assert_eq!(answer, "");
}
