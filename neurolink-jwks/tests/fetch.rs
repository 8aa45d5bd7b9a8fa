//! What is taken of a provider, and what is not.

use std::sync::Arc;

use neurolink_core::middleware::KeySource as _;
use neurolink_jwks::{JwksUrl, JwksUrlError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A provider on this machine that gives everybody these bytes, and its port.
async fn provider(answer: String, tls: Option<TlsAcceptor>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (answer, tls) = (answer.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    Some(tls) => {
                        // One who does not trust it goes away here.
                        let Ok(mut socket) = tls.accept(socket).await else { return };
                        give(&mut socket, &answer).await;
                    }
                    None => give(&mut socket, &answer).await,
                }
            });
        }
    });
    port
}

async fn give(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &str) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.expect("a request"));
    }
    // A client that has read enough leaves.
    if socket.write_all(answer.as_bytes()).await.is_ok() && socket.flush().await.is_ok() {
        let _ = socket.shutdown().await;
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

async fn fetch(answer: String) -> Result<String, String> {
    let port = provider(answer, None).await;
    let source = JwksUrl::new(&format!("http://127.0.0.1:{port}/jwks?secret=1")).expect("an address");
    assert_eq!(source.name(), format!("http://127.0.0.1:{port}/jwks"), "no query in logs");
    source.fetch().await.map_err(|error| error.log_text())
}

#[tokio::test]
async fn a_set_is_fetched() {
    assert_eq!(fetch(answer("200 OK", "", r#"{"keys":[]}"#)).await.as_deref(), Ok(r#"{"keys":[]}"#));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = provider(answer("200 OK", "", r#"{"keys":[]}"#), None).await;
    for status in ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"] {
        let location = format!("location: http://127.0.0.1:{elsewhere}/jwks\r\n");
        let error = fetch(answer(status, &location, "")).await.expect_err(status);
        assert!(error.contains("redirects"), "{error}");
    }
}

#[tokio::test]
async fn other_answers_and_long_ones_are_errors() {
    for (status, body) in
        [("404 Not Found", "{}".to_owned()), ("500 Oops", "{}".to_owned()), ("204 No Content", String::new())]
    {
        assert!(fetch(answer(status, "", &body)).await.is_err(), "{status}");
    }
    assert!(fetch(answer("200 OK", "", &" ".repeat(256 * 1024))).await.is_ok());
    assert!(fetch(answer("200 OK", "", &" ".repeat(256 * 1024 + 1))).await.is_err());
    let endless = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", " ".repeat(1024 * 1024));
    assert!(fetch(endless).await.is_err(), "also without a length");
    assert!(fetch("no HTTP at all".into()).await.is_err());
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    assert!(JwksUrl::new(&format!("http://127.0.0.1:{port}/")).expect("an address").fetch().await.is_err());
}

#[tokio::test]
async fn only_a_certificate_that_is_trusted_will_do() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config =
        ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("a configuration")));
    let port = provider(answer("200 OK", "", r#"{"keys":[]}"#), Some(acceptor)).await;
    let url = |host: &str| format!("https://{host}:{port}/jwks");
    let trusting = JwksUrl::trusting(&url("localhost"), &made.cert.pem()).expect("a certificate");
    assert_eq!(trusting.fetch().await.ok().as_deref(), Some(r#"{"keys":[]}"#));
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let wrong = JwksUrl::trusting(&url("localhost"), &other.cert.pem()).expect("a certificate");
    assert!(wrong.fetch().await.is_err());
    let renamed = JwksUrl::trusting(&url("127.0.0.1"), &made.cert.pem()).expect("a certificate");
    assert!(renamed.fetch().await.is_err(), "the certificate is of another name");
    assert!(matches!(JwksUrl::trusting(&url("localhost"), "none"), Err(JwksUrlError::Certificates(_))));
}
