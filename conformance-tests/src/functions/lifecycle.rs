//! Start, stop, start again.

use std::time::{Duration, Instant};

use neurolink_core::server::{Event, ServerError, State};

use crate::control::Control;
use crate::function::{Ctx, Failure, ensure, expect_status, wait_until};
use crate::parse::RawResponse;

use super::requests::{SOON, agent, at_work, is_alive};

fn stopped(result: Result<(), ServerError>) -> Result<(), Failure> {
    result.map_err(|error| Failure::new(format!("the stop is not clean: {error}")))
}

/// Idle connections, used ones and one that never said a word, do not hold up a stop.
pub(super) fn idle_connections(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut idle = Vec::new();
    for used in [true, true, false] {
        let mut connection = ctx.connect()?;
        if used {
            is_alive(ctx, &mut connection)?;
        }
        idle.push(connection);
    }
    let begun = Instant::now();
    stopped(control.stop().within(SOON)?)?;
    let took = begun.elapsed();
    ensure(took < Duration::from_millis(2500), || format!("idle connections held up the stop for {took:?}"))
}

/// After a stop the same server starts again with every route it had.
pub(super) fn starts_again(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let shown = |ctx: &Ctx| -> Result<Vec<(u16, Option<serde_json::Value>)>, Failure> {
        ["/api/health/live", "/api/test/params/a", "/api/agent/providers", "/api/nope", "/native/hello"]
            .map(|path| ctx.get(path, Some("user")).map(|answer| (answer.status, data(&answer))))
            .into_iter()
            .collect()
    };
    let before = shown(ctx)?;
    ensure(before[1].0 == 200 && before[4].0 == 200, || format!("the routes are not there: {before:?}"))?;
    let mut old = ctx.addr();
    for initialize in [false, true] {
        stopped(control.stop().within(SOON)?)?;
        ensure(ctx.moved_to(old).connect().is_err(), || "it still accepts after the stop".into())?;
        if initialize {
            control.server().initialize().map_err(|error| Failure::new(error.to_string()))?;
        }
        old = control.start().map_err(|error| Failure::new(error.to_string()))?;
        let after = shown(&ctx.moved_to(old))?;
        ensure(after == before, || format!("before the stop {before:?}, afterwards {after:?}"))?;
    }
    Ok(())
}

fn data(answer: &RawResponse) -> Option<serde_json::Value> {
    let mut data = answer.json()?["data"].take();
    if let Some(data) = data.as_object_mut() {
        data.remove("timestamp");
    }
    Some(data)
}

/// What happened, in a word.
fn word(event: &Event) -> Option<&'static str> {
    match event {
        Event::Request { .. } => Some("request"),
        Event::Response { .. } => Some("response"),
        Event::Draining => Some("draining"),
        Event::Stopped { .. } => Some("stopped"),
        Event::Started { .. } => Some("started"),
        _ => None,
    }
}

/// Observers, and whoever has listened to events since before a stop, hear of what happens after it.
pub(super) fn observed(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let mut events = control.server().events();
    let ask = |ctx: &Ctx, count: u64| -> Result<(), Failure> {
        expect_status(&ctx.get("/api/health/live", None)?, 200)?;
        let seen = control.engine().observed();
        ensure(seen == count, || format!("an observer was told of {seen} answers, and there were {count}"))
    };
    ask(ctx, 1)?;
    stopped(control.stop().within(SOON)?)?;
    let again = control.start().map_err(|error| Failure::new(error.to_string()))?;
    ask(&ctx.moved_to(again), 2)?;
    let wanted = ["request", "response", "draining", "stopped", "started", "request", "response"];
    let (heard, end) = control.run(async move {
        let mut heard = Vec::new();
        while heard.len() < wanted.len() {
            match tokio::time::timeout(SOON, events.next()).await {
                Ok(Some(Ok(event))) => heard.extend(word(&event)),
                Ok(Some(Err(missed))) => return (heard, format!("then {missed} were missed")),
                Ok(None) => return (heard, "then they ended".to_owned()),
                Err(_) => return (heard, format!("then none came within {SOON:?}")),
            }
        }
        (heard, "and no more was asked for".to_owned())
    });
    ensure(heard == wanted, || format!("the events were {heard:?}, {end}; expected {wanted:?}"))
}

