//! Texts for people: what was sent, what came back, what is wrong, and how to see it again.

use std::fmt::Write as _;

use crate::parse::RawResponse;
use crate::verdict::{CaseOutcome, Verdict};
use crate::wire::Exchange;

/// Bytes of a body that are shown.
const SHOWN: usize = 2000;

/// A verdict in a word or two; loud if it fails a run.
#[must_use]
pub const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "FAIL",
        Verdict::ExpectedDivergence => "expected divergence",
        Verdict::StaleDivergence => "STALE DIVERGENCE",
        Verdict::HarnessError => "HARNESS ERROR",
        Verdict::NotObservable => "not observable",
    }
}

/// The report of one outcome; `rerun` is the command that repeats only this case.
#[must_use]
pub fn describe(outcome: &CaseOutcome, rerun: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {} ({:?})", outcome.name, word(outcome.verdict), outcome.level);
    for mismatch in &outcome.mismatches {
        let _ = writeln!(out, "  - {mismatch}");
    }
    for (at, exchange) in outcome.exchanges.iter().enumerate() {
        if outcome.exchanges.len() > 1 {
            let _ = writeln!(out, "step {}:", at + 1);
        }
        show(&mut out, exchange);
    }
    if !outcome.normalised.is_empty() {
        let _ = writeln!(out, "normalised: {:?}", outcome.normalised);
    }
    let _ = writeln!(out, "again: {rerun}");
    out
}

/// All bytes that were sent, as text.
#[must_use]
pub fn sent_text(outcome: &CaseOutcome) -> String {
    let sent: Vec<String> = outcome.exchanges.iter().map(|exchange| printable(&exchange.sent)).collect();
    sent.join("\n").trim_end().to_owned()
}

/// All answers, as text, each with how the connection stood.
#[must_use]
pub fn answers_text(outcome: &CaseOutcome) -> String {
    let mut out = String::new();
    for exchange in &outcome.exchanges {
        exchange.answers.iter().for_each(|answer| out.push_str(&answer_text(answer)));
        let _ = writeln!(out, "({})", exchange.summary());
    }
    out.trim_end().to_owned()
}

fn show(out: &mut String, exchange: &Exchange) {
    for line in printable(&exchange.sent).lines() {
        let _ = writeln!(out, "  > {line}");
    }
    for answer in &exchange.answers {
        for line in answer_text(answer).lines() {
            let _ = writeln!(out, "  < {line}");
        }
    }
    let _ = writeln!(out, "  = {}", exchange.summary());
}

/// An answer as text.
#[must_use]
pub fn answer_text(answer: &RawResponse) -> String {
    let mut out = String::new();
    for (status, headers) in &answer.informational {
        let _ = writeln!(out, "HTTP/1.1 {status} ({} headers)", headers.len());
    }
    let _ = writeln!(out, "HTTP/1.{} {} {}", answer.minor_version, answer.status, answer.reason);
    for (name, value) in &answer.headers {
        let _ = writeln!(out, "{name}: {}", printable(value));
    }
    let _ = writeln!(out, "\n{}", printable(&answer.body));
    for (name, value) in &answer.trailers {
        let _ = writeln!(out, "(trailer) {name}: {}", printable(value));
    }
    out
}

/// Bytes as lines of text: what is not printable is escaped, CR is shown, long texts are cut.
fn printable(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes.iter().take(SHOWN) {
        match byte {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n\n"),
            b' '..=b'~' | b'\t' => out.push(char::from(*byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    if bytes.len() > SHOWN {
        let _ = write!(out, ".. ({} bytes)", bytes.len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Level;
    use crate::wire::End;

    #[test]
    fn a_report_shows_the_bytes_all_mismatches_and_the_command() {
        let exchange =
            Exchange { sent: b"GET / HTTP/1.1\r\n\0".to_vec(), answers: Vec::new(), end: End::TimedOut, problem: None };
        let mismatches = vec!["one".to_owned(), "two".to_owned()];
        let outcome = CaseOutcome::new("a/b".into(), Level::Must, mismatches, vec![exchange]);
        let text = describe(&outcome, "cargo test a/b");
        for part in ["> GET / HTTP/1.1\\r\\n", "\\x00", "- one", "- two", "timed out", "cargo test a/b"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
