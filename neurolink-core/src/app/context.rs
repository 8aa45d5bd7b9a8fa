use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::caller::Caller;
use super::handle::Life;
use super::inserted::Inserted;
use super::params::{Ranges, ScopeParams};
use super::proxies::Forwarded;
use super::table::{Shared, Target};
use super::{App, ConnInfo, Scheme};
use crate::engine::Call;
use crate::http::{ContentCoding, Fault, Representation, Stamp, Unread, query_pairs};
use crate::server::Shutdown;
use crate::stack::At;
use crate::stream::Place;
use crate::{Body, Code, Engine, Error, Request, RequestId, Response};

/// One request on its way through the onion: what it asks, what is known about it, and who asks.
///
/// The core owns it and passes it by reference, so nothing is ever looked up by a value that a client chose.
pub struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) parts: Parts,
    pub(crate) body: Body,
    pub(crate) body_taken: bool,
    /// `None` when the canonical path is the raw one.
    pub(crate) canonical: Option<Box<str>>,
    pub(crate) target: usize,
    pub(crate) native: bool,
    pub(crate) headers_changed: bool,
    /// The step that is at work, if it is not the handler.
    pub(crate) at: Option<At>,
    pub(crate) param_ranges: Ranges,
    /// Those of a policy's scope, while it decides.
    pub(crate) scope_params: Option<Box<ScopeParams>>,
    pub(crate) conn: ConnInfo,
    pub(crate) request_id: RequestId,
    /// Made when `request_id` is a trusted proxy's.
    own_id: Option<Box<RequestId>>,
    pub(crate) now: Duration,
    pub(crate) started: Instant,
    pub(crate) deadline: Option<Instant>,
    pub(crate) refusal: Option<Error>,
    pub(crate) cancel: Option<DropGuard>,
    pub(crate) place: Option<Box<Place>>,
    pub(crate) life: Arc<Life>,
    pub(super) reservation: Option<crate::http::Reservation>,
    /// What the body is decoded from, once that is settled.
    pub(super) coding: Option<ContentCoding>,
    pub(super) fault: Option<Fault>,
    pub(super) unread: Option<Unread>,
    /// What trusted proxies say, if the peer is one.
    pub(super) forwarded: Option<Forwarded>,
    pub(super) caller: Caller,
    #[cfg(feature = "rate-limit")]
    pub(crate) limited: crate::middleware::Limited,
    facts: Inserted,
}

impl Context {
    pub(crate) fn new(app: &App, request: Request, conn: ConnInfo) -> Self {
        let (shared, started) = (&app.shared, Instant::now());
        let (mut parts, body) = request.into_parts();
        let trusted = shared.proxies.trusts_peer(&conn);
        let hidden = shared.proxies.hide(trusted, &mut parts.headers);
        let forwarded = trusted.then(|| shared.proxies.forwarded(&conn, &parts.headers));
        // Streams of HTTP/2 end each by itself.
        let (body, unread) = if parts.version < http::Version::HTTP_2 { body.tracked() } else { (body, None) };
        let incoming =
            trusted.then(|| parts.headers.get(&shared.request_id_header).and_then(RequestId::accept)).flatten();
        Self {
            now: shared.clock.now(),
            shared: Arc::clone(shared),
            parts,
            body,
            body_taken: false,
            canonical: None,
            target: 0,
            native: false,
            headers_changed: hidden,
            at: None,
            coding: None,
            fault: None,
            unread,
            param_ranges: Ranges::new(),
            scope_params: None,
            conn,
            own_id: incoming.is_some().then(|| Box::new(RequestId::random())),
            request_id: incoming.unwrap_or_else(RequestId::random),
            started,
            deadline: None,
            refusal: None,
            cancel: None,
            place: None,
            life: Arc::clone(&app.life),
            reservation: None,
            forwarded,
            caller: Caller::default(),
            #[cfg(feature = "rate-limit")]
            limited: crate::middleware::Limited::default(),
            facts: Inserted::default(),
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.shared.targets[self.target]
    }

    /// The method as it was sent.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The request target as it was sent, without a credential that an authenticator has taken out of its query.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    pub(crate) const fn is_native(&self) -> bool {
        self.native
    }

    /// The canonical path: the one that routing, scopes and limits see.
    #[must_use]
    pub fn path(&self) -> &str {
        self.canonical.as_deref().unwrap_or_else(|| self.parts.uri.path())
    }

    /// The pattern of the route, such as `/api/tools/{name}`; `None` for unmatched paths.
    #[must_use]
    pub fn matched(&self) -> Option<&str> {
        self.target().pattern.as_deref()
    }

