//! What an engine uses for a request, for limits that count tokens.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use futures_core::Stream;

use super::limited::Held;
use super::store::{Change, Settlement, Settling};
use crate::engine::{Call, Embedder, EventStream, Generate, Generation, StreamEvent, Tools};
use crate::{Clock, Engine, Error};

/// The tokens of one request, and what was taken for them.
///
/// Whatever may still use some holds it: the request, its streams, and whoever has kept the engine.
/// So what is due is charged when the last of them is gone, even if the request had no answer.
pub(super) struct Meter {
    used: AtomicU64,
    debts: Mutex<Vec<Debt>>,
    clock: Arc<dyn Clock>,
    settling: Arc<Settling>,
}

/// What was taken of one key, and how many have been charged by now.
struct Debt {
    held: Held,
    charged: u32,
}

impl Meter {
    pub(super) fn new(clock: Arc<dyn Clock>, settling: Arc<Settling>) -> Arc<Self> {
        Arc::new(Self { used: AtomicU64::new(0), debts: Mutex::default(), clock, settling })
    }

    /// One was taken, which is to become what there will be.
    pub(super) fn owes(&self, held: Held) {
        self.debts.lock().unwrap_or_else(PoisonError::into_inner).push(Debt { held, charged: 1 });
    }

    /// What was taken, to be given back: the request is refused further inside.
    pub(super) fn release(&self) -> impl Iterator<Item = Held> {
        let debts = std::mem::take(&mut *self.debts.lock().unwrap_or_else(PoisonError::into_inner));
        debts.into_iter().map(|debt| debt.held)
    }

    /// What has to be charged for what is used so far.
    pub(super) fn due(&self) -> Vec<(Held, Change)> {
        let used = self.used();
        let mut debts = self.debts.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = debts.iter_mut().filter(|debt| debt.charged < used);
        grown
            .map(|debt| {
                let more = used - std::mem::replace(&mut debt.charged, used);
                (debt.held.clone(), Change::ChargeMore(more))
            })
            .collect()
    }

    fn used(&self) -> u32 {
        u32::try_from(self.used.load(Ordering::Acquire)).unwrap_or(u32::MAX)
    }

    /// A call of the engine begins: it costs one at least, whatever becomes of it.
    fn begin(self: &Arc<Self>) -> Metering {
        self.used.fetch_add(1, Ordering::AcqRel);
        Metering { meter: Arc::clone(self), counted: 1 }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let due = match self.used() {
            // Nothing was used, so nothing has been charged beyond the one.
            0 => self.release().map(|held| (held, Change::GiveBack)).collect(),
            _ => self.due(),
        };
        let now = self.clock.now();
        let mut stored = Vec::new();
        for (held, change) in due {
            match held {
                Held::Here(counters, charge) => change.apply(&*counters, charge, now),
                Held::Store(store, key, charge) => stored.push((store, Settlement { key, charge, change })),
            }
        }
        drop(self.settling.tell(stored, now));
    }
}

/// What one call of the engine has used so far.
struct Metering {
    meter: Arc<Meter>,
    counted: u64,
}

impl Metering {
    /// It has used so many in all.
    fn reaches(&mut self, total: u64) {
        let more = total.saturating_sub(self.counted);
        self.counted += more;
        // Wrapping would take the impossible: 2^64 tokens of one request.
        self.meter.used.fetch_add(more, Ordering::AcqRel);
    }
}

/// An engine whose tokens are counted for one request.
pub(super) struct Metered {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) meter: Arc<Meter>,
}

#[async_trait]
impl Engine for Metered {
    fn name(&self) -> &str {
        self.engine.name()
    }

    async fn generate(&self, request: Generate, call: &Call) -> Result<Generation, Error> {
        let mut metering = self.meter.begin();
        let generation = self.engine.generate(request, call).await?;
        metering.reaches(generation.usage.map_or(1, |usage| usage.total()));
        Ok(generation)
    }

    async fn stream(&self, request: Generate, call: &Call) -> Result<EventStream, Error> {
        let metering = self.meter.begin();
        let events = self.engine.stream(request, call).await?;
        Ok(Box::pin(MeteredStream { events, metering, pieces: 0 }))
    }

    fn providers(&self) -> Vec<String> {
        self.engine.providers()
    }

    async fn ready(&self) -> bool {
        self.engine.ready().await
    }

    fn embedder(&self) -> Option<&dyn Embedder> {
        self.engine.embedder()
    }

    fn tools(&self) -> Option<&dyn Tools> {
        self.engine.tools()
    }
}

/// A stream whose tokens are counted as they come.
struct MeteredStream {
    events: EventStream,
    metering: Metering,
    /// Each is a token at least: all that is known of a stream that is left early.
    pieces: u64,
}

impl Stream for MeteredStream {
    type Item = Result<StreamEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(cx));
        let total = match &event {
            Some(Ok(StreamEvent::Text { .. } | StreamEvent::Thinking { .. } | StreamEvent::ToolCall { .. })) => {
                self.pieces += 1;
                self.pieces
            }
            Some(Ok(StreamEvent::Metadata { metadata })) => metadata.usage.map_or(0, |usage| usage.total()),
            _ => 0,
        };
        self.metering.reaches(total);
        Poll::Ready(event)
    }
}
