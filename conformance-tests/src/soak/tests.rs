use std::mem;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt as _, stream};
use neurolink_core::{Body, Context, Error, Next, Response, from_fn};

use super::*;
use crate::hyper_adapter::Hyper;
use crate::reference::{Changes, Served};

fn soaked(app: fn(neurolink_core::AppBuilder) -> neurolink_core::AppBuilder) -> Outcome {
    let subject = Served::by(Hyper::new()).changed(Changes { app, ..Changes::default() });
    let options =
        Options { time: Duration::from_secs(2), clients: 4, patience: Duration::from_secs(3), ..Options::default() };
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
