//! How many connections an address may have, on every framework.

use std::time::Duration;

use neurolink::Framework;
use neurolink::serve::ServeConfig;
use neurolink::server::Networks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::kit::{GET, app, ask, connect, start};

const KEEPS: &str = "GET /api/conn HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Two of each address.
fn two() -> ServeConfig {
    ServeConfig::default().max_connections_per_address(2)
}

/// Behind a proxy of this machine that tells of this client.
fn proxied(client: &str) -> String {
    format!("PROXY TCP4 {client} 192.0.2.1 50123 443\r\n")
}

/// Has a request answered, so that it is among those that are counted.
async fn counted(mut connection: TcpStream, header: &str) -> TcpStream {
    connection.write_all(format!("{header}{KEEPS}").as_bytes()).await.expect("sends");
    let mut first = [0; 12];
    timeout(Duration::from_secs(10), connection.read_exact(&mut first)).await.expect("in time").expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200");
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_more_of_an_address_is_closed_until_another_has_gone() {
    let proxies = Networks::parse(["127.0.0.0/8"]).expect("a network");
    for framework in Framework::ALL {
        let address = start(framework, app(|_| ()), two().proxy_protocol(proxies.clone())).await;
        let header = proxied("192.0.2.7");
        let get = async |client| ask(connect(address).await, proxied(client) + GET).await;
        let first = counted(connect(address).await, &header).await;
        let _second = counted(connect(address).await, &header).await;
        assert_eq!(get("192.0.2.7").await, "", "{framework}");
        assert!(get("192.0.2.8").await.starts_with("HTTP/1.1 200"), "{framework}: others have their own");
        drop(first);
        let room = async { while get("192.0.2.7").await.is_empty() {} };
        timeout(Duration::from_secs(10), room).await.unwrap_or_else(|_| panic!("{framework}: there is room again"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_many_share_is_not_counted() {
    let shared = Networks::parse(["127.0.0.1"]).expect("an address");
    for framework in Framework::ALL {
        let address = start(framework, app(|_| ()), two().shared_addresses(shared.clone())).await;
        let mut open = Vec::new();
        for _ in 0..5 {
            open.push(counted(connect(address).await, "").await);
        }
    }
}
