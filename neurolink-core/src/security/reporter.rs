use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::text::clean;
use super::{Required, SecurityEvent, SecurityEventKind};
use crate::app::Shared;
#[cfg(feature = "basic")]
use crate::middleware::Settling;
use crate::{App, Context, Error, FromContext, RequestId};

/// Reports decisions to an app's observers and its log; a cheap handle to clone, which may outlive its request.
///
/// A handler takes it as an argument; outside of requests it is [`App::reporter`].
///
/// ```
/// use neurolink_core::Route;
/// use neurolink_core::security::{Reporter, SecurityEventKind};
///
/// let revoke = Route::delete("/api/keys/{id}", async |reporter: Reporter| {
///     // the store has revoked the key
///     reporter.report(SecurityEventKind::KeyRevoked { key: "k1".into() });
/// });
/// # let _ = revoke;
/// ```
#[derive(Clone)]
pub struct Reporter {
    shared: Arc<Shared>,
    request: Option<Arc<Facts>>,
}

/// What is known of the request that an event belongs to.
struct Facts {
    failure_reported: Arc<AtomicBool>,
    request_id: RequestId,
    client: Option<IpAddr>,
    subject: Option<String>,
    tenant: Option<String>,
    route: Option<Box<str>>,
    path: String,
    method: String,
}

impl Reporter {
    /// What stores are being told.
    #[cfg(feature = "basic")]
    pub(crate) fn settling(&self) -> &Arc<Settling> {
        &self.shared.settling
    }

    /// Reports a decision. Of failures to authenticate the first one of a request counts.
    pub fn report(&self, kind: SecurityEventKind<'_>) {
        let request = self.request.as_deref();
        let is_failure = matches!(kind, SecurityEventKind::AuthenticationFailed { .. });
        if is_failure && request.is_some_and(|facts| facts.failure_reported.swap(true, Ordering::Relaxed)) {
            return;
        }
        self.shared.report(SecurityEvent {
            kind,
            time: self.shared.clock.now(),
            request_id: request.map(|facts| &facts.request_id),
            client: request.and_then(|facts| facts.client),
            subject: request.and_then(|facts| facts.subject.as_deref()).map(Cow::Borrowed),
            tenant: request.and_then(|facts| facts.tenant.as_deref()).map(Cow::Borrowed),
            route: request.and_then(|facts| facts.route.as_deref()),
            path: request.map(|facts| facts.path.as_str().into()),
            method: request.map(|facts| facts.method.as_str().into()),
        });
    }
}

impl Shared {
    /// Gives an event, cleaned, to the observers and the log.
    fn report(&self, mut event: SecurityEvent<'_>) {
        for text in [&mut event.subject, &mut event.tenant, &mut event.path, &mut event.method].into_iter().flatten() {
            clean_in_place(text);
        }
        for text in texts(&mut event.kind) {
            clean_in_place(text);
        }
        for observer in &self.observers {
            observer.security(&event);
        }
        self.security_log.write(&event);
    }
}

/// The texts that somebody else may have chosen.
fn texts<'e, 'a>(kind: &'e mut SecurityEventKind<'a>) -> Vec<&'e mut Cow<'a, str>> {
    match kind {
        SecurityEventKind::AccessDenied { .. } | SecurityEventKind::AccessGranted { .. } => Vec::new(),
        SecurityEventKind::AuthenticationFailed { detail, .. } => vec![detail],
        SecurityEventKind::LockoutBegan { user } => user.iter_mut().collect(),
        SecurityEventKind::Unavailable { decider } => vec![decider],
        SecurityEventKind::KeyIssued { key, owner } => vec![key, owner],
        SecurityEventKind::KeyRevoked { key } => vec![key],
        SecurityEventKind::FamilyRevoked { family, owner, reason } => vec![family, owner, reason],
    }
}

fn clean_in_place(text: &mut Cow<'_, str>) {
    if let Cow::Owned(cleaned) = clean(text) {
        *text = Cow::Owned(cleaned);
    }
}

impl App {
    /// Reports decisions that belong to no request.
    #[must_use]
    pub fn reporter(&self) -> Reporter {
        Reporter { shared: Arc::clone(&self.shared), request: None }
    }
}

impl Context {
    /// Reports a decision about this request.
    ///
    /// Of failures to authenticate the first one counts: a request is refused once.
    ///
    /// ```
    /// use neurolink_core::Context;
    /// use neurolink_core::security::{AuthenticationFailure, SecurityEventKind};
    ///
    /// fn refused(ctx: &Context) {
    ///     let reason = AuthenticationFailure::Revoked;
    ///     ctx.report(SecurityEventKind::AuthenticationFailed { reason, detail: "the session has ended".into() });
    /// }
    /// ```
    pub fn report(&self, kind: SecurityEventKind<'_>) {
        if matches!(kind, SecurityEventKind::AuthenticationFailed { .. }) && !self.is_first_failure() {
            return;
        }
        self.shared.report(SecurityEvent {
            kind,
            time: self.shared.clock.now(),
            request_id: Some(self.made_id()),
            client: self.client_address(),
            subject: self.user().map(|user| user.id.as_str().into()),
            tenant: self.user().and_then(|user| user.tenant.as_deref()).map(Cow::Borrowed),
            route: self.matched(),
            path: Some(self.path().into()),
            method: Some(self.method().as_str().into()),
        });
    }

    /// Reports that a user was let in, if anybody listens.
    pub(crate) fn report_granted(&self, required: Required<'_>) {
        let is_written = || tracing::enabled!(target: "neurolink::security", tracing::Level::DEBUG);
        if !self.shared.observers.is_empty() || is_written() {
            self.report(SecurityEventKind::AccessGranted { required });
        }
    }

    /// Reports decisions about this request from elsewhere, also when it is over.
    #[must_use]
    pub fn reporter(&self) -> Reporter {
        let facts = Facts {
            failure_reported: Arc::clone(self.failure_reported()),
            request_id: self.made_id().clone(),
            client: self.client_address(),
            subject: self.user().map(|user| user.id.clone()),
            tenant: self.user().and_then(|user| user.tenant.clone()),
            route: self.matched().map(Into::into),
            path: self.path().to_owned(),
            method: self.method().to_string(),
        };
        Reporter { shared: Arc::clone(&self.shared), request: Some(Arc::new(facts)) }
    }

    /// The id that this server made.
    fn made_id(&self) -> &RequestId {
        self.own_request_id().unwrap_or_else(|| self.request_id())
    }
}

impl FromContext for Reporter {
    async fn from_context(ctx: &mut Context) -> Result<Self, Error> {
        Ok(ctx.reporter())
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").finish_non_exhaustive()
    }
}
