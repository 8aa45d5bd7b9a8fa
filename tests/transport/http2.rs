//! What HTTP/2 says in another way than HTTP/1.

use neurolink::Framework;
use neurolink::serve::ServeConfig;
use tokio::net::TcpStream;

use crate::kit::{app, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_the_whole_server_is_answered_as_over_http_1() {
    for framework in Framework::ALL {
        let address = start(framework, app(|_| ()), ServeConfig::default()).await;
        let stream = TcpStream::connect(address).await.expect("connects");
        let (mut send, connection) = h2::client::handshake(stream).await.expect("shakes hands");
        let driving = tokio::spawn(connection);
        let target = http::Uri::builder().scheme("http").authority("localhost").path_and_query("*");
        let request = http::Request::options(target.build().expect("a target")).body(()).expect("a request");
        let (response, _) = send.send_request(request, true).expect("sends");
        let response = response.await.expect("answers");
        assert_eq!(response.status(), 204, "{framework}");
        assert!(response.headers().contains_key("allow"), "{framework}");
        driving.abort();
    }
}