    /// The request's headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The request's headers, to change for what is further inside.
    #[must_use]
    pub const fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_changed = true;
        &mut self.parts.headers
    }

    /// The last value of a query parameter.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().rev().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// All values of a query parameter, in order.
    #[must_use]
    pub fn query_all(&self, name: &str) -> Vec<String> {
        self.query_pairs().into_iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect()
    }

    /// The query's names and values in order, decoded (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        query_pairs(self.parts.uri.query().unwrap_or_default()).collect()
    }

    /// Facts about the connection.
    #[must_use]
    pub const fn conn(&self) -> &ConnInfo {
        &self.conn
    }

    /// The address of the other end of the connection.
    #[must_use]
    pub const fn peer(&self) -> Option<std::net::SocketAddr> {
        self.conn.peer
    }

    /// The address of the client: the peer, or what a trusted proxy says.
    #[must_use]
    pub fn client_address(&self) -> Option<IpAddr> {
        match &self.forwarded {
            Some(forwarded) => forwarded.client,
            None => self.conn.peer_address(),
        }
    }

    /// Whether the client's connection is encrypted: this one, or the one that a trusted proxy tells of.
    #[must_use]
    pub fn is_https(&self) -> bool {
        let scheme = self.forwarded.as_ref().and_then(|forwarded| forwarded.scheme);
        scheme.unwrap_or(self.conn.scheme) == Scheme::Https
    }

    /// The host and port that the client asked for: as a trusted proxy tells them, or as they are in the request.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.forwarded_host().or_else(|| self.own_host())
    }

    pub(super) fn forwarded_host(&self) -> Option<&str> {
        self.forwarded.as_ref().and_then(|forwarded| forwarded.host.as_deref())
    }

    fn own_host(&self) -> Option<&str> {
        let line = || self.parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        self.parts.uri.authority().map(http::uri::Authority::as_str).or_else(line)
    }

    /// The wall clock when the request came, since the Unix epoch.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// The wall clock, as far as the request has waited since for whole seconds: what counts by time must not take a
    /// request that asks late for a clock that has gone back.
    #[cfg(feature = "rate-limit")]
    pub(crate) fn now_or_later(&self) -> Duration {
        self.now + Duration::from_secs(self.elapsed().as_secs())
    }

    /// How long the request has been here.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// When the request has to be answered.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn shutdown(&self) -> Option<&Shutdown> {
        self.life.shutdown.as_ref()
    }

    /// Whether the server is on its way out: readiness says no, whatever the engine says.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        let not_ready = crate::server::Phase::NotReady;
        self.shutdown().is_some_and(|shutdown| shutdown.phase() >= not_ready)
    }

    /// The id of the request.
    #[must_use]
    pub const fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The id that this server made beside a trusted proxy's, which may not be unique; for logs.
    #[must_use]
    pub fn own_request_id(&self) -> Option<&RequestId> {
        self.own_id.as_deref()
    }

    /// Adds a fact for what is further inside.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, fact: T) {
        self.facts.insert(fact);
    }

    /// A fact that was added.
    #[must_use]
    pub fn fact<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.facts.get()
    }

    pub(super) const fn facts(&self) -> &Inserted {
        &self.facts
    }

    /// A registered state.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.shared.states.get(&std::any::TypeId::of::<T>()).and_then(|state| state.downcast_ref())
    }

    /// The engine behind the app.
    ///
    /// # Panics
    /// Never in an app; a stack around native routes has no engine and no handler that could ask.
    #[must_use]
    pub fn engine(&self) -> &Arc<dyn Engine> {
        #[cfg(feature = "rate-limit")]
        if let Some(metered) = self.limited.engine() {
            return metered;
        }
        self.shared.engine.as_ref().expect("an app has an engine")
    }

    /// A token that fires when the client is gone or the deadline has passed; made on first use.
    pub fn cancellation(&mut self) -> CancellationToken {
        match self.cancel.take() {
            Some(guard) => {
                let token = guard.disarm();
                self.cancel = Some(token.clone().drop_guard());
                token
            }
            None => {
                let token = CancellationToken::new();
                self.cancel = Some(token.clone().drop_guard());
                token
            }
        }
    }

    /// What an engine gets to know of this request.
    pub fn call(&mut self) -> Call {
        let mut call = Call::new(self.request_id.as_str());
        if let Some(user) = self.user() {
            (call.user_id, call.tenant) = (Some(user.id.clone()), user.tenant.clone());
        }
        call.cancellation = self.cancellation();
        call
    }

    /// Takes the caller's place for one more open stream, before any work for it begins; a stream that is answered
    /// without it takes it then.
    ///
    /// # Errors
    /// 429 when the caller has as many streams open as one may.
    pub fn reserve_stream(&mut self) -> Result<(), Error> {
        if self.place.is_none() {
            let place = self.shared.streams.enter(self, self.shared.settings.stream.max_per_client);
            let place = place.map_err(|_| {
                let error = Error::new(Code::RateLimitExceeded).with_retry_after(Duration::from_secs(1));
                error.with_message("Too many streams are open; close one first")
            })?;
            self.place = place.map(Box::new);
        }
        Ok(())
    }

    /// Makes the response of an error; its body is written at the edge, once.
    pub fn fail(&mut self, error: Error) -> Response {
        super::respond_error(error)
    }

    pub(crate) fn stamp(&self) -> Stamp<'_> {
        let errors = &self.shared.settings.errors;
        Stamp {
            request_id: self.request_id.header_value().as_bytes(),
            now: self.now,
            duration: self.elapsed(),
            code_prefix: &errors.code_prefix,
            cause: errors.dev_errors && self.conn().is_on_this_machine(),
        }
    }

    /// The status of an answer that took too long.
    pub(crate) fn timeout_status(&self) -> StatusCode {
        self.shared.settings.errors.timeout_status
    }

    /// How the client wants errors: problem+json if `Accept` names it, or the settings say so.
    pub(crate) fn representation(&self) -> Representation {
        let asks = || {
            self.parts.headers.get_all(header::ACCEPT).iter().any(|line| {
                line.to_str().is_ok_and(|line| {
                    line.split(',').any(|range| {
                        let mut parts = range.split(';').map(str::trim);
                        let problem = parts
                            .next()
                            .is_some_and(|essence| essence.eq_ignore_ascii_case("application/problem+json"));
                        problem && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
                    })
                })
            })
        };
        if self.shared.settings.problem_json || asks() { Representation::Problem } else { Representation::Envelope }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("method", self.method())
            .field("path", &self.path())
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
