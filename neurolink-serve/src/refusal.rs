//! The last words of a connection whose request never became one.

use std::future::poll_fn;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::Io;

/// How long a client may take them.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why there was no request that an app could judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Its head did not come in time: 408.
    LateHead,
    /// Its head is too large to be read: 431.
    LargeHead,
}

impl Refusal {
    const fn status(self) -> StatusCode {
        match self {
            Self::LateHead => StatusCode::REQUEST_TIMEOUT,
            Self::LargeHead => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }
}

impl Io {
    /// Says so without a body, and closes.
    ///
    /// It takes 3 s at most, as the peer takes its time.
    ///
    /// # Panics
    /// Outside a runtime of tokio with its timers on.
    pub async fn refuse(mut self, refusal: Refusal) {
        let said = timeout(LAST_WORDS, async {
            self.write_all(words(refusal.status(), SystemTime::now()).as_bytes()).await?;
            self.flush().await
        });
        if matches!(said.await, Ok(Ok(()))) {
            self.close().await;
        }
    }

    /// Ends a connection that nobody uses, and tells so where it is encrypted; 1 s at most.
    ///
    /// # Panics
    /// Outside a runtime of tokio with its timers on.
    pub async fn end(mut self) {
        let _ = timeout(LAST_WORDS, self.shutdown()).await;
    }

    /// Ends the last answer and reads on for a moment, as [`poll_close`](Self::poll_close) does; 2 s at most.
    ///
    /// # Panics
    /// Outside a runtime of tokio with its timers on.
    pub async fn close(mut self) {
        // A peer that takes nothing does not take the end of TLS either.
        let _ = timeout(2 * LAST_WORDS, poll_fn(|cx| self.poll_close(cx))).await;
    }
}

fn words(status: StatusCode, now: SystemTime) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    let date = httpdate::fmt_http_date(now);
    format!("HTTP/1.1 {} {reason}\r\ncontent-length: 0\r\nconnection: close\r\ndate: {date}\r\n\r\n", status.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_an_answer_without_a_body_that_ends_the_connection() {
        assert_eq!(
            words(Refusal::LateHead.status(), SystemTime::UNIX_EPOCH),
            "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\
             date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n"
        );
    }
}
