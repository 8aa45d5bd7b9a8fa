//! A certificate and its key, read from PEM.

use std::path::Path;

use rustls::crypto::ring;
use rustls::pki_types::pem::{Error, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{TlsError, TlsProblem};

/// Reads both; what is wrong with either is told together.
pub(super) fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let chain = chain(cert).map_err(|reason| TlsProblem { is_key: false, file: cert.into(), reason });
    let signer = signer(key).map_err(|reason| TlsProblem { is_key: true, file: key.into(), reason });
    let (chain, signer) = match (chain, signer) {
        (Ok(chain), Ok(signer)) => (chain, signer),
        (chain, signer) => {
            return Err(TlsError { problems: [chain.err(), signer.err()].into_iter().flatten().collect() });
        }
    };
    let pair = CertifiedKey::new(chain, signer);
    let wrong = |is_key: bool, reason: String| {
        let file = if is_key { key } else { cert };
        TlsError { problems: vec![TlsProblem { is_key, file: file.into(), reason }] }
    };
    match pair.keys_match() {
        // Some keys cannot tell their public half.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => Err(wrong(true, format!("it is not the key of {}", cert.display()))),
        Err(error) => Err(wrong(false, format!("its first certificate cannot be used: {error}"))),
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(reason)?;
    if chain.is_empty() {
        return Err("there is no certificate in it; it begins with `-----BEGIN CERTIFICATE-----`".into());
    }
    Ok(chain)
}

fn signer(path: &Path) -> Result<std::sync::Arc<dyn rustls::sign::SigningKey>, String> {
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        Error::NoItemsFound => "there is no private key in it; it begins with `-----BEGIN PRIVATE KEY-----`".into(),
        other => reason(other),
    })?;
    ring::sign::any_supported_type(&key).map_err(|_| "its key cannot be used; take RSA, ECDSA or Ed25519".into())
}

fn reason(error: Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        // The text of an error may hold a part of the file.
        _ => "it is not in PEM".into(),
    }
}
