//! What a conversation has said so far, for the report of its failure.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::parse::RawResponse;
use crate::wire::{End, Exchange};

/// Bytes of one sending that are kept.
const KEPT: usize = 16 * 1024;
/// Of those, the ones at its end.
const KEPT_AT_THE_END: usize = 1024;

/// What was said on a connection, which is known by its number.
type Said = (Option<u32>, Exchange);

/// The exchanges; a clone adds to the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Talk(Arc<Mutex<Vec<Said>>>);

impl Talk {
    /// Bytes were sent, or what they say in words.
    pub(crate) fn sent(&self, connection: u32, bytes: &[u8]) {
        self.change(connection, true, |exchange| exchange.sent.extend_from_slice(&cut(bytes)));
    }

    /// An answer came.
    pub(crate) fn answered(&self, connection: u32, answer: RawResponse) {
        self.change(connection, false, |exchange| exchange.answers.push(answer));
    }

    /// Something came that is no answer of HTTP/1.
    pub(crate) fn came(&self, connection: u32, words: String) {
        self.change(connection, false, |exchange| match exchange.words.last_mut() {
            Some((last, times)) if *last == words => *times += 1,
            _ => exchange.words.push((words, 1)),
        });
    }

    /// The connection stood so when it was looked at.
    pub(crate) fn ended(&self, connection: u32, end: End, problem: Option<String>) {
        self.change(connection, false, |exchange| {
            exchange.end = end;
            exchange.problem = problem;
        });
    }

    /// An exchange on a connection of its own.
    pub(crate) fn whole(&self, exchange: Exchange) {
        self.lock().push((None, exchange));
    }

    /// Everything that was said.
    pub(crate) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.lock()).into_iter().map(|(_, exchange)| exchange).collect()
    }

    /// Adds to what was said last on the connection, which then is the last of all; what is sent behind an answer
    /// begins another exchange.
    fn change(&self, connection: u32, is_sent: bool, change: impl FnOnce(&mut Exchange)) {
        let mut said = self.lock();
        let last = said.iter().rposition(|(number, _)| *number == Some(connection));
        let goes_on = last.filter(|at| !is_sent || said[*at].1.is_unanswered());
        let mut exchange = match goes_on {
            Some(at) => said.remove(at).1,
            None => Exchange::of(Vec::new()),
        };
        change(&mut exchange);
        said.push((Some(connection), exchange));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of very many bytes those at both ends.
fn cut(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.len() <= KEPT {
        return bytes.into();
    }
    let (first, last) = (&bytes[..KEPT - KEPT_AT_THE_END], &bytes[bytes.len() - KEPT_AT_THE_END..]);
    let note = format!("\n.. ({} bytes are cut)\n", bytes.len() - KEPT);
    [first, note.as_bytes(), last].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_behind_an_answer_is_another_exchange() {
        let talk = Talk::default();
        talk.sent(1, b"a");
        talk.sent(2, b"x");
        talk.sent(1, b"b");
        talk.came(1, "PING".into());
        talk.came(1, "PING".into());
        talk.sent(1, b"c");
        let all = talk.take();
        let sent: Vec<_> = all.iter().map(|exchange| exchange.sent.as_slice()).collect();
        assert_eq!(sent, [&b"x"[..], b"ab", b"c"]);
        assert_eq!(all[1].words, [("PING".to_owned(), 2)]);
    }

    #[test]
    fn of_megabytes_both_ends_are_kept() {
        let talk = Talk::default();
        talk.sent(1, &[&b"first"[..], &[b'x'; 1 << 20], b"last"].concat());
        let sent = talk.take().remove(0).sent;
        assert!(sent.len() < 2 * KEPT && sent.starts_with(b"first") && sent.ends_with(b"last"));
        assert!(String::from_utf8_lossy(&sent).contains("(1032201 bytes are cut)"), "{}", (1 << 20) + 9 - KEPT);
    }
}
