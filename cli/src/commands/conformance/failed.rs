//! An error as the end of the program.

use crate::output::Failure;

/// An error of writing, as the end of the program.
pub(super) fn failed(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::Run(format!("{what}: {error}"))
}
