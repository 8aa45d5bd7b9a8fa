use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use neurolink_core::Engine;
use tokio::time::{Instant, timeout};

/// How long an answer counts, and how long the engine may take for it.
const SECOND: Duration = Duration::from_secs(1);

/// Whether the engine is ready: asked at most once a second, for all callers together.
#[derive(Clone, Default)]
pub(crate) struct Readiness {
    last: Arc<Mutex<Option<Asked>>>,
}

struct Asked {
    at: Instant,
    /// Shared, so that a caller who leaves does not make the next one ask again.
    ready: Shared<BoxFuture<'static, bool>>,
}

impl Readiness {
    /// Whether the engine is ready; an engine that panics or takes longer than a second is not.
    pub(crate) async fn of(&self, engine: &Arc<dyn Engine>) -> bool {
        let ready = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let fresh = last.take().filter(|asked| now.duration_since(asked.at) < SECOND);
            last.insert(fresh.unwrap_or_else(|| Asked { at: now, ready: ask(Arc::clone(engine)) })).ready.clone()
        };
        ready.await
    }
}

fn ask(engine: Arc<dyn Engine>) -> Shared<BoxFuture<'static, bool>> {
    let answer = async move {
        let asked = AssertUnwindSafe(async { engine.ready().await }).catch_unwind();
        match timeout(SECOND, asked).await {
            Ok(Ok(ready)) => ready,
            Ok(Err(_panic)) => false,
            Err(_elapsed) => false,
        }
    };
    answer.boxed().shared()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use neurolink_core::engine::{Call, EventStream, Generate, Generation};
    use neurolink_core::{Code, Error};

    use super::*;

    /// Answers `ready` after `takes`, and counts.
    struct Counted {
        takes: Duration,
        ready: Option<bool>,
        asked: Arc<AtomicUsize>,
    }

    #[async_trait::async_trait]
    impl Engine for Counted {
        fn name(&self) -> &str {
            "counted"
        }

        async fn generate(&self, _: Generate, _: &Call) -> Result<Generation, Error> {
            Err(Error::new(Code::Unavailable))
        }

        async fn stream(&self, _: Generate, _: &Call) -> Result<EventStream, Error> {
            Err(Error::new(Code::Unavailable))
        }

        async fn ready(&self) -> bool {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            self.ready.expect("this engine panics")
        }
    }

    fn engine(millis: u64, ready: Option<bool>) -> (Arc<dyn Engine>, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let takes = Duration::from_millis(millis);
        (Arc::new(Counted { takes, ready, asked: Arc::clone(&asked) }), asked)
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_are_one_question_a_second() {
        let (engine, asked) = engine(10, Some(true));
        let readiness = Readiness::default();
        let all = futures_util::future::join_all((0..100).map(|_| readiness.of(&engine))).await;
        assert!(all.into_iter().all(|ready| ready));
        assert!(readiness.of(&engine).await);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        tokio::time::advance(SECOND).await;
        assert!(readiness.of(&engine).await);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_leaves_does_not_cause_another_question() {
        let (engine, asked) = engine(500, Some(true));
        let readiness = Readiness::default();
        for _ in 0..20 {
            let left = timeout(Duration::from_millis(20), readiness.of(&engine)).await;
            assert!(left.is_err());
        }
        assert!(readiness.of(&engine).await);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_a_broken_and_an_unready_engine_are_not_ready() {
        for (millis, ready) in [(3_600_000, Some(true)), (1, None), (1, Some(false))] {
            let (engine, _) = engine(millis, ready);
            let begun = Instant::now();
            assert!(!Readiness::default().of(&engine).await);
            assert!(begun.elapsed() <= SECOND + Duration::from_millis(5));
        }
    }
}
