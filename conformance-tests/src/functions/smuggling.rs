//! What the engine does while requests are hidden in others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::area::cases;
use crate::case::Case;
use crate::function::{Ctx, Failure, ensure, expect_status};
use crate::run::exchanges;

use super::requests::agent;

/// They wait more than they work.
const CLIENTS: usize = 8;

/// Of all requests that cases hide in others, the engine sees none; of one that is not hidden, it does.
pub(super) fn unseen(ctx: &Ctx) -> Result<(), Failure> {
    let (addr, engine, talk) = (ctx.addr(), ctx.control()?.engine(), ctx.talk());
    let mut hiding: Vec<Case> = cases().map_err(|error| Failure::new(error.to_string()))?;
    hiding.retain(|case| {
        case.request.iter().any(|request| request.raw.as_deref().is_some_and(|raw| raw.contains("{smuggled}")))
    });
    ensure(hiding.len() >= 80, || format!("only {} rows hide a request", hiding.len()))?;
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some(case) = hiding.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let asked = exchanges(addr, case);
                    let begun = engine.begun();
                    if asked.is_err() || begun > 0 {
                        let error = asked.as_ref().err().map(|error| format!(", {error}")).unwrap_or_default();
                        let problem = format!("{}: {begun} calls of the engine{error}", case.name());
                        seen.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
                        asked.into_iter().flatten().for_each(|exchange| talk.whole(exchange));
                        // One is enough; the others would only name what another client did.
                        next.store(hiding.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    ensure(seen.is_empty(), || format!("a hidden request was seen, at the latest with {}", seen.join("; ")))?;
    let mut connection = ctx.connect()?;
    ctx.send(&mut connection, &agent("execute", "offline/chunks-50", "x"));
    expect_status(&ctx.answer(&mut connection, "POST")?, 200)?;
    ensure(engine.begun() == 1, || format!("{} calls of the engine for one that is not hidden", engine.begun()))
}
