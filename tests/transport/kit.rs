//! A server that tells what it knows of a connection, certificates, and clients.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use neurolink::routes::OfflineEngine;
use neurolink::serve::{ServeConfig, Tls};
use neurolink::server::Server;
use neurolink::{App, Context, Framework, Json, Route, Settings};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

pub(crate) const GET: &str = "GET /api/conn HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What the server knows of the connection of a request.
async fn conn(ctx: &mut Context) -> Json<Value> {
    let conn = *ctx.conn();
    Json(json!({
        "client": ctx.client_address(),
        "peer": conn.peer,
        "local": conn.local,
        "https": ctx.is_https(),
        "tls": conn.tls.map(|tls| tls.version),
        "unix": conn.unix,
    }))
}

pub(crate) fn app(settings: impl FnOnce(&mut Settings) + 'static) -> App {
    let upload = async |body: bytes::Bytes| Json(json!({ "bytes": body.len() }));
    App::builder(OfflineEngine::new())
        .configure(settings)
        .route(Route::get("/api/conn", conn))
        .route(Route::post("/api/upload", upload))
        .build()
        .expect("valid")
}

/// A server that stops with the test's runtime.
pub(crate) async fn start(framework: Framework, app: App, config: ServeConfig) -> SocketAddr {
    start_at(framework, app, config, "127.0.0.1:0").await.1
}

pub(crate) async fn start_at(
    framework: Framework,
    app: App,
    config: ServeConfig,
    address: &str,
) -> (Server, SocketAddr) {
    let adapter = framework.adapter_with(config).expect("compiled in");
    let server = Server::builder(app).adapter(adapter).bind(address).build().expect("valid");
    server.initialize().expect("initializes");
    let address = server.start().await.expect("starts");
    (server, address)
}

/// Sends bytes and reads what comes until the end.
pub(crate) async fn ask(mut io: impl AsyncRead + AsyncWrite + Unpin, bytes: impl AsRef<[u8]>) -> String {
    // A connection that is refused may be gone already.
    let _ = io.write_all(bytes.as_ref()).await;
    rest(io).await
}

/// What comes until the connection ends.
pub(crate) async fn rest(mut io: impl AsyncRead + Unpin) -> String {
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(10), io.read_to_end(&mut answer)).await.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("connects")
}

/// The data of a successful answer.
pub(crate) fn data(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str::<Value>(body).expect("JSON")["data"].take()
}

/// A folder with a certificate for `localhost` and its key, removed at the end.
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("neurolink-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    pub(crate) fn cert(&self) -> PathBuf {
        self.0.join("server.crt")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("server.key")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a new pair, and tells how to trust it.
    pub(crate) fn write(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } = pair();
        std::fs::write(self.cert(), cert.pem()).expect("writes");
        std::fs::write(self.key(), signing_key.serialize_pem()).expect("writes");
        cert.der().clone()
    }

    pub(crate) fn load(&self) -> Tls {
        Tls::load(self.cert(), self.key()).expect("a valid pair")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

/// A client that trusts this certificate only, and offers these protocols.
pub(crate) async fn handshake(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, connect(address).await).await
}

pub(crate) async fn tls(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    handshake(address, trusted, alpn, &[&TLS13, &TLS12]).await
}
