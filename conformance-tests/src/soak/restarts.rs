//! A server that is stopped and started again while it has clients.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::clients::Trouble;
use super::run::Tally;
use super::state::Place;
use crate::function::Failure;
use crate::functions::requests::{LIVE, agent, slow_stream};
use crate::wire::Connection;

/// Its configuration: one that stops in short steps.
pub(super) const PLACE: &str = "drain";

/// How often it was stopped and started.
#[derive(Debug, Default)]
pub(super) struct Restarts(AtomicU64);

impl Restarts {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Stops the server while streams and half a request are open, and starts it again.
    pub(super) fn one(&self, place: &Place, tally: &Tally) {
        self.0.fetch_add(1, Ordering::Relaxed);
        tally.add("stops and starts", place, restart(place).map_err(Trouble::from));
    }
}

fn restart(place: &Place) -> Result<(), Failure> {
    let control = &place.control;
    let addr = control.server().status().address.ok_or_else(|| Failure::new("it does not run"))?;
    let ctx = place.manner.client(addr, [127, 202, 0, 1]);
    let open = |request: &str| -> Result<Connection, Failure> {
        let mut connection = ctx.connect()?;
        ctx.send(&mut connection, request);
        Ok(connection)
    };
    let _ends = open(&slow_stream(5))?;
    let _endless = open(&agent("stream", "test/endless", "x"))?;
    let _silent = open(&agent("execute", "test/silent", "x"))?;
    let _half = open("GET /api/hea")?;
    let _idle = ctx.connect()?;
    let mut alive = open(LIVE)?;
    ctx.answer(&mut alive, "GET")?;
    // What does not end is cut, which the result tells; that it ends is what counts.
    let _ = control.stop().within(Duration::from_secs(20))?;
    control.start().map_err(|error| Failure::new(format!("it does not start again: {error}")))?;
    Ok(())
}
