use std::time::{Duration, Instant};

use neurolink::serve::{ServeConfig, Tls};
use neurolink::{ConfigError, Framework, create_server, routes::OfflineEngine};
use neurolink_config::{Config, Loader, TlsConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::kit::{Files, GET, app, ask, connect, data, handshake, pair, rest, start, start_at, tls};

// Shows S0-69, S1-55, S1-63.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_1_is_encrypted_and_the_app_knows_it() {
    let files = Files::new("http1");
    let trusted = files.write();
    for framework in Framework::ALL {
        let address = start(framework, app(|_| ()), ServeConfig::default().tls(files.load())).await;
        for (alpn, versions, version) in [
            (&["http/1.1"][..], &[&TLS13][..], "TLSv1_3"),
            (&["http/1.1"], &[&TLS12], "TLSv1_2"),
            (&[], &[&TLS13, &TLS12], "TLSv1_3"),
        ] {
            let stream = handshake(address, &trusted, alpn, versions).await.expect("shakes hands");
            let chosen = stream.get_ref().1.alpn_protocol();
            assert_eq!(chosen, alpn.first().map(|name| name.as_bytes()), "{framework}");
            let told = data(&ask(stream, GET).await);
            assert_eq!((&told["https"], &told["tls"]), (&true.into(), &version.into()), "{framework}: {told}");
            assert!(told["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{framework}: {told}");
        }
    }
}

// Shows S1-63.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_is_chosen_where_the_client_can() {
    let files = Files::new("http2");
    let trusted = files.write();
    for framework in Framework::ALL {
        let address = start(framework, app(|_| ()), ServeConfig::default().tls(files.load())).await;
        let stream = tls(address, &trusted, &["h2", "http/1.1"]).await.expect("shakes hands");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "{framework}");
        let (mut send, connection) = h2::client::handshake(stream).await.expect("shakes hands");
        let driving = tokio::spawn(connection);
        for _ in 0..2 {
            let request = http::Request::get("https://localhost/api/conn").body(()).expect("a request");
            let (response, _) = send.send_request(request, true).expect("sends");
            let response = response.await.expect("answers");
            assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2), "{framework}");
            let mut body = response.into_body();
            let mut text = String::new();
            while let Some(piece) = body.data().await {
                text.push_str(&String::from_utf8_lossy(&piece.expect("reads")));
            }
            assert!(text.contains("\"https\":true"), "{framework}: {text}");
        }
        driving.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_told_that_it_ends_when_the_server_stops() {
    let files = Files::new("stop");
    let trusted = files.write();
    for framework in Framework::ALL {
        let config = ServeConfig::default().tls(files.load());
        let (server, address) = start_at(framework, app(|_| ()), config, "127.0.0.1:0").await;
        let mut stream = tls(address, &trusted, &["http/1.1"]).await.expect("shakes hands");
        stream.write_all(b"GET /api/conn HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sends");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("answers");
        assert_eq!(&first, b"HTTP/1.1 200", "{framework}");
        server.stop().await.expect("stops");
        // An end that nobody told of is an error here.
        stream.read_to_end(&mut Vec::new()).await.unwrap_or_else(|error| panic!("{framework}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_can_be_off() {
    let files = Files::new("no-http2");
    let trusted = files.write();
    for framework in Framework::ALL {
        let config = ServeConfig::default().tls(files.load()).http2(false);
        let address = start(framework, app(|_| ()), config).await;
        let stream = tls(address, &trusted, &["h2", "http/1.1"]).await.expect("shakes hands");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]), "{framework}");
        assert!(tls(address, &trusted, &["h2"]).await.is_err(), "{framework}: nothing is in common");
    }
}

// Shows S1-55, S1-63.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_and_old_versions_are_refused_there() {
    /// A `ClientHello` of TLS 1.1, with one cipher suite of its time.
    #[rustfmt::skip] // a line for each field
    const TLS_1_1: &[u8] = &[
        0x16, 3, 1, 0, 55, // a record
        1, 0, 0, 51, 3, 2, // a `ClientHello` of 1.1
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
        0, // no session
        0, 2, 0xc0, 0x2f, // a cipher suite
        1, 0, // no compression
        0, 8, 0, 13, 0, 4, 0, 2, 4, 3, // signature algorithms
    ];
    const PROTOCOL_VERSION: u8 = 70;
    let files = Files::new("plain");
    files.write();
    for framework in Framework::ALL {
        let address = start(framework, app(|_| ()), ServeConfig::default().tls(files.load())).await;
        let answer = ask(connect(address).await, GET).await;
        assert!(!answer.contains("HTTP/"), "{framework}: {answer}");
        let mut old = connect(address).await;
        old.write_all(TLS_1_1).await.expect("sends");
        let alert = rest(old).await.into_bytes();
        assert_eq!((alert.first(), alert.last()), (Some(&0x15), Some(&PROTOCOL_VERSION)), "{framework}: {alert:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_takes_too_long_ends() {
    let files = Files::new("slow");
    files.write();
    for framework in Framework::ALL {
        let config = ServeConfig::default().tls(files.load()).tls_handshake_timeout(Duration::from_millis(200));
        let address = start(framework, app(|_| ()), config).await;
        for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00"] {
            let started = Instant::now();
            let answer = ask(connect(address).await, begun).await;
            // The time of a head, 10 s, would be the next to end it.
            assert!(answer.is_empty() && started.elapsed() < Duration::from_secs(5), "{framework}: {answer}");
        }
    }
}

