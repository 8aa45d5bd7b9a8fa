//! The one way of a request: what answers it, its onion with the one timer, its edge.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use http::StatusCode;
use tokio::time::{Instant, Sleep, sleep_until};

use super::observer::{RequestEvent, ResponseEvent};
use super::table::{REFUSED, Shared};
use super::{authorize, edge, guard};
use crate::server::{Event, Phase};
use crate::stack::{Endpoint, Next, panicked};
use crate::{Code, Context, Error, Response};

impl Context {
    /// Finds what answers.
    pub(super) fn find_target(&mut self) {
        match guard::check(&self.shared, self) {
            Ok(canonical) => {
                self.canonical = canonical;
                self.look_up();
            }
            Err(error) => self.refuse(error),
        }
        let is_refusing = |phase| phase >= Phase::Refusing;
        if !self.target().probe {
            if self.shutdown().is_some_and(|shutdown| is_refusing(shutdown.phase())) {
                self.refuse(Error::new(Code::Draining));
            }
        } else if let Some(refusal) = self.shared.probes.refusal(self) {
            self.refuse(refusal);
        }
        self.deadline = Some(self.started + self.target().timeout);
    }

    /// Lets the error be the answer, with the headers that every answer has.
    pub(super) fn refuse(&mut self, error: Error) {
        self.refusal = Some(error);
        self.target = REFUSED;
    }

    fn look_up(&mut self) {
        let shared = &*self.shared;
        let path = self.path();
        let Ok(matched) = shared.router.at(path) else {
            self.target = shared.unmatched(path);
            return;
        };
        // Parameters are kept as ranges into the path: nothing is copied.
        let start = path.as_ptr() as usize;
        let ranges = matched
            .params
            .iter()
            .map(|(_, value)| {
                let from = value.as_ptr() as usize - start;
                from..from + value.len()
            })
            .collect();
        self.target = shared.paths[*matched.value].target(self.method());
        self.param_ranges = ranges;
    }

    /// Runs the onion of the target around an endpoint.
    pub(super) async fn run(&mut self, shared: &Shared, endpoint: &dyn Endpoint) -> Response {
        for observer in &shared.observers {
            observer.request(&RequestEvent { request_id: self.request_id(), method: self.method(), path: self.path() });
        }
        if let Some(events) = &self.life.events {
            events.send(|| Event::Request {
                request_id: self.request_id().to_string(),
                method: self.method().to_string(),
                path: self.path().to_owned(),
            });
        }
        let target = &shared.targets[self.target];
        let (deadline, timeout_status) = (self.deadline, self.timeout_status());
        let mut response = {
            let onion = std::pin::pin!(Next::new(&target.steps, endpoint).run_whole(self));
            Outermost { onion, deadline, timer: None, timeout_status }.await
        };
        authorize::add_challenges(self, &mut response);
        if let Some(error) = response.body().error() {
            authorize::report_refusal(self, error);
        }
        let goes_on = self.skip_body().await;
        self.finished(shared, response, goes_on)
    }

    /// The answer as it leaves the core, told to those who watch.
    fn finished(&mut self, shared: &Shared, response: Response, goes_on: bool) -> Response {
        let code = response.body().error().map(Error::code);
        if let (Some(events), Some(error)) = (&self.life.events, response.body().error())
            && error.status().is_server_error()
        {
            events.send(|| Event::Error {
                request_id: Some(self.request_id().to_string()),
                code: error.code(),
                message: error.message().to_owned(),
                timestamp: shared.clock.now(),
            });
        }
        let response = edge::finish(self, response, goes_on);
        for observer in &shared.observers {
            observer.response(&ResponseEvent {
                request_id: self.request_id(),
                method: self.method(),
                path: self.path(),
                matched: self.matched(),
                status: response.status(),
                code,
                duration: self.elapsed(),
            });
        }
        if let Some(events) = &self.life.events {
            events.send(|| Event::Response {
                request_id: self.request_id().to_string(),
                status: response.status().as_u16(),
                code,
                duration: self.elapsed(),
            });
        }
        response
    }
}

/// The whole onion with the request's one timer, which is made when the first poll does not finish.
///
/// When it fires, the guard inside the onion answers, so that the answer still gets its headers.
/// What hangs outside of the guard is answered here.
struct Outermost<'a, F> {
    onion: Pin<&'a mut F>,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    timeout_status: StatusCode,
}

impl<F: Future<Output = Response>> Outermost<'_, F> {
    fn poll_onion(&mut self, cx: &mut TaskContext<'_>) -> Poll<Response> {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.onion.as_mut().poll(cx)))
            .unwrap_or_else(|panic| Poll::Ready(super::respond_error(panicked(&*panic))))
    }
}

impl<F: Future<Output = Response>> Future for Outermost<'_, F> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Response> {
        if let Poll::Ready(response) = self.poll_onion(cx) {
            return Poll::Ready(response);
        }
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        std::task::ready!(timer.as_mut().poll(cx));
        match self.poll_onion(cx) {
            Poll::Ready(response) => Poll::Ready(response),
            Poll::Pending => {
                Poll::Ready(super::respond_error(Error::new(Code::Timeout).with_status(self.timeout_status)))
            }
        }
    }
}
