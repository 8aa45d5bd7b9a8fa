//! Runs one case against one server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::case::{Case, RequestSpec};
use crate::function::{Ctx, FunctionCase};
use crate::harness::Running;
use crate::parse::{Asked, RawResponse};
use crate::request::build;
use crate::verdict::CaseOutcome;
use crate::wire::{Connection, End, Exchange, Until, own_address};

/// The suite could not ask.
#[derive(Debug, Error)]
pub enum RunError {
    /// The server cannot be reached.
    #[error("cannot connect to {addr}: {error}")]
    Connect {
        /// The server.
        addr: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Runs a case and compares what comes back with what it expects.
#[must_use]
pub fn run_case(addr: SocketAddr, case: &Case) -> CaseOutcome {
    match exchanges(addr, case) {
        Err(error) => CaseOutcome::harness_error(case.name(), case.level, error.to_string()),
        Ok(exchanges) if exchanges.iter().any(|exchange| names_a_test_model(&exchange.sent)) => {
            CaseOutcome::harness_error(case.name(), case.level, TEST_MODEL.into())
        }
        Ok(exchanges) => {
            let mismatches = check(case, &exchanges);
            CaseOutcome::new(case.name(), case.level, mismatches, exchanges)
        }
    }
}

/// Runs a conversation.
#[must_use]
pub fn run_function(server: &Running, case: &FunctionCase) -> CaseOutcome {
    if case.inside && server.control.is_none() {
        let problem = "it needs the inside of the server, which is elsewhere".to_owned();
        return CaseOutcome::not_observable(case.id.into(), case.level, problem);
    }
    let ctx = Ctx::new(server.addr, own_address(server.addr), server.control.clone());
    let speaks = !case.http2 || server.http2.unwrap_or_else(|| crate::h2::is_offered(&ctx));
    let run = if speaks { case.run } else { crate::h2::is_refused };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&ctx)));
    let mismatches = match result {
        Ok(Ok(())) => Vec::new(),
        Ok(Err(failure)) => failure.problems(),
        Err(_) => {
            let problem = "the case itself panicked".to_owned();
            return CaseOutcome::harness_error(case.id.into(), case.level, problem);
        }
    };
    let exchanges = ctx.talk().take();
    // A server that runs elsewhere does not have them: the case would fail there for no fault of the server's.
    if !case.inside && exchanges.iter().any(|exchange| names_a_test_model(&exchange.sent)) {
        return CaseOutcome::harness_error(case.id.into(), case.level, TEST_MODEL.into());
    }
    CaseOutcome::new(case.id.into(), case.level, mismatches, exchanges)
}

const TEST_MODEL: &str = "it uses a model of the watched engine, which only a case that is `inside` has";

