//! A certificate and its key out of files, read again when they change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use neurolink_core::app::TlsInfo;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use super::{TlsError, files};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// A certificate and its key: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN.
///
/// A cheap handle to clone. Serving looks at the files every 5 s, and takes a certificate that has changed for every
/// connection from then on; files that are broken change nothing, and the log says so.
///
/// ```no_run
/// use neurolink_serve::{ServeConfig, Tls};
///
/// let config = ServeConfig::default().tls(Tls::load("server.crt", "server.key")?);
/// # Ok::<(), neurolink_serve::TlsError>(())
/// ```
#[derive(Clone)]
pub struct Tls {
    current: Arc<Current>,
    every: Duration,
}

/// The pair that is shown to clients.
struct Current {
    cert: PathBuf,
    key: PathBuf,
    pair: ArcSwap<CertifiedKey>,
    /// Of the pair that was read last, whether it could be used or not.
    seen: ArcSwap<Option<Stamp>>,
}

/// What tells that files are others than before.
type Stamp = [(Option<SystemTime>, u64); 2];

impl Tls {
    /// Reads a certificate with its chain, and its private key, from files in PEM.
    ///
    /// # Errors
    /// What is wrong with each file: it cannot be read, there is nothing in it, or the two do not belong together.
    pub fn load(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (cert, key) = (cert.into(), key.into());
        let seen = ArcSwap::from_pointee(stamp(&cert, &key));
        let pair = ArcSwap::from_pointee(files::read(&cert, &key)?);
        Ok(Self { current: Arc::new(Current { cert, key, pair, seen }), every: LOOK })
    }

    /// Sets how often the files are looked at: 5 s unless told.
    #[must_use]
    pub const fn reload_every(mut self, time: Duration) -> Self {
        self.every = time;
        self
    }

    /// Reads the files again; the log tells how that went.
    ///
    /// # Errors
    /// What is wrong with them; the pair before stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let Current { cert, key, pair, seen } = &*self.current;
        seen.store(Arc::new(stamp(cert, key)));
        let read = files::read(cert, key).map(|read| pair.store(Arc::new(read)));
        match &read {
            Ok(()) => tracing::info!(target: "neurolink::serve", "the certificate was read again"),
            Err(error) => {
                tracing::error!(target: "neurolink::serve", "the new certificate is not used, the one before is: {error}");
            }
        }
        read
    }

    /// Reads the files again whenever they have changed; it never ends.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(self.every.max(Duration::from_millis(10))).await;
            let Current { cert, key, seen, .. } = &*self.current;
            let now = stamp(cert, key);
            if now == **seen.load() {
                continue;
            }
            let _ = self.reload(); // the log has it
        }
    }

    /// What rustls is set to.
    pub(crate) fn server_config(&self, http2: bool) -> Result<ServerConfig, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        let offered: &[&[u8]] = if http2 { &[HTTP2, HTTP1] } else { &[HTTP1] };
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }
}

/// Nothing if a file is not there.
fn stamp(cert: &Path, key: &Path) -> Option<Stamp> {
    let of = |path: &Path| std::fs::metadata(path).map(|found| (found.modified().ok(), found.len())).ok();
    Some([of(cert)?, of(key)?])
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.pair.load_full())
    }
}

/// What a handshake has ended in, and whether HTTP/2 was chosen.
pub(crate) fn facts(connection: &ServerConnection) -> (TlsInfo, bool) {
    let version = connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("unknown");
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
    (TlsInfo::new(version, suite), connection.alpn_protocol() == Some(HTTP2))
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("cert", &self.current.cert).field("key", &self.current.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("cert", &self.cert).finish_non_exhaustive()
    }
}
