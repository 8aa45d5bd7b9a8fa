#![doc = include_str!("../README.md")]

mod address;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use neurolink_core::Error;
use neurolink_core::middleware::KeySource;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// The longest key set that is read, in bytes.
const LONGEST_SET: usize = 256 * 1024;

/// Why an address gives no key set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwksUrlError {
    /// Keys may not come from it.
    #[error("{0}")]
    Address(&'static str),
    /// The certificates that were given cannot be read, or none of the system's.
    #[error("no certificates to check the provider's with: {0}")]
    Certificates(String),
}

/// A JSON Web Key Set at an address: `https`, or `http` to this machine.
pub struct JwksUrl {
    uri: Uri,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl JwksUrl {
    /// Takes the keys of this address; certificates are checked against the system's.
    ///
    /// # Errors
    /// Keys may not come from that address, or the system has no certificates.
    pub fn new(url: &str) -> Result<Self, JwksUrlError> {
        let uri = address::parse(url).map_err(JwksUrlError::Address)?;
        let mut roots = RootCertStore::empty();
        if uri.scheme_str() == Some("https") {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let why =
                    found.errors.first().map_or_else(|| "install ca-certificates".to_owned(), ToString::to_string);
                return Err(JwksUrlError::Certificates(why));
            }
        }
        Self::with_roots(uri, roots)
    }

    /// The same with certificates of one's own instead of the system's, in PEM.
    ///
    /// # Errors
    /// Keys may not come from that address, or the text has no certificate.
    pub fn trusting(url: &str, certificates: &str) -> Result<Self, JwksUrlError> {
        let uri = address::parse(url).map_err(JwksUrlError::Address)?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(certificates.as_bytes()) {
            let certificate = certificate.map_err(|error| JwksUrlError::Certificates(error.to_string()))?;
            roots.add(certificate).map_err(|error| JwksUrlError::Certificates(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(JwksUrlError::Certificates(
                "the text has none; it begins with `-----BEGIN CERTIFICATE-----`".into(),
            ));
        }
        Self::with_roots(uri, roots)
    }

    /// A client that believes certificates of these roots only.
    fn with_roots(uri: Uri, roots: RootCertStore) -> Result<Self, JwksUrlError> {
        // The backend is named: the process has no default that another crate could change.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| JwksUrlError::Certificates(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        // No connection outlives its request: the runtime that made it may be gone at the next.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { uri, client })
    }
}

impl fmt::Debug for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwksUrl({})", self.name())
    }
}

#[async_trait]
impl KeySource for JwksUrl {
    /// The address without its query.
    fn name(&self) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}{}", self.uri.scheme_str().unwrap_or_default(), self.uri.path())
    }

    async fn fetch(&self) -> Result<String, Error> {
        let request = Request::get(&self.uri)
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .header(header::USER_AGENT, concat!("neurolink/", env!("CARGO_PKG_VERSION")));
        let request = request.body(Empty::new()).map_err(Error::internal)?;
        let response = self.client.request(request).await.map_err(Error::internal)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Error::internal("the provider redirects, which is not followed; name the new address"));
        }
        if status != StatusCode::OK {
            return Err(Error::internal(format!("the provider answered {status}")));
        }
        let body = Limited::new(response.into_body(), LONGEST_SET).collect().await.map_err(Error::internal)?;
        String::from_utf8(body.to_bytes().into()).map_err(Error::internal)
    }
}