/// A taken port is an error of the start, and the one who has it goes on.
pub(super) fn port_in_use(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let second = control.another(&ctx.addr().to_string());
    second.initialize().map_err(|error| Failure::new(error.to_string()))?;
    let start = |second: neurolink_core::server::Server| control.run(async move { second.start().await });
    match start(second.clone()) {
        Err(error @ ServerError::Bind { .. }) => {
            let text = error.to_string();
            ensure(text.contains(&ctx.addr().to_string()), || format!("it does not name the address: {text}"))?;
        }
        other => return Err(Failure::new(format!("a taken port gives {other:?}"))),
    }
    ensure(second.status().state != State::Running, || "it says that it runs".into())?;
    expect_status(&ctx.get("/api/health/live", None)?, 200)?;
    stopped(control.stop().within(SOON)?)?;
    start(second.clone()).map_err(|error| Failure::new(format!("the port is free again: {error}")))?;
    expect_status(&ctx.get("/api/health/live", None)?, 200)?;
    control.run(async move { second.stop().await }).map_err(|error| Failure::new(error.to_string()))
}

/// Begins a request that never ends.
fn never_ends(ctx: &Ctx, control: &Control) -> Result<crate::wire::Connection, Failure> {
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("execute", "test/silent", "x"));
    at_work(control, 1)?;
    Ok(connection)
}

/// Everybody who stops gets the result of the one stop; afterwards there is nothing to stop.
pub(super) fn one_result(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let _open = never_ends(ctx, control)?;
    let stops = [control.stop(), control.stop(), control.stop()];
    for stop in &stops {
        let result = stop.within(SOON)?;
        ensure(matches!(result, Err(ServerError::Forced)), || format!("one of three stops gives {result:?}"))?;
    }
    stopped(control.stop().within(SOON)?)
}

/// A second signal does not wait for the grace.
pub(super) fn force(ctx: &Ctx) -> Result<(), Failure> {
    let control = ctx.control()?;
    let open = never_ends(ctx, control)?;
    let stop = control.stop();
    crate::function::wait_until(SOON, "draining", || control.server().status().state == State::Draining)?;
    let begun = Instant::now();
    control.server().force();
    let result = stop.within(SOON)?;
    ensure(matches!(result, Err(ServerError::Forced)), || format!("the forced stop gives {result:?}"))?;
    // The grace is 25 s; a framework may take two seconds to cut.
    let took = begun.elapsed();
    ensure(took < Duration::from_secs(3), || format!("forced, the stop took {took:?}"))?;
    at_work(control, 0)?;
    ensure(ctx.connect().is_err(), || "it still accepts".into())?;
    drop(open);
    Ok(())
}

/// While the engine can take no work readiness says 503, with the success envelope, and everything else goes on.
pub(super) fn engine_not_ready(ctx: &Ctx) -> Result<(), Failure> {
    let engine = ctx.control()?.engine();
    engine.set_ready(false);
    wait_until(SOON, "readiness says 503", || {
        ctx.get("/api/health/ready", None).is_ok_and(|answer| answer.status == 503)
    })?;
    for path in ["/api/health/ready", "/api/ready"] {
        let answer = ctx.get(path, None)?;
        expect_status(&answer, 503)?;
        let ready = data(&answer).map(|data| data["ready"].clone());
        ensure(ready == Some(false.into()), || {
            format!("{path}: expected the success envelope, got {}", answer.text())
        })?;
    }
    for path in ["/api/health", "/api/health/live", "/api/test/params/a"] {
        expect_status(&ctx.get(path, None)?, 200)?;
    }
    engine.set_ready(true);
    wait_until(SOON, "readiness says 200 again", || {
        ctx.get("/api/health/ready", None).is_ok_and(|answer| answer.status == 200)
    })
    .map(|_| ())
}
