//! Whether a connection waits for a head, for a server that does not keep that time itself.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The requests of one HTTP/1 connection, as its server tells of them; a handle that stays in its thread.
///
/// For servers that keep the time of the first head only: this gives up any that does not come in time, and a connection
/// that is silent for too long between two requests.
#[derive(Clone, Debug)]
pub struct Heads(Rc<State>);

#[derive(Debug)]
struct State {
    /// Requests whose answer is not wholly given away.
    active: Cell<usize>,
    /// An answer may not have been written out.
    unsent: Cell<bool>,
    /// Since when something has come that is no request yet.
    begun: Cell<Option<Instant>>,
    /// No request has come yet.
    new: Cell<bool>,
    /// Since when it waits for a head.
    since: Cell<Instant>,
    /// It begins to wait for one.
    waits: Notify,
    /// The answer that was last given away ends the connection.
    closing: Cell<bool>,
}

/// A request whose answer is not wholly given away; it is when this is dropped.
#[derive(Debug)]
pub struct Unanswered(Rc<State>);

impl Default for Heads {
    fn default() -> Self {
        Self(Rc::new(State {
            active: Cell::default(),
            unsent: Cell::default(),
            begun: Cell::default(),
            new: Cell::new(true),
            since: Cell::new(Instant::now()),
            waits: Notify::new(),
            closing: Cell::default(),
        }))
    }
}

impl Heads {
    /// A head has become a request.
    #[must_use]
    pub fn request(&self) -> Unanswered {
        self.0.active.update(|active| active + 1);
        self.0.unsent.set(true);
        self.0.begun.set(None);
        self.0.new.set(false);
        Unanswered(Rc::clone(&self.0))
    }

    /// These bytes were read.
    pub fn read(&self, bytes: &[u8]) {
        if self.0.active.get() == 0 && self.0.begun.get().is_none() && begins_head(bytes) {
            self.0.begun.set(Some(Instant::now()));
        }
    }

    /// All that was to be written is.
    pub fn flushed(&self) {
        if self.0.active.get() == 0 && self.0.unsent.replace(false) {
            self.0.since.set(Instant::now());
            self.0.waits.notify_one();
        }
    }

    /// Whether nothing of an answer is on its way, so that another can be told from it.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.0.active.get() == 0 && !self.0.unsent.get()
    }

    /// Whether a part of a head has come since nothing is active.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.begun.get().is_some()
    }

    /// Waits until the connection waits for a head of which nothing has come; for ever, if it is about to end by itself.
    pub async fn idle(&self) {
        while !self.is_between() || self.has_begun() || self.0.closing.get() {
            self.0.waits.notified().await;
        }
    }

    /// Waits until a head has taken longer than `head`, or a connection has had no request for `idle`; before its first one
    /// it has `head` for its first bytes too.
    ///
    /// # Panics
    /// Outside a runtime of tokio with its timers on.
    pub async fn late(&self, head: Duration, idle: Duration) {
        loop {
            let now = Instant::now();
            let due = match self.0.begun.get() {
                _ if !self.is_between() => None,
                Some(begun) => Some(begun + head),
                None if self.0.new.get() => Some(self.0.since.get() + head),
                None => Some(self.0.since.get() + idle),
            };
            if due.is_some_and(|due| due <= now) {
                return;
            }
            // A head that begins later is not late before the next look.
            sleep_until(due.map_or(now + head, |due| due.min(now + head))).await;
        }
    }
}

/// Whether there is more than empty lines, which may stand before a head (RFC 9112, section 2.2).
pub(crate) fn begins_head(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
}

impl Unanswered {
    /// Marks the answer as one that ends the connection: its server closes it, and may read on before it does.
    pub fn mark_last(&self) {
        self.0.closing.set(true);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.active.update(|active| active.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const HEAD: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(60);

    /// After how many seconds it is late.
    async fn late_after(heads: &Heads) -> u64 {
        let begun = Instant::now();
        heads.late(HEAD, IDLE).await;
        begun.elapsed().as_secs()
    }

    async fn pass(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_late_that_has_no_request_in_time() {
        let heads = Heads::default();
        pass(4).await;
        heads.read(b"\r\nG");
        assert_eq!(late_after(&heads).await, 10, "its first bytes came in time");
        assert!(heads.has_begun());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_has_the_time_of_a_head() {
        let heads = Heads::default();
        pass(4).await;
        heads.read(b"\r\n");
        assert_eq!(late_after(&heads).await, 6);
        assert!(!heads.has_begun());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_not_while_an_answer_is_on_its_way_and_waits_anew_behind_it() {
        let heads = Heads::default();
        let answering = heads.request();
        let answers = async {
            pass(35).await;
            heads.read(b"more of its body");
            drop(answering);
            assert!(!heads.is_between(), "it is not written out");
            pass(7).await;
            heads.flushed();
            assert!(heads.is_between());
        };
        let (late, ()) = tokio::join!(late_after(&heads), answers);
        assert_eq!(late, 35 + 7 + 60);
        assert!(!heads.has_begun(), "it was silent since");
    }

    #[tokio::test]
    async fn a_connection_is_idle_until_a_head_begins_and_again_behind_its_answer() {
        let heads = Heads::default();
        heads.idle().await;
        heads.read(b"G");
        assert_eq!(heads.idle().now_or_never(), None, "a head has begun");
        let answering = heads.request();
        let idle = heads.idle();
        let answers = async {
            drop(answering);
            assert_eq!(heads.idle().now_or_never(), None, "it is not written out");
            heads.flushed();
        };
        tokio::join!(idle, answers);
    }

    #[tokio::test]
    async fn a_connection_that_is_about_to_end_is_not_idle() {
        let heads = Heads::default();
        heads.request().mark_last();
        heads.flushed();
        assert_eq!(heads.idle().now_or_never(), None);
    }

    #[test]
    fn neither_empty_lines_nor_the_end_begin_a_head() {
        assert_eq!(
            ["", "\r\n", "\n\n", "\r\nG", " "].map(|bytes| begins_head(bytes.as_bytes())),
            [false, false, false, true, true]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_behind_a_request_is_late_too() {
        let heads = Heads::default();
        drop(heads.request());
        heads.flushed();
        pass(33).await;
        heads.read(b"\r\nG");
        assert_eq!(late_after(&heads).await, 10);
        assert!(heads.has_begun());
    }
}
