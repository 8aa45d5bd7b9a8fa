use std::sync::Arc;
use std::time::Duration;

use super::super::external::External;
use super::family::FamilyId;
use super::store::CredentialStore;
use crate::{BoxError, Error};

/// A store, how long it is waited for, and how many ask it.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) store: Arc<dyn CredentialStore>,
    pub(super) patience: Duration,
    external: External,
}

impl Kept {
    pub(super) fn by(store: impl CredentialStore, patience: Duration) -> Self {
        Self { store: Arc::new(store), patience, external: External::new(patience) }
    }

    /// The same store, waited for so long.
    pub(super) fn patient(self, patience: Duration) -> Self {
        Self { patience, external: External::new(patience), ..self }
    }

    /// The answer of the store, or of whoever else knows users, to a request; 503 if there is none.
    pub(super) async fn ask<T, E: Into<BoxError>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        self.external.ask(call).await
    }

    /// Whether a login goes on; whoever asks for many streams bounds how many ask.
    pub(super) async fn is_there(&self, family: &FamilyId) -> Result<bool, Error> {
        self.external.wait(self.store.look(family)).await.map(|subject| subject.is_some())
    }
}
