use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::super::bearer::EXTERNAL_CALLS;
use super::family::FamilyId;
use super::store::CredentialStore;
use crate::{BoxError, Code, Error};

/// A store, how long it is waited for, and how many ask it.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) store: Arc<dyn CredentialStore>,
    pub(super) patience: Duration,
    pub(super) calls: Arc<Semaphore>,
}

impl Kept {
    pub(super) fn by(store: impl CredentialStore) -> Self {
        Self {
            store: Arc::new(store),
            patience: Duration::from_secs(1),
            calls: Arc::new(Semaphore::new(EXTERNAL_CALLS)),
        }
    }

    /// The answer of the store, or of whoever else knows users, to a request; 503 if there is none.
    pub(super) async fn ask<T, E: Into<BoxError>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        let busy = || unavailable("too many ask for logins").with_retry_after(Duration::from_secs(1));
        let _call = self.calls.try_acquire().map_err(|_| busy())?;
        self.wait(call).await
    }

    async fn wait<T, E: Into<BoxError>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        match timeout(self.patience, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(unavailable(error)),
            Err(_) => Err(unavailable(format!("no answer within {:?}", self.patience))),
        }
    }

    /// Whether a login goes on; whoever asks for many streams bounds how many ask.
    pub(super) async fn is_there(&self, family: &FamilyId) -> Result<bool, Error> {
        self.wait(self.store.look(family)).await.map(|subject| subject.is_some())
    }
}

fn unavailable(source: impl Into<BoxError>) -> Error {
    Error::new(Code::Unavailable).with_source(source).with_retry_after(Duration::from_secs(1))
}