// Shows S1-55.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_taken_and_a_broken_one_is_not() {
    let files = Files::new("reload");
    for framework in Framework::ALL {
        let first = files.write();
        let pair = files.load().reload_every(Duration::from_millis(20));
        let address = start(framework, app(|_| ()), ServeConfig::default().tls(pair.clone())).await;
        let mut open = tls(address, &first, &[]).await.expect("shakes hands");
        std::fs::write(files.key(), "broken").expect("writes");
        assert!(pair.reload().is_err(), "{framework}: it is broken");
        assert!(tls(address, &first, &[]).await.is_ok(), "{framework}: the one before stays");
        let second = files.write();
        let taken = async {
            while tls(address, &second, &[]).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(10), taken).await.expect("the new one is shown");
        assert!(tls(address, &first, &[]).await.is_err(), "{framework}: the old one is not");
        open.write_all(GET.as_bytes()).await.expect("sends");
        assert_eq!(data(&rest(open).await)["https"], true, "{framework}: an open connection goes on");
    }
}

#[test]
fn mistakes_name_their_file_and_all_come_at_once() {
    let files = Files::new("mistakes");
    files.write();
    let (missing, garbage) = (files.path().join("missing.pem"), files.path().join("garbage.pem"));
    std::fs::write(&garbage, "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n").expect("writes");
    let other = files.path().join("other.key");
    std::fs::write(&other, pair().signing_key.serialize_pem()).expect("writes");
    let problems = |cert, key| {
        let error = Tls::load(cert, key).expect_err("wrong");
        assert!(!error.to_string().contains("hush"), "{error}");
        error.problems.into_iter().map(|problem| (problem.is_key, problem.reason)).collect::<Vec<_>>()
    };
    let both = problems(missing.clone(), garbage.clone());
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(!both[0].0 && both[0].1.contains("No such file"), "{both:?}");
    assert!(both[1].0, "{both:?}");
    let swapped = problems(files.key(), files.cert());
    assert!(
        swapped[0].1.contains("no certificate in it") && swapped[1].1.contains("no private key in it"),
        "{swapped:?}"
    );
    let foreign = problems(files.cert(), other);
    assert!(foreign[0].0 && foreign[0].1.contains("is not the key of"), "{foreign:?}");
    let mut config = Config::default();
    config.server.tls = Some(TlsConfig::new(missing, garbage));
    config.server.proxy_protocol = true;
    config.proxies.hops = Some(2);
    let error = create_server(OfflineEngine::new()).config(config).build().expect_err("wrong");
    let keys: Vec<_> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["proxy_hops", "server.tls.cert", "server.tls.key", "server.proxy_protocol"], "{error}");
}

#[test]
fn half_a_pair_in_the_configuration_is_a_mistake() {
    let files = Files::new("half");
    files.write();
    let (cert, key) = (format!("cert = {:?}\n", files.cert()), format!("key = {:?}\n", files.key()));
    let load = |lines: &[&str]| -> Result<_, ConfigError> {
        Loader::new().text("a.toml", format!("[server.tls]\n{}", lines.concat())).load()
    };
    for (lines, wrong) in [
        (&[&*cert][..], "server.tls.key"),
        (&[&*key], "server.tls.cert"),
        (&["cert = \"\"\n", &*key], "server.tls.cert"),
        (&["cert = \"no-such.crt\"\n", &*key], "server.tls.cert"),
        (&[&*cert, &*key, "ca = \"x\""], "server.tls.ca"),
    ] {
        let error = load(lines).expect_err(wrong);
        assert_eq!(error.problems().iter().map(|problem| &*problem.key).collect::<Vec<_>>(), [wrong], "{error}");
    }
    let both = load(&[&*cert, &*key]).expect("valid");
    assert_eq!(both.config.server.tls, Some(TlsConfig::new(files.cert(), files.key())));
}
