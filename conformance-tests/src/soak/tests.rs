use std::mem;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt as _, stream};
use neurolink_core::{Body, Context, Error, Next, Response, from_fn};

use super::super::clients;
use super::*;
use crate::function::Ctx;
use crate::hyper_adapter::Hyper;
use crate::reference::{Changes, Served};

fn soaked(app: fn(neurolink_core::AppBuilder) -> neurolink_core::AppBuilder) -> Outcome {
    let subject = Served::by(Hyper::new()).changed(Changes { app, ..Changes::default() });
    let options = SoakOptions {
        time: Duration::from_secs(2),
        clients: 4,
        patience: Duration::from_secs(3),
        ..SoakOptions::default()
    };
    soak(&subject, options).unwrap()
}

fn has(outcome: &Outcome, begin: &str) -> bool {
    outcome.problems.iter().any(|problem| problem.starts_with(begin))
}

/// The streams that are never let go of, although their clients get all that they want.
static KEPT: Mutex<Vec<Arc<Mutex<Body>>>> = Mutex::new(Vec::new());

async fn keeps_streams(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    let mut response = next.run(ctx).await;
    if response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream") {
        let kept = Arc::new(Mutex::new(mem::take(response.body_mut())));
        KEPT.lock().unwrap().push(Arc::clone(&kept));
        *response.body_mut() = Body::from_stream(stream::poll_fn(move |cx| kept.lock().unwrap().poll_next_unpin(cx)));
    }
    Ok(response)
}

async fn keeps_tasks(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    tokio::spawn(std::future::pending::<()>());
    Ok(next.run(ctx).await)
}

/// One route of many has the right body and another status.
async fn answers_wrongly(ctx: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    let is_planted = ctx.path() == "/api/test/echo";
    let mut response = next.run(ctx).await;
    if is_planted && response.status() == 200 {
        *response.status_mut() = http::StatusCode::ACCEPTED;
    }
    Ok(response)
}

#[test]
fn a_wrong_answer_is_a_problem() {
    let outcome = soaked(|builder| builder.middleware(from_fn("answers-wrongly", answers_wrongly)));
    assert!(outcome.wrong > 0 && !outcome.is_clean(), "{outcome:#?}");
    let problem = outcome.problems.iter().find(|problem| problem.contains(" wrong answers, the first: "));
    let problem = problem.unwrap_or_else(|| panic!("{:#?}", outcome.problems));
    assert!(problem.contains("expected [200], got 202"), "{problem}");
}

#[test]
fn a_server_that_hangs_on_nonsense_is_wrong() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let ctx = Ctx::new(silent.local_addr().unwrap(), None, None);
    let Err(Trouble::Wrong(text)) = clients::sends_nonsense(&ctx) else { panic!("it is well") };
    assert!(text.ends_with("is neither answered nor closed"), "{text}");
}

#[test]
fn few_visits_may_meet_a_busy_server() {
    assert_eq!(too_busy(1000, 50), None);
    let problem = too_busy(1000, 51).unwrap();
    assert_eq!(problem, "busy: 51 of 1000 visits met 408, 429 or 504, and at most 5 % may");
    assert_eq!(too_busy(0, 0), None);
}

#[test]
fn a_stream_that_is_kept_is_a_leak() {
    let outcome = soaked(|builder| builder.middleware(from_fn("keeps-streams", keeps_streams)));
    assert!(has(&outcome, "leaked, reference: requests in the engine: "), "{:#?}", outcome.problems);
    assert!(has(&outcome, "leaked, reference: permits of streams: "), "{:#?}", outcome.problems);
}

#[test]
fn a_task_that_is_kept_is_a_leak() {
    let outcome = soaked(|builder| builder.middleware(from_fn("keeps-tasks", keeps_tasks)));
    assert!(has(&outcome, "leaked, patient: tasks of the runtime: "), "{:#?}", outcome.problems);
}

#[test]
fn memory_may_grow_a_little() {
    let grown = |end: u64| Memory::of(&[1, 1, 100 << 20, 100 << 20, 0, 0, end << 20, end << 20]);
    assert_eq!(grown(118).problem(), None);
    let problem = grown(119).problem().unwrap();
    assert!(problem.starts_with("leaked, memory: 119 MiB in the last quarter, 100 MiB after the warm-up"), "{problem}");
}
