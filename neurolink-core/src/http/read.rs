//! Reading request bodies: bounded in size, in time, and for all of them together.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream as _;

use super::Body;
use super::pace::Pace;
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
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Error> {
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

/// What a part of a form that is held takes of the budget, shared by the form and the request.
#[cfg(feature = "multipart")]
#[derive(Clone, Debug)]
pub(crate) struct SharedReservation(pub(crate) Arc<std::sync::Mutex<Reservation>>);

/// A request's body with all that bounds its reading.
pub(crate) struct BodySource {
    pub(crate) body: Body,
    pub(crate) limit: usize,
    pub(crate) pace: Pace,
    pub(crate) budget: Arc<BodyBudget>,
    /// How many bytes of memory a byte of the body stands for.
    pub(crate) weight: usize,
}

/// The most that a body of several pieces gets at once, in bytes: what a client declares is not what it sends.
const AT_ONCE: usize = 128 * 1024;

impl BodySource {
    /// Reads all of it.
    pub(crate) async fn read(mut self) -> Result<(Bytes, Reservation), Error> {
        let mut reservation = self.budget.reserve();
        let declared = self.declared()?;
        let mut whole = Whole::Nothing;
        while let Some(data) = self.next_within().await? {
            reservation.grow(data.len().saturating_mul(self.weight))?;
            whole = whole.and(data, declared.min(AT_ONCE));
        }
        Ok((whole.into_bytes(), reservation))
    }

    /// The length that is declared, 0 if none is.
    ///
    /// # Errors
    /// 413 when it is above the limit.
    pub(super) fn declared(&self) -> Result<usize, Error> {
        let exact = http_body::Body::size_hint(&self.body).exact();
        let declared = exact.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        if declared > self.limit { Err(too_large(self.limit)) } else { Ok(declared) }
    }

    /// Reads all of it and keeps nothing.
    pub(crate) async fn discard(mut self) -> Result<(), Error> {
        while self.next_within().await?.is_some() {}
        Ok(())
    }

    /// The next piece, which has to come in time and to fit.
    async fn next_within(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = self.next().await?;
        if self.pace.come() > self.limit { Err(too_large(self.limit)) } else { Ok(piece) }
    }

    /// The next piece, which has to come in time.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = poll_fn(|cx| self.poll_next(cx)).await?;
        self.pace.came(piece.as_ref().map_or(0, Bytes::len));
        Ok(piece)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        match Pin::new(&mut self.body).poll_next(cx) {
            Poll::Ready(piece) => Poll::Ready(piece.transpose().map_err(unreadable)),
            Poll::Pending => self.pace.poll_late(cx).map(|()| Err(Error::new(Code::RequestTimeout))),
        }
    }
}

/// What has been read; a body of one piece is not copied.
pub(super) enum Whole {
    Nothing,
    One(Bytes),
    Several(BytesMut),
}

impl Whole {
    pub(super) fn and(self, data: Bytes, room: usize) -> Self {
        match self {
            Self::Nothing => Self::One(data),
            Self::One(first) => {
                let mut all = BytesMut::with_capacity(room.max(first.len() + data.len()));
                all.extend_from_slice(&first);
                all.extend_from_slice(&data);
                Self::Several(all)
            }
            Self::Several(mut all) => {
                all.extend_from_slice(&data);
                Self::Several(all)
            }
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Several(all) => all.freeze(),
        }
    }
}

/// The 413 of a body above this limit.
pub(crate) fn too_large(limit: usize) -> Error {
    Error::new(Code::PayloadTooLarge)
        .with_message(format!("The request body is larger than the {limit} bytes this route takes"))
}

/// The error of a body that could not be read: its own, if it says what it is.
pub(crate) fn unreadable(error: crate::BoxError) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(told) => return *told,
        Err(error) => error,
    };
    if error.to_string() == super::body::UNAVAILABLE {
        return Error::internal(error);
    }
    Error::bad_request("The request body could not be read").with_source(error)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::Instant;

    use super::*;

    fn source(body: Body, limit: usize, budget: &Arc<BodyBudget>) -> BodySource {
        BodySource {
            body,
            limit,
            pace: Pace::new(Duration::from_secs(1), 10, None),
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
        let any =
            BodySource { pace: Pace::new(Duration::from_secs(1), 0, None), ..source(dripping("x", 50), 500, &budget) };
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
