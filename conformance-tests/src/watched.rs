//! The offline engine with counters, and models that only a test wants.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use neurolink_core::app::{Observer, ResponseEvent};
use neurolink_core::engine::{Call, Embedder, EventStream, Generate, Generation, StreamEvent, Tools};
use neurolink_core::{Engine, Error};

/// What an engine has done and is doing.
#[derive(Debug, Default)]
pub struct Counters {
    begun: AtomicU64,
    running: AtomicU64,
    events: AtomicU64,
    bytes: AtomicU64,
    observed: AtomicU64,
    /// When work ended last.
    ended: Mutex<Option<Instant>>,
    /// Whom the last work was begun for.
    user: Mutex<Option<String>>,
    /// It says that it can take no work.
    unready: AtomicBool,
}

impl Counters {
    /// When work ended last, if any has.
    pub(crate) fn ended(&self) -> Option<Instant> {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Generations and streams that were begun.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Generations and streams that are at work now.
    #[must_use]
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::SeqCst)
    }

    /// Events that streams have given away.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::SeqCst)
    }

    /// Bytes of text in those events.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    /// Answers that an observer of the app was told of.
    #[must_use]
    pub fn observed(&self) -> u64 {
        self.observed.load(Ordering::SeqCst)
    }

    /// The user whom the engine was told of when it was called last.
    pub(crate) fn user(&self) -> Option<String> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says from now on whether it can take work.
    pub(crate) fn set_ready(&self, is_ready: bool) {
        self.unready.store(!is_ready, Ordering::SeqCst);
    }

    fn begin(self: &Arc<Self>, call: &Call) -> AtWork {
        self.user.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&call.user_id);
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.running.fetch_add(1, Ordering::SeqCst);
        AtWork(Arc::clone(self))
    }

    fn produced(&self, event: &StreamEvent) {
        self.events.fetch_add(1, Ordering::SeqCst);
        if let StreamEvent::Text { content, .. } = event {
            self.bytes.fetch_add(u64::try_from(content.len()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }
}

/// Work that goes on until it is dropped.
struct AtWork(Arc<Counters>);

impl Drop for AtWork {
    fn drop(&mut self) {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An observer that counts.
pub(crate) struct Watching(pub(crate) Arc<Counters>);

impl Observer for Watching {
    fn response(&self, _: &ResponseEvent<'_>) {
        self.0.observed.fetch_add(1, Ordering::SeqCst);
    }
}

/// An engine that is watched. Beside the models of the one inside it has these:
///
/// | model | what it does |
/// |---|---|
/// | `test/endless` | streams texts of 1 KiB as fast as they are taken, for ever |
/// | `test/steady` | streams a text of 1 KiB each millisecond, for ever |
/// | `test/silent` | never answers and never sends an event |
/// | `test/pairs` | streams 15 pairs of short texts, the second 15 ms behind the first, and 60 ms between them |
#[derive(Debug)]
pub(crate) struct Watched<E> {
    inner: E,
    counters: Arc<Counters>,
}

const ENDLESS: &str = "test/endless";
const STEADY: &str = "test/steady";
const SILENT: &str = "test/silent";
const PAIRS: &str = "test/pairs";
/// How many pairs of texts that model streams.
pub(crate) const PAIR_COUNT: u64 = 15;

impl<E: Engine> Watched<E> {
    pub(crate) const fn new(inner: E, counters: Arc<Counters>) -> Self {
        Self { inner, counters }
    }
}

#[async_trait]
impl<E: Engine> Engine for Watched<E> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn generate(&self, request: Generate, call: &Call) -> Result<Generation, Error> {
        let _running = self.counters.begin(call);
        if request.model.as_deref() == Some(SILENT) {
            std::future::pending::<()>().await;
        }
        self.inner.generate(request, call).await
    }

    async fn stream(&self, request: Generate, call: &Call) -> Result<EventStream, Error> {
        let running = self.counters.begin(call);
        let events: EventStream = match request.model.as_deref() {
            Some(ENDLESS) => Box::pin(stream::repeat_with(|| Ok(StreamEvent::text("x".repeat(1024))))),
            Some(STEADY) => Box::pin(stream::repeat(()).then(|()| async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(StreamEvent::text("x".repeat(1024)))
            })),
            Some(SILENT) => Box::pin(stream::pending()),
            Some(PAIRS) => Box::pin(stream::iter(0..2 * PAIR_COUNT).then(|number| async move {
                tokio::time::sleep(Duration::from_millis(if number % 2 == 0 { 60 } else { 15 })).await;
                Ok(StreamEvent::text("tick"))
            })),
            _ => self.inner.stream(request, call).await?,
        };
        Ok(Box::pin(events.inspect(move |event| {
            if let Ok(event) = event {
                running.0.produced(event);
            }
        })))
    }

    fn providers(&self) -> Vec<String> {
        self.inner.providers()
    }

    async fn ready(&self) -> bool {
        !self.counters.unready.load(Ordering::SeqCst) && self.inner.ready().await
    }

    fn embedder(&self) -> Option<&dyn Embedder> {
        self.inner.embedder()
    }

    fn tools(&self) -> Option<&dyn Tools> {
        self.inner.tools()
    }
}
