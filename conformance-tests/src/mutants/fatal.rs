//! Servers that something brings down: afterwards every answer to that client is a 500.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use neurolink_core::{Request, Response};

use super::adapter::Peer;
use super::edit::refusal;

/// The clients for whom a mutant is dead; each case is a client of its own.
#[derive(Debug)]
pub(super) struct Dead(Mutex<Option<HashSet<IpAddr>>>);

impl Dead {
    pub(super) const fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// Watches a request: unless it is told that all went well, the server is dead for its client.
    ///
    /// # Errors
    /// The answer of a server that is dead already.
    #[expect(clippy::result_large_err, reason = "the error is the answer, and is sent at once")]
    pub(super) fn watch(&'static self, request: &Request) -> Result<Watch, Response> {
        let client = Peer::of(request.extensions()).ip();
        let dead = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if dead.as_ref().is_some_and(|dead| dead.contains(&client)) {
            return Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"));
        }
        Ok(Watch { dead: self, client, well: false })
    }
}

/// What tells that a request went well.
#[derive(Debug)]
pub(super) struct Watch {
    dead: &'static Dead,
    client: IpAddr,
    well: bool,
}

impl Watch {
    pub(super) const fn went_well(&mut self, well: bool) {
        self.well = well;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.well {
            let mut dead = self.dead.0.lock().unwrap_or_else(PoisonError::into_inner);
            dead.get_or_insert_default().insert(self.client);
        }
    }
}
