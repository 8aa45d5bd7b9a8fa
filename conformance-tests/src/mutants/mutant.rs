//! What a mutant is.

use http::request::Parts;
use neurolink_config::Config;
use neurolink_core::{AppBuilder, BoxFuture, Request, Response};
use neurolink_serve::ServeConfig;
use serde_json::Value;

use super::adapter::Mutated;
use super::proxy::Talk;
use crate::hyper_adapter::Host;
use crate::reference::{Changes, Served};
use crate::{Running, Subject};

/// A server that is wrong in one way.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What the report calls it: kebab-case.
    pub name: &'static str,
    /// What is wrong with it.
    pub breaks: &'static str,
    /// The areas whose cases have to notice; none means every area.
    pub areas: &'static [&'static str],
    pub(super) config: fn(&mut Config),
    pub(super) app: fn(AppBuilder) -> AppBuilder,
    pub(super) serve: fn(ServeConfig) -> ServeConfig,
    pub(super) exchange: Change,
    pub(super) bytes: Option<Bytes>,
    pub(super) end: End,
}

/// How it takes its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// As it should.
    Orderly,
    /// It is gone as soon as it drains, whatever is open.
    Hasty,
    /// It goes on when it should be cut.
    Deaf,
}

/// What is changed around the host, in terms of HTTP.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// Nothing.
    Same,
    /// The request before it is answered.
    Request(fn(&mut Request)),
    /// The body of a request, once it is whole.
    Body(fn(&Parts, Vec<u8>) -> Vec<u8>),
    /// The answer.
    Response(fn(&Parts, &mut Response)),
    /// An answer in JSON.
    Json(fn(&Parts, &mut Value)),
    /// The text of a stream, event by event.
    Events(fn(&str) -> String),
    /// Everything: the answer is made by this.
    Around(fn(Host, Request) -> BoxFuture<'static, Response>),
}

/// What is changed on the way between the socket and hyper.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes {
    /// What hyper sees of what the client sent.
    pub(super) up: fn(&mut Talk, Vec<u8>) -> Vec<u8>,
    /// What the client sees of what hyper sent.
    pub(super) down: fn(&mut Talk, Vec<u8>) -> Vec<u8>,
}

impl Mutant {
    /// The reference, wrong in nothing yet.
    pub(super) const fn new(name: &'static str, areas: &'static [&'static str], breaks: &'static str) -> Self {
        Self {
            name,
            breaks,
            areas,
            config: |_| (),
            app: |builder| builder,
            serve: |config| config,
            exchange: Change::Same,
            bytes: None,
            end: End::Orderly,
        }
    }

    pub(super) const fn config(mut self, change: fn(&mut Config)) -> Self {
        self.config = change;
        self
    }

    pub(super) const fn app(mut self, change: fn(AppBuilder) -> AppBuilder) -> Self {
        self.app = change;
        self
    }

    pub(super) const fn serve(mut self, change: fn(ServeConfig) -> ServeConfig) -> Self {
        self.serve = change;
        self
    }

    pub(super) const fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    pub(super) const fn request(mut self, change: fn(&mut Request)) -> Self {
        self.exchange = Change::Request(change);
        self
    }

    pub(super) const fn body(mut self, change: fn(&Parts, Vec<u8>) -> Vec<u8>) -> Self {
        self.exchange = Change::Body(change);
        self
    }

    pub(super) const fn response(mut self, change: fn(&Parts, &mut Response)) -> Self {
        self.exchange = Change::Response(change);
        self
    }

    pub(super) const fn json(mut self, change: fn(&Parts, &mut Value)) -> Self {
        self.exchange = Change::Json(change);
        self
    }

    pub(super) const fn events(mut self, change: fn(&str) -> String) -> Self {
        self.exchange = Change::Events(change);
        self
    }

    pub(super) const fn around(mut self, change: fn(Host, Request) -> BoxFuture<'static, Response>) -> Self {
        self.exchange = Change::Around(change);
        self
    }

    pub(super) const fn up(mut self, change: fn(&mut Talk, Vec<u8>) -> Vec<u8>) -> Self {
        self.bytes = Some(Bytes { up: change, down: |_, bytes| bytes });
        self
    }

    pub(super) const fn down(mut self, change: fn(&mut Talk, Vec<u8>) -> Vec<u8>) -> Self {
        self.bytes = Some(Bytes { up: |_, bytes| bytes, down: change });
        self
    }

    /// Whether a case of this area has to notice.
    #[must_use]
    pub fn belongs_to(&self, area: &str) -> bool {
        self.areas.is_empty() || self.areas.contains(&area)
    }
}

impl Subject for &'static Mutant {
    fn name(&self) -> &str {
        self.name
    }

    fn start(&self, needs: &str) -> std::io::Result<Running> {
        let changes = Changes { config: self.config, app: self.app };
        Served::by(Mutated(self)).changed(changes).start(needs)
    }
}
