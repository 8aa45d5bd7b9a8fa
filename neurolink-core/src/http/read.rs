//! Reading request bodies: bounded in size, in time, and for all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::time::Instant;

use super::Body;
use crate::{Code, Error};

/// The bytes of request bodies that an app holds at one time.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    used: AtomicUsize,
    limit: usize,
}

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<BodyBudget>,
    bytes: usize,
}

impl BodyBudget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    pub(crate) fn reserve(self: &Arc<Self>) -> Reservation {
        Reservation { budget: Arc::clone(self), bytes: 0 }
    }
}

impl Reservation {
    fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        if self.bytes.saturating_add(bytes) > self.budget.limit {
            return Err(Error::new(Code::PayloadTooLarge)
                .with_message("The body takes more memory than all bodies together may have here"));
        }
        let before = self.budget.used.fetch_add(bytes, Ordering::AcqRel);
        if before.saturating_add(bytes) > self.budget.limit {
            self.budget.used.fetch_sub(bytes, Ordering::AcqRel);
            return Err(Error::new(Code::Unavailable)
                .with_retry_after(Duration::from_secs(1))
                .with_source("the budget for request bodies is used up"));
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// A request's body with all that bounds its reading.
pub(crate) struct BodySource {
    pub(crate) body: Body,
    pub(crate) limit: usize,
    pub(crate) timeout: Duration,
    /// The fewest bytes in a second, after the first `timeout`; 0 for any.
    pub(crate) least_rate: u32,
    pub(crate) deadline: Option<Instant>,
    pub(crate) budget: Arc<BodyBudget>,
    /// How many bytes of memory a byte of the body stands for.
    pub(crate) weight: usize,
}

impl BodySource {
    /// Reads all of it.
    pub(crate) async fn read(mut self) -> Result<(Bytes, Reservation), Error> {
        let mut reservation = self.budget.reserve();
        if let Some(length) = self.body.size_hint().exact()
            && length > self.limit as u64
        {
            return Err(too_large(self.limit));
        }
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        let (mut total, begun) = (0_usize, Instant::now());
        while let Some(data) = self.next(begun, total).await? {
            total = total.saturating_add(data.len());
            if total > self.limit {
                return Err(too_large(self.limit));
            }
            reservation.grow(data.len().saturating_mul(self.weight))?;
            match &first {
                None => first = Some(data),
                Some(_) => rest.extend_from_slice(&data),
            }
        }
        // A body of one piece is not copied.
        let whole = match first {
            Some(first) if rest.is_empty() => first,
            Some(first) => {
                let mut all = BytesMut::with_capacity(total);
                all.extend_from_slice(&first);
                all.extend_from_slice(&rest);
                all.freeze()
            }
            None => Bytes::new(),
        };
        Ok((whole, reservation))
    }

    /// Reads all of it and keeps nothing.
    pub(crate) async fn discard(mut self) -> Result<(), Error> {
        let (mut total, begun) = (0_usize, Instant::now());
        while let Some(data) = self.next(begun, total).await? {
            total = total.saturating_add(data.len());
            if total > self.limit {
                return Err(too_large(self.limit));
            }
        }
        Ok(())
    }

    /// The next piece, which has to come in time: by itself, and for what has come to be enough since `begun`.
    async fn next(&mut self, begun: Instant, come: usize) -> Result<Option<Bytes>, Error> {
        // Bytes that have come give as much time as they may take.
        let earned = (self.least_rate > 0).then(|| Duration::from_secs_f64(come as f64 / f64::from(self.least_rate)));
        let slow = earned.and_then(|earned| (begun + self.timeout).checked_add(earned));
        loop {
            let until = Instant::now() + self.timeout;
            let until = [slow, self.deadline].into_iter().flatten().fold(until, Instant::min);
            return match in_time(until, self.body.frame()).await {
                Err(_elapsed) => Err(Error::new(Code::RequestTimeout)),
                Ok(None) => Ok(None),
                Ok(Some(Err(error))) => Err(unreadable(error)),
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Ok(Some(data)),
                    Err(_trailers) => continue,
                },
            };
        }
    }
}

/// What comes until then. A timer fires late on a busy machine, so each poll looks at the time too: the guard of the
/// onion does, and a body that is late has to be told before a handler that is.
async fn in_time<T>(until: Instant, next: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut next = std::pin::pin!(tokio::time::timeout_at(until, next));
    std::future::poll_fn(|cx| match next.as_mut().poll(cx) {
        Poll::Pending if Instant::now() >= until => Poll::Ready(Err(Elapsed)),
        Poll::Pending => Poll::Pending,
        Poll::Ready(result) => Poll::Ready(result.map_err(|_| Elapsed)),
    })
    .await
}

/// It did not come in time.
struct Elapsed;

/// The 413 of a body above this limit.
pub(crate) fn too_large(limit: usize) -> Error {
    Error::new(Code::PayloadTooLarge)
        .with_message(format!("The request body is larger than the {limit} bytes this route takes"))
}

fn unreadable(error: crate::BoxError) -> Error {
    if error.to_string() == super::body::UNAVAILABLE {
        return Error::internal(error);
    }
    Error::bad_request("The request body could not be read").with_source(error)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn source(body: Body, limit: usize, budget: &Arc<BodyBudget>) -> BodySource {
        BodySource {
            body,
            limit,
            timeout: Duration::from_secs(1),
            least_rate: 10,
            deadline: None,
            budget: Arc::clone(budget),
            weight: 1,
        }
    }

    fn chunks(parts: &[&'static str]) -> Body {
        let parts: Vec<_> =
            parts.iter().map(|part| Ok::<_, std::io::Error>(Bytes::from_static(part.as_bytes()))).collect();
        Body::from_stream(stream::iter(parts))
    }

    // Shows S1-12, S1-61, S3-33.
    #[tokio::test]
    async fn a_body_is_whole_at_its_limit_and_refused_above_it() {
        let budget = Arc::new(BodyBudget::new(1000));
        let (bytes, _) = source(chunks(&["ab", "cd", "e"]), 5, &budget).read().await.expect("at the limit");
        assert_eq!(bytes, "abcde");
        for body in [chunks(&["abc", "def"]), Body::from("abcdef")] {
            let error = source(body, 5, &budget).read().await.expect_err("above the limit");
            assert_eq!(error.code(), Code::PayloadTooLarge);
        }
    }

    #[tokio::test]
    async fn a_body_that_no_waiting_could_make_room_for_is_too_large() {
        let budget = Arc::new(BodyBudget::new(6));
        let heavy = BodySource { weight: 4, ..source(Body::from("ab"), 10, &budget) };
        let error = heavy.read().await.expect_err("8 of 6");
        assert_eq!(error.code(), Code::PayloadTooLarge);
    }

    #[tokio::test]
    async fn the_budget_is_shared_and_given_back() {
        let budget = Arc::new(BodyBudget::new(6));
        let (_, held) = source(Body::from("abcd"), 10, &budget).read().await.expect("fits");
        let error = source(Body::from("abcd"), 10, &budget).read().await.expect_err("used up");
        assert_eq!(error.code(), Code::Unavailable);
        drop(held);
        assert!(source(Body::from("abcd"), 10, &budget).read().await.is_ok());
    }

    /// A body of which a piece comes every 900 ms.
    fn dripping(piece: &'static str, pieces: usize) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_millis(900)).await;
            (sent < pieces).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())), sent + 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_a_request_timeout_and_a_slow_one_is_read() {
        let budget = Arc::new(BodyBudget::new(1000));
        let begun = Instant::now();
        let error = source(dripping("x", 50), 500, &budget).read().await.expect_err("one byte in 900 ms");
        assert_eq!(error.code(), Code::RequestTimeout);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        let (slow, _) = source(dripping("123456789", 50), 500, &budget).read().await.expect("ten bytes in a second");
        assert_eq!(slow.len(), 450);
        let any = BodySource { least_rate: 0, ..source(dripping("x", 50), 500, &budget) };
        assert_eq!(any.read().await.expect("any number").0.len(), 50);
    }

    // Shows S1-62, O-D22.
    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_a_request_timeout() {
        let budget = Arc::new(BodyBudget::new(1000));
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let error = source(body, 5, &budget).read().await.expect_err("too slow");
        assert_eq!(error.code(), Code::RequestTimeout);
    }
}