/// Whether a model is asked for that only [`Watched`](crate::watched::Watched) has.
fn names_a_test_model(sent: &[u8]) -> bool {
    String::from_utf8_lossy(sent).contains(r#""model":"test/"#)
}

/// The answers to a case's requests, with no look at its expectation.
///
/// # Errors
/// The server cannot be reached.
pub fn answer(addr: SocketAddr, case: &Case) -> Result<Vec<RawResponse>, RunError> {
    Ok(exchanges(addr, case)?.into_iter().flat_map(|exchange| exchange.answers).collect())
}

/// Everything that is sent for a case and everything that comes back: one entry a step.
///
/// # Errors
/// The server cannot be reached.
pub fn exchanges(addr: SocketAddr, case: &Case) -> Result<Vec<Exchange>, RunError> {
    let from = case.from.or_else(|| own_address(addr));
    let deadline = Instant::now() + Duration::from_millis(case.timeout_ms);
    let connect = || {
        let left = deadline.saturating_duration_since(Instant::now());
        Connection::open(addr, from, left.max(Duration::from_millis(1)))
            .map_err(|error| RunError::Connect { addr, error })
    };
    if let Some(request) = &case.request {
        let mut exchange = None;
        for _ in 0..case.repeat.max(1) {
            exchange = Some(single(&mut connect()?, addr, case, request));
        }
        return Ok(exchange.into_iter().collect());
    }
    let mut out = Vec::new();
    let mut connection = None;
    for (at, step) in case.steps.iter().enumerate() {
        let last = case.steps.get(at + 1).is_none_or(|next| next.new_connection);
        let open = match connection.take() {
            Some(open) if !step.new_connection => open,
            _ => connect()?,
        };
        let open = connection.insert(open);
        let request = build(&step.request, addr, last);
        open.send(&request.bytes);
        let until = if request.closes { Until::Closed } else { Until::Answers(1) };
        out.push(open.exchange(request.bytes, &[request.asked], until));
    }
    Ok(out)
}

fn single(connection: &mut Connection, addr: SocketAddr, case: &Case, spec: &RequestSpec) -> Exchange {
    let request = build(spec, addr, true);
    let mut asked = vec![request.asked];
    asked.extend(case.methods.iter().skip(1).map(|method| Asked::method(method)));
    let until = match case.single {
        Some(count) => Until::Quiet(count),
        None if request.closes || wants_close(case) => Until::Closed,
        None => Until::Quiet(1),
    };
    connection.send(&request.bytes);
    connection.exchange(request.bytes, &asked, until)
}

fn wants_close(case: &Case) -> bool {
    case.expect.as_ref().is_some_and(|expect| expect.closed == Some(true))
}

fn check(case: &Case, exchanges: &[Exchange]) -> Vec<String> {
    if case.refuse {
        return exchanges.iter().flat_map(check_refused).collect();
    }
    if case.single.is_some() {
        return exchanges.iter().flat_map(|exchange| check_single(case, exchange)).collect();
    }
    if let Some(expect) = &case.expect {
        return exchanges.iter().flat_map(|exchange| with_close(expect.check(exchange), exchange)).collect();
    }
    let mut out = Vec::new();
    for (at, (step, exchange)) in case.steps.iter().zip(exchanges).enumerate() {
        let problems = with_close(step.expect.check(exchange), exchange);
        out.extend(problems.into_iter().map(|problem| format!("step {}: {problem}", at + 1)));
    }
    out
}

/// A connection that should have been closed and was not is a mismatch too.
fn with_close(mut problems: Vec<String>, exchange: &Exchange) -> Vec<String> {
    if exchange.end == End::TimedOut && !exchange.answers.is_empty() {
        problems.push("the connection was not closed, though the request asked for it".into());
    }
    problems
}

fn check_refused(exchange: &Exchange) -> Vec<String> {
    let mut out = Vec::new();
    for answer in &exchange.answers {
        if !(400..500).contains(&answer.status) {
            out.push(format!("must be refused with 4xx or a close, got {}", answer.status));
        }
    }
    if let Some(problem) = &exchange.problem {
        out.push(format!("malformed: {problem}"));
    }
    if exchange.end == End::TimedOut {
        out.push("neither answered nor closed in time".into());
    }
    out
}

fn check_single(case: &Case, exchange: &Exchange) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(problem) = &exchange.problem {
        out.push(format!("malformed: {problem}"));
    }
    if case.closed && matches!(exchange.end, End::Open | End::TimedOut) {
        out.push("the connection was not closed".into());
    }
    let found = exchange.answers.len();
    if found != case.statuses.len() {
        out.push(format!("expected exactly {} answers, got {found}", case.statuses.len()));
    }
    for (at, (wanted, answer)) in case.statuses.iter().zip(&exchange.answers).enumerate() {
        if !wanted.allows(answer.status) {
            out.push(format!("answer {}: expected {wanted}, got {}", at + 1, answer.status));
        }
        if let Some(text) = case.bodies_contain.get(at)
            && wanted.is_first(answer.status)
            && !answer.text().contains(text)
        {
            out.push(format!("answer {}: expected {text:?} in {:?}", at + 1, answer.text()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::all::must;
    use crate::functions::requests::agent;
    use crate::verdict::Verdict;

    #[test]
    fn only_a_case_that_is_inside_may_use_a_model_of_the_watched_engine() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Running::elsewhere(listener.local_addr().unwrap());
        let asks = |run| must("a/b", "none", run);
        let silent = |ctx: &Ctx| {
            ctx.send(&mut ctx.connect()?, &agent("stream", "test/silent", "x"));
            Ok(())
        };
        let echo = |ctx: &Ctx| {
            ctx.send(&mut ctx.connect()?, &agent("stream", "offline-echo", "/api/test/x"));
            Ok(())
        };
        assert_eq!(run_function(&server, &asks(silent)).verdict, Verdict::HarnessError);
        assert_eq!(run_function(&server, &asks(echo)).verdict, Verdict::Pass);
    }
}
