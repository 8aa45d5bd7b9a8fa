//! What the limits of a request left with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::RateLimitState;
use super::headers::{self, Shown};
use super::rule::CostFn;
use crate::counters::{Charge, Counters};
use crate::{Context, Response};

/// Where a request stands, and what may still change of what it took.
#[derive(Default)]
pub(crate) struct Limited {
    /// What the legacy headers show.
    pub(super) legacy: Option<RateLimitState>,
    /// What the drafts show.
    pub(super) shown: Vec<Shown>,
    kept: Mutex<Vec<Kept>>,
    /// Something kept has a cost that is not known yet.
    unsettled: bool,
}

/// What was taken and is not settled: a limit further inside may give it back, or the answer tells its cost.
struct Kept {
    counters: Arc<dyn Counters>,
    charge: Charge,
    cost: Option<CostFn>,
}

impl Limited {
    pub(super) fn keep(&mut self, counters: &Arc<dyn Counters>, charge: Charge, cost: Option<&CostFn>) {
        self.unsettled |= cost.is_some();
        let kept = Kept { counters: Arc::clone(counters), charge, cost: cost.cloned() };
        self.kept.get_mut().unwrap_or_else(PoisonError::into_inner).push(kept);
    }

    /// Gives back all that is kept, and shows it so.
    pub(super) fn give_back(&mut self, now: Duration) {
        self.unsettled = false;
        for kept in self.kept.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            kept.counters.give_back(kept.charge, now);
        }
        for state in self.shown.iter_mut().map(|shown| &mut shown.state).chain(&mut self.legacy) {
            state.give_back();
        }
    }
}

/// Charges each request what it turned out to cost: one has been taken already.
pub(super) fn settle(ctx: &Context, response: &Response) {
    if !ctx.limited.unsettled {
        return;
    }
    // All at once, so that each is settled once however many limits see the answer.
    let kept = std::mem::take(&mut *ctx.limited.kept.lock().unwrap_or_else(PoisonError::into_inner));
    let now = ctx.shared.clock.now();
    for Kept { counters, charge, cost } in kept {
        match cost.map(|cost| cost(ctx, response)) {
            Some(0) => counters.give_back(charge, now),
            Some(1) | None => {}
            Some(more) => counters.charge_more(charge, more - 1, now),
        }
    }
}

/// Writes where the request stands into the answer to a passed deadline or a panic.
pub(crate) fn show_limits(ctx: &Context, mut response: Response) -> Response {
    show(ctx, &mut response);
    response
}

/// Writes where the request stands.
pub(super) fn show(ctx: &Context, response: &mut Response) {
    if let Some(state) = &ctx.limited.legacy {
        headers::write_legacy(state, response.headers_mut());
    }
    if !ctx.limited.shown.is_empty() {
        headers::write_drafts(&ctx.limited.shown, ctx.now_or_later(), response.headers_mut());
    }
}
