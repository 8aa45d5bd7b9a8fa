use std::time::{Duration, Instant};

use neurolink::Framework;
use neurolink::serve::ServeConfig;
use neurolink::server::Networks;

use crate::kit::{Files, GET, app, ask, connect, data, start};

const V1: &str = "PROXY TCP4 192.0.2.7 192.0.2.1 50123 443\r\n";

/// Version 2, of an IPv4 client.
fn v2(command: u8) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([0x20 | command, 0x11, 0, 15, 192, 0, 2, 7, 192, 0, 2, 1, 0xc3, 0xcb, 1, 0xbb, 4, 0, 0]);
    header
}

fn from(network: &str) -> ServeConfig {
    ServeConfig::default().proxy_protocol(Networks::parse([network]).expect("a network"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ends_are_those_that_the_header_tells() {
    for framework in Framework::ALL {
        let address =
            start(framework, app(|settings| settings.hosts = vec!["localhost".into()]), from("127.0.0.0/8")).await;
        for header in [V1.as_bytes().to_vec(), v2(1)] {
            let told = data(&ask(connect(address).await, [&header, GET.as_bytes()].concat()).await);
            assert_eq!(told["client"], "192.0.2.7", "{framework}: {told}");
            assert_eq!(
                (&told["peer"], &told["local"]),
                (&"192.0.2.7:50123".into(), &"192.0.2.1:443".into()),
                "{framework}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_speaks_for_itself_keeps_its_address() {
    for framework in Framework::ALL {
        let address = start(framework, app(|_| ()), from("127.0.0.0/8")).await;
        for header in [b"PROXY UNKNOWN\r\n".to_vec(), v2(0)] {
            let told = data(&ask(connect(address).await, [&header, GET.as_bytes()].concat()).await);
            assert_eq!(told["client"], "127.0.0.1", "{framework}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_send_a_header_is_cut_and_so_is_a_connection_without_one() {
    for framework in Framework::ALL {
        for (network, header) in [
            ("10.0.0.0/8", V1),
            ("127.0.0.0/8", ""),
            ("127.0.0.0/8", "PROXY TCP4 192.0.2.7 192.0.2.1 50123 99999\r\n"),
            ("127.0.0.0/8", "PROXY TCP4 192.0.2.7\n"),
        ] {
            let address = start(framework, app(|_| ()), from(network)).await;
            let answer = ask(connect(address).await, format!("{header}{GET}")).await;
            assert_eq!(answer, "", "{framework} {network} {header:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_has_to_come_in_time() {
    for framework in Framework::ALL {
        let config = from("127.0.0.0/8").header_read_timeout(Duration::from_millis(200));
        let address = start(framework, app(|_| ()), config).await;
        for begun in ["", "PROXY TCP4 192"] {
            let started = Instant::now();
            assert_eq!(ask(connect(address).await, begun).await, "", "{framework}");
            assert!(started.elapsed() < Duration::from_secs(5), "{framework} {begun:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encryption_begins_behind_the_header() {
    use std::sync::Arc;
    use tokio::io::AsyncWriteExt as _;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

    let files = Files::new("behind");
    let trusted = files.write();
    let mut roots = RootCertStore::empty();
    roots.add(trusted).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_root_certificates(roots);
    let client = tokio_rustls::TlsConnector::from(Arc::new(config.with_no_client_auth()));
    for framework in Framework::ALL {
        let app = app(|settings| settings.hosts = vec!["localhost".into()]);
        let address = start(framework, app, from("127.0.0.0/8").tls(files.load())).await;
        let mut stream = connect(address).await;
        stream.write_all(V1.as_bytes()).await.expect("sends");
        let stream =
            client.connect(ServerName::try_from("localhost").expect("a name"), stream).await.expect("shakes hands");
        let told = data(&ask(stream, GET).await);
        assert_eq!((&told["client"], &told["https"]), (&"192.0.2.7".into(), &true.into()), "{framework}: {told}");
    }
}
