//! What an engine uses for a request, for limits that count tokens.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use futures_core::Stream;

use super::limited::{Held, change_to};
use super::store::Settlement;
use crate::engine::{Call, Embedder, EventStream, Generate, Generation, StreamEvent, Tools, Usage};
use crate::{Clock, Engine, Error};

/// The tokens of one request, which are charged when nobody can use more: at the end of its stream.
pub(super) struct Meter {
    used: AtomicU64,
    /// What was taken for the request, of limits whose answer has gone out already.
    debts: Mutex<Vec<Held>>,
    clock: Arc<dyn Clock>,
}

impl Meter {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { used: AtomicU64::new(0), debts: Mutex::default(), clock })
    }

    /// How many there are so far.
    pub(super) fn used(&self) -> u32 {
        u32::try_from(self.used.load(Ordering::Acquire)).unwrap_or(u32::MAX)
    }

    /// Charges what was taken with what there will be.
    pub(super) fn owes(&self, held: Held) {
        self.debts.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    }

    fn add(&self, tokens: u64) {
        // Wrapping would take the impossible: 2^64 tokens of one request.
        self.used.fetch_add(tokens, Ordering::AcqRel);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let (now, used) = (self.clock.now(), self.used());
        for held in std::mem::take(self.debts.get_mut().unwrap_or_else(PoisonError::into_inner)) {
            let Some(change) = change_to(used) else { continue };
            match held {
                Held::Here(counters, charge) => change.apply(&*counters, charge, now),
                Held::Store(store, key, charge) => match tokio::runtime::Handle::try_current() {
                    Ok(runtime) => drop(runtime.spawn(async move {
                        store.settle(&[Settlement { key, charge, change }], now).await;
                    })),
                    Err(_) => tracing::debug!("the tokens of a stream that outlives its runtime are not charged"),
                },
            }
        }
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
        let generation = self.engine.generate(request, call).await?;
        self.meter.add(generation.usage.map_or(1, |usage| usage.total()));
        Ok(generation)
    }

    async fn stream(&self, request: Generate, call: &Call) -> Result<EventStream, Error> {
        let events = self.engine.stream(request, call).await?;
        Ok(Box::pin(MeteredStream { events, meter: Arc::clone(&self.meter), pieces: 0, usage: None }))
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

/// A stream whose tokens are added when it ends, by itself or because its reader has left.
struct MeteredStream {
    events: EventStream,
    meter: Arc<Meter>,
    /// Each is a token at least: what is known of a stream that ends early.
    pieces: u64,
    usage: Option<Usage>,
}

impl Stream for MeteredStream {
    type Item = Result<StreamEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(cx));
        match &event {
            Some(Ok(StreamEvent::Text { .. } | StreamEvent::Thinking { .. })) => self.pieces += 1,
            Some(Ok(StreamEvent::Metadata { metadata })) => self.usage = metadata.usage.or(self.usage),
            _ => {}
        }
        Poll::Ready(event)
    }
}

impl Drop for MeteredStream {
    fn drop(&mut self) {
        self.meter.add(self.usage.map_or(self.pieces, |usage| usage.total()));
    }
}
