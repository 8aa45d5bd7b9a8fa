//! Calls of what is outside, such as a store or a validator: so many at one time, and each has so much time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::{BoxError, BoxFuture, Code, Error};

/// How many calls run at one time; whoever comes then gets 503 at once.
const MOST: usize = 64;
/// How long a stream waits for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How often in a row a stream may get none: it asks every 25 s, and ends within 60 s of a revocation.
const MOST_UNANSWERED: u32 = 2;

/// The places of one store or validator.
#[derive(Clone)]
pub(super) struct External {
    places: Arc<Semaphore>,
    budget: Duration,
}

impl External {
    /// Calls that have so much time each.
    pub(super) fn new(budget: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)), budget }
    }

    /// What is answered.
    ///
    /// # Errors
    /// 503 whatever went wrong there: the credential was not judged.
    pub(super) async fn ask<T, E: Into<BoxError>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let _place = self.places.try_acquire().map_err(|_| unavailable("too many calls are on their way"))?;
        self.wait(answer).await
    }

    /// The same without a place, for whom somebody else bounds.
    ///
    /// # Errors
    /// 503 whatever went wrong there.
    pub(super) async fn wait<T, E: Into<BoxError>>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        match timeout(self.budget, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(unavailable(error)),
            Err(_) => Err(unavailable(format!("there was no answer within {:?}", self.budget))),
        }
    }
}

fn unavailable(source: impl Into<BoxError>) -> Error {
    Error::new(Code::Unavailable).with_retry_after(Duration::from_secs(1)).with_source(source)
}

/// Whether a stream may go on, asked now and then; `ask` gives nothing when there was no answer.
pub(super) fn still_good(
    ask: impl Fn() -> BoxFuture<'static, Option<bool>> + Send + Sync + 'static,
) -> impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static {
    let unanswered = Arc::<AtomicU32>::default();
    move || {
        let (answer, unanswered) = (ask(), Arc::clone(&unanswered));
        Box::pin(async move {
            match timeout(ANSWER, answer).await {
                Ok(Some(good)) => {
                    unanswered.store(0, Ordering::Relaxed);
                    good
                }
                Ok(None) | Err(_) => unanswered.fetch_add(1, Ordering::Relaxed) + 1 < MOST_UNANSWERED,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = Result<(), BoxError>;

    #[tokio::test]
    async fn above_the_places_it_is_503_at_once_and_a_place_comes_back() {
        let external = External::new(Duration::from_secs(5));
        let asking: Vec<_> = (0..MOST).map(|_| Box::pin(external.ask(std::future::pending::<Answer>()))).collect();
        let mut asking = futures_util::future::join_all(asking);
        assert!(futures_util::poll!(&mut asking).is_pending());
        let refused = external.ask(async { Answer::Ok(()) }).await.expect_err("no place");
        assert_eq!((refused.status().as_u16(), refused.retry_after_seconds()), (503, Some(1)));
        drop(asking);
        assert!(external.ask(async { Answer::Ok(()) }).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_503_when_the_budget_is_used_up() {
        let begun = tokio::time::Instant::now();
        let error = External::new(Duration::from_secs(1)).ask(std::future::pending::<Answer>()).await;
        assert_eq!((error.expect_err("silence").status().as_u16(), begun.elapsed().as_secs()), (503, 1));
    }

    #[tokio::test]
    async fn a_stream_goes_on_through_one_missing_answer_and_not_through_two() {
        let script = [Some(true), None, Some(true), None, None];
        let next = Arc::new(AtomicU32::new(0));
        let good = still_good(move || {
            let answer = script[next.fetch_add(1, Ordering::Relaxed) as usize];
            Box::pin(std::future::ready(answer))
        });
        for expected in [true, true, true, true, false] {
            assert_eq!(good().await, expected);
        }
        assert!(!still_good(|| Box::pin(std::future::ready(Some(false))))().await);
    }
}
