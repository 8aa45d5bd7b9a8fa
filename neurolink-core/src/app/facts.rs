//! What the onion found out, on its way to native handlers.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::Context;
use super::inserted::Inserted;
use crate::{AuthenticatedUser, RequestId};

/// What the onion found out, for native handlers; it travels in the request's extensions.
#[derive(Debug)]
#[non_exhaustive]
pub struct Facts {
    /// The id of the request.
    pub request_id: RequestId,
    /// Who is calling.
    pub user: Option<AuthenticatedUser>,
    /// The address of the client.
    pub client_address: Option<IpAddr>,
    /// Whether the client's connection is encrypted, as [`Context::is_https`] has it.
    pub is_https: bool,
    /// Whether the middleware changed the request's headers: a host that keeps its own has to take them over.
    pub headers_changed: bool,
    /// Made when somebody asks.
    cancellation: OnceLock<CancellationToken>,
    inserted: Inserted,
}

impl Facts {
    pub(super) fn of(ctx: &mut Context) -> Self {
        let cancellation = OnceLock::new();
        if ctx.cancel.is_some() {
            // A middleware has asked already: one request has one token.
            let _ = cancellation.set(ctx.cancellation());
        }
        Self {
            request_id: ctx.request_id().clone(),
            user: ctx.user().cloned(),
            client_address: ctx.client_address(),
            is_https: ctx.is_https(),
            headers_changed: ctx.headers_changed,
            cancellation,
            inserted: ctx.facts().clone(),
        }
    }

    /// A fact that a middleware added by [`Context::insert`].
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.inserted.get()
    }

    /// A token that fires when the client is gone or the deadline has passed before the handler has answered.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.cancellation.get_or_init(CancellationToken::new).clone()
    }
}

/// Fires the token of a native service that is dropped before it has answered.
pub(super) struct Unanswered(Option<Arc<Facts>>);

impl Unanswered {
    pub(super) const fn new(facts: Arc<Facts>) -> Self {
        Self(Some(facts))
    }

    /// The answer is there: nobody has to be told to stop.
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(facts) = self.0.take() {
            facts.cancellation().cancel();
        }
    }
}
