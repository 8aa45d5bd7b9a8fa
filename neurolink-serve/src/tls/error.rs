//! What is wrong with the files of a certificate.

use std::path::PathBuf;

/// What is wrong with a certificate and its key: everything at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct TlsError {
    /// The problems, at least one.
    pub problems: Vec<TlsProblem>,
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", file.display())]
#[non_exhaustive]
pub struct TlsProblem {
    /// Whether it is the key's file; otherwise the certificate's.
    pub is_key: bool,
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}
