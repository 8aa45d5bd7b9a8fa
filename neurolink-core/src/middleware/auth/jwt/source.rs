//! Where key sets come from.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::jwk::LONGEST_SET;
use crate::Error;

/// Gives a JSON Web Key Set (RFC 7517) whenever it is asked, such as from a provider's `jwks_uri`.
///
/// The keys that [`JwtKeys`](crate::middleware::JwtKeys) keeps of it are refreshed beside the requests.
/// It is asked by one task at a time, which is given up after 5 s; a text of more than 256 KiB is refused.
///
/// ```
/// use neurolink_core::Error;
/// use neurolink_core::middleware::{JwtKeys, KeySource};
///
/// struct Vault;
///
/// #[async_trait::async_trait]
/// impl KeySource for Vault {
///     fn name(&self) -> String {
///         "the vault".into()
///     }
///
///     async fn fetch(&self) -> Result<String, Error> {
///         Ok(r#"{"keys":[]}"#.into())
///     }
/// }
///
/// let keys = JwtKeys::source(Vault).issuer("https://issuer.example").audience("my-api");
/// ```
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// What logs call it, without secrets.
    fn name(&self) -> String;

    /// The set as text.
    ///
    /// # Errors
    /// It cannot be had now; the log tells why, and the keys that are there are used on.
    async fn fetch(&self) -> Result<String, Error>;

    /// The set, if it is at hand before anything is served: what is wrong with it is a build error then.
    fn at_hand(&self) -> Option<Result<String, String>> {
        None
    }
}

/// A JSON Web Key Set in a file, which is read again as it changes.
#[derive(Clone, Debug)]
pub struct JwkSetFile {
    path: PathBuf,
    first: Result<String, String>,
}

impl JwkSetFile {
    /// Reads the file; what is wrong with it is told when the app is built.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let first = read(&path);
        Self { path, first }
    }
}

#[async_trait]
impl KeySource for JwkSetFile {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    async fn fetch(&self) -> Result<String, Error> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await.map_err(Error::internal)?;
        read.map_err(Error::internal)
    }

    fn at_hand(&self) -> Option<Result<String, String>> {
        Some(self.first.clone())
    }
}

/// Reads no more than a set may have.
fn read(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(LONGEST_SET as u64 + 1).read_to_string(&mut text));
    read.map_err(|error| format!("the key set `{}` cannot be read: {error}", path.display()))?;
    Ok(text)
}
