//! What the limits of a request left with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::RateLimitState;
use super::headers::{self, Shown};
use super::meter::{Meter, Metered};
use super::rule::CostFn;
use super::store::{Change, Charge, LimitKey, Settlement, StoreHandle};
use crate::counters::{self, Counters};
use crate::{Context, Engine, Response};

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
    /// A handler has asked a limit, which no step shows.
    pub(super) asked_inside: bool,
    /// Nothing, unless a limit counts tokens.
    tokens: Option<Box<Tokens>>,
    /// Nothing, unless a limit counts in a store.
    stores: Mutex<Option<Box<Stores>>>,
}

/// What counts the tokens of a request.
struct Tokens {
    meter: Arc<Meter>,
    /// A stack around native routes has none.
    engine: Option<Arc<dyn Engine>>,
}

/// What a request has to do with stores.
#[derive(Default)]
struct Stores {
    /// What they have to be told; the step that asked them does.
    pending: Vec<(StoreHandle, Settlement)>,
    /// Those that have been asked in vain.
    failed: Vec<StoreHandle>,
}

/// What was taken and is not settled: a limit further inside may give it back, or the answer tells its cost.
struct Kept {
    held: Held,
    cost: Option<CostFn>,
}

/// What was taken, and from where.
#[derive(Clone)]
pub(super) enum Held {
    Here(Arc<dyn Counters>, counters::Charge),
    Store(StoreHandle, LimitKey, Charge),
}

impl Limited {
    pub(super) fn keep(&mut self, held: Held, cost: Option<&CostFn>) {
        self.unsettled |= cost.is_some();
        self.kept.get_mut().unwrap_or_else(PoisonError::into_inner).push(Kept { held, cost: cost.cloned() });
    }

    /// Counts tokens from now on, which what was taken is to become.
    pub(super) fn meter(&mut self, held: Held, engine: Option<&Arc<dyn Engine>>, meter: impl FnOnce() -> Arc<Meter>) {
        let tokens = self.tokens.get_or_insert_with(|| {
            let meter = meter();
            let metered = |engine| Arc::new(Metered { engine, meter: Arc::clone(&meter) }) as Arc<dyn Engine>;
            let engine = engine.cloned().map(metered);
            Box::new(Tokens { meter, engine })
        });
        self.unsettled = true;
        tokens.meter.owes(held);
    }

    /// The engine that is counted, if one is.
    pub(crate) fn engine(&self) -> Option<&Arc<dyn Engine>> {
        self.tokens.as_ref()?.engine.as_ref()
    }

    fn stores(&mut self) -> &mut Option<Box<Stores>> {
        self.stores.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a store that was asked in vain.
    pub(super) fn store_failed(&mut self, store: &StoreHandle) {
        self.stores().get_or_insert_default().failed.push(store.clone());
    }

    /// Whether a store was asked in vain: a request does not wait for it again.
    pub(super) fn has_failed(&mut self, store: &StoreHandle) -> bool {
        self.stores().as_ref().is_some_and(|stores| stores.failed.iter().any(|other| other.is_same(store)))
    }

    /// What stores have to be told.
    pub(super) fn take_pending(&mut self) -> Vec<(StoreHandle, Settlement)> {
        self.stores().as_mut().map(|stores| std::mem::take(&mut stores.pending)).unwrap_or_default()
    }

    /// Gives back all that is kept, and shows it so.
    pub(super) fn give_back(&mut self, now: Duration) {
        self.unsettled = false;
        for kept in std::mem::take(self.kept.get_mut().unwrap_or_else(PoisonError::into_inner)) {
            self.change(kept.held, Change::GiveBack, now);
        }
        for held in self.tokens.iter().flat_map(|tokens| tokens.meter.release()) {
            self.change(held, Change::GiveBack, now);
        }
        for state in self.shown.iter_mut().map(|shown| &mut shown.state).chain(&mut self.legacy) {
            state.give_back();
        }
    }

    /// Changes what was taken: here at once, in a store when it is told.
    pub(super) fn change(&self, held: Held, change: Change, now: Duration) {
        match (held, change) {
            (Held::Here(counters, charge), change) => change.apply(&*counters, charge, now),
            (Held::Store(store, key, charge), change) => {
                let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
                stores.get_or_insert_default().pending.push((store, Settlement { key, charge, change }));
            }
        }
    }
}

impl Change {
    /// Makes it in memory.
    pub(super) fn apply(self, counters: &dyn Counters, charge: counters::Charge, now: Duration) {
        match self {
            Self::GiveBack => counters.give_back(charge, now),
            Self::ChargeMore(more) => counters.charge_more(charge, more, now),
        }
    }
}

/// Charges each request what it turned out to cost: one has been taken already.
pub(super) fn settle(ctx: &Context, response: &Response) {
    if !ctx.limited.unsettled {
        return;
    }
    let now = ctx.shared.clock.now();
    // All at once, so that each is settled once however many limits see the answer.
    let kept = std::mem::take(&mut *ctx.limited.kept.lock().unwrap_or_else(PoisonError::into_inner));
    for Kept { held, cost } in kept {
        match cost.map_or(1, |cost| cost(ctx, response)) {
            0 => ctx.limited.change(held, Change::GiveBack, now),
            1 => {}
            more => ctx.limited.change(held, Change::ChargeMore(more - 1), now),
        }
    }
    // What a stream uses after the answer's head is charged when it ends.
    for (held, change) in ctx.limited.tokens.iter().flat_map(|tokens| tokens.meter.due()) {
        ctx.limited.change(held, change, now);
    }
}

/// Writes where the request stands into the answer to a passed deadline or a panic.
pub(crate) fn show_limits(ctx: &Context, mut response: Response) -> Response {
    show(ctx, &mut response);
    response
}

/// Writes where the request stands with limits that its handler asked.
pub(crate) fn show_asked(ctx: &Context, response: &mut Response) {
    if ctx.limited.asked_inside {
        show(ctx, response);
    }
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
