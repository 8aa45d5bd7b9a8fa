//! Texts for people: what was sent, what came back, what is wrong, and how to see it again.

mod screen;
mod steps;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::parse::RawResponse;
use crate::verdict::{CaseOutcome, Verdict};
use crate::wire::Exchange;

/// Bytes of a text that are shown on a page, where there is more room than on a screen.
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

/// The report of one outcome, which fits a screen: what is long is cut in the middle, and says how much is cut.
///
/// `wanted` is what has to come back, `rerun` the command that repeats only this case.
#[must_use]
pub fn describe(outcome: &CaseOutcome, wanted: &str, rerun: &str) -> String {
    let mut lines =
        vec![screen::cut_line(&format!("{}: {} ({:?})", outcome.name, word(outcome.verdict), outcome.level))];
    let mismatches = outcome.mismatches.iter().flat_map(|text| screen::marked("  - ", "    ", text)).collect();
    lines.extend(screen::cut_lines(mismatches, 8));
    let wrong = steps::wrong(&outcome.mismatches);
    if !wanted.is_empty() {
        lines.push("expected:".to_owned());
        lines.extend(expected(wanted, &wrong));
    }
    let again = screen::command("again: ", rerun);
    let left = screen::LINES.saturating_sub(lines.len() + again.len());
    lines.extend(exchanges(&outcome.exchanges, &wrong, left));
    lines.extend(again);
    lines.join("\n") + "\n"
}

/// What has to come back; of several steps, what those that went wrong have to.
fn expected(wanted: &str, wrong: &BTreeSet<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    let expected = steps::expected(wanted, wrong);
    for (step, text) in &expected {
        lines.extend(step.map(|step| format!("step {}:", step + 1)));
        let text = screen::marked("  | ", "  | ", text).into_iter().filter(|line| line.trim() != "|").collect();
        lines.extend(screen::cut_lines(text, (6 / expected.len()).max(3)));
    }
    lines
}

/// What was sent and what came back in so many lines: of many exchanges those of the steps that went wrong, and the
/// first and the last.
fn exchanges(all: &[Exchange], wrong: &BTreeSet<usize>, most: usize) -> Vec<String> {
    if all.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["sent (>) and got (<):".to_owned()];
    let shown = steps::shown(all.len(), wrong);
    // What went wrong has the room of two; where no step is named, that is the last.
    let share = |step: usize| 1 + usize::from(wrong.contains(&step) || (wrong.is_empty() && step + 1 == all.len()));
    let mut shares: usize = shown.iter().map(|step| share(*step)).sum();
    let (mut next, mut gaps) = (0, gaps(&shown, all.len()));
    for step in shown {
        if step > next {
            lines.push(format!(".. ({} steps are cut)", step - next));
            gaps -= 1;
        }
        next = step + 1;
        if all.len() > 1 {
            lines.push(format!("step {next}:"));
        }
        // What one leaves over, the others have.
        let room = most.saturating_sub(lines.len() + gaps) * share(step) / shares;
        shares -= share(step);
        lines.extend(exchange_lines(&all[step], room.saturating_sub(1)));
    }
    if next < all.len() {
        lines.push(format!(".. ({} steps are cut)", all.len() - next));
    }
    lines
}

/// How many lines tell that steps are cut.
fn gaps(shown: &BTreeSet<usize>, count: usize) -> usize {
    let ends = shown.iter().map(|step| step + 1).chain([0]);
    ends.filter(|end| *end < count && !shown.contains(end)).count()
}

fn exchange_lines(exchange: &Exchange, most: usize) -> Vec<String> {
    let sent = screen::marked("  > ", "  > ", &screen::ends(&exchange.sent));
    let got = exchange.answers.iter().map(answer_text).chain(exchange.word_lines());
    let got = got.flat_map(|text| screen::marked("  < ", "  < ", &text)).collect();
    let most = most.saturating_sub(1);
    let mut lines = screen::cut_lines(sent, (most / 2).max(2));
    lines.extend(screen::cut_lines(got, most.saturating_sub(lines.len()).max(2)));
    lines.extend(screen::marked("  = ", "    ", &exchange.summary()));
    lines
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
        exchange.word_lines().for_each(|line| out.extend([&*printable(line.as_bytes()), "\n"]));
        let _ = writeln!(out, "({})", exchange.summary());
    }
    out.trim_end().to_owned()
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

/// Bytes as lines of text, of which the first are shown.
fn printable(bytes: &[u8]) -> String {
    /// Lines that are shown.
    const LINES: usize = 24;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').take(LINES).map(<[u8]>::len).sum();
    let shown = SHOWN.min(lines);
    let mut out = escaped(&bytes[..shown]);
    if bytes.len() > shown {
        let _ = write!(out, ".. ({} bytes)", bytes.len());
    }
    out
}

/// Bytes as lines of text: what is not printable is escaped, CR and LF are shown.
fn escaped(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n\n"),
            b' '..=b'~' | b'\t' => out.push(char::from(*byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Level;
    use crate::parse::{Asked, parse};
    use crate::wire::End;

    const RERUN: &str = "cargo test -p neurolink-axum --test conformance -- --exact 'area/a-case-whose-name-is-rather-long-for-a-screen[and-its-row]'";

    fn exchange(sent: &[u8], answer: &[u8]) -> Exchange {
        let parsed = parse(answer, true, &Asked::method("GET")).unwrap();
        Exchange {
            sent: sent.to_vec(),
            answers: parsed.into_iter().map(|(answer, _)| answer).collect(),
            end: End::Open,
            problem: None,
            words: Vec::new(),
        }
    }

    fn outcome(mismatches: Vec<String>, exchanges: Vec<Exchange>) -> CaseOutcome {
        CaseOutcome::new("a/b".into(), Level::Must, mismatches, exchanges)
    }

    /// All of the report, if it is of one screen.
    fn fits(text: &str) {
        let (lines, longest) = (text.lines().count(), text.lines().map(|line| line.chars().count()).max());
        assert!(lines <= 50 && longest <= Some(120), "{lines} lines, the longest has {longest:?} columns:\n{text}");
    }

    #[test]
    fn a_report_of_forty_exchanges_with_heads_and_bodies_of_64_kib_fits_a_screen() {
        let head = format!("GET /{{}} HTTP/1.1\r\nX-Long: {}\r\nX-Last: 1\r\n\r\n", "h".repeat(64 * 1024));
        let answer = format!("HTTP/1.1 200 OK\r\n{}\r\n{}", "X-Line: 1\r\n".repeat(60), "b\n".repeat(32 * 1024));
        let exchanges = (0..40).map(|at| exchange(head.replace("{}", &at.to_string()).as_bytes(), answer.as_bytes()));
        let mismatches = (0..40).map(|at| format!("expected {at}, got {}", "m".repeat(64 * 1024)));
        let text = describe(&outcome(mismatches.collect(), exchanges.collect()), &"status = 201\n".repeat(40), RERUN);
        fits(&text);
        for part in [
            "a/b: FAIL",
            "  - expected 0, got m",
            "expected:\n  | status = 201",
            "sent (>) and got (<):",
            "step 1:\n  > GET /0 ",
            ".. (37 steps are cut)",
            "step 39:",
            "step 40:\n  > GET /39 ",
            "X-Last: 1",
            "  < HTTP/1.1 200 OK",
            "  = 200",
            "again: cargo test",
            "lines are cut)",
            "characters are cut)",
            "bytes are cut)",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        let command = text.split_once("again: ").unwrap().1.replace("\\\n", " ");
        assert_eq!(command.split_ascii_whitespace().collect::<Vec<_>>(), RERUN.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn the_step_that_went_wrong_is_shown_with_what_it_expects() {
        let answer = format!("HTTP/1.1 200 OK\r\n{}\r\nx", "X-Line: 1\r\n".repeat(60));
        let exchanges = (1..=7).map(|at| exchange(format!("GET /{at} HTTP/1.1\r\n\r\n").as_bytes(), answer.as_bytes()));
        let steps: String = (1..=7).map(|at| format!("[[steps]]\nstatus = 20{at}\n\n")).collect();
        let mismatches = vec!["step 4: status: expected 204, got 200".to_owned()];
        let text = describe(&outcome(mismatches, exchanges.collect()), &steps, RERUN);
        fits(&text);
        let parts = [
            "expected:\nstep 4:\n  | status = 204\nsent",
            "step 1:\n  > GET /1 ",
            ".. (2 steps are cut)\nstep 4:\n  > GET /4 ",
            ".. (2 steps are cut)\nstep 7:\n  > GET /7 ",
        ];
        for part in parts {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn of_many_steps_that_went_wrong_the_first_fit_a_screen() {
        let answer = format!("HTTP/1.1 200 OK\r\n{}\r\nx", "X-Line: 1\r\n".repeat(60));
        let sent = "GET / HTTP/1.1\r\n".repeat(60);
        let exchanges = (0..40).map(|_| exchange(sent.as_bytes(), answer.as_bytes()));
        let steps = "[[steps]]\nstatus = 201\n[steps.headers]\na = 1\nb = 1\nc = 1\nd = 1\n".repeat(40);
        let mismatches = (11..30).map(|step| format!("step {step}: status: expected 201, got 200"));
        let text = describe(&outcome(mismatches.collect(), exchanges.collect()), &steps, RERUN);
        fits(&text);
        for part in [".. (10 steps are cut)\nstep 11:", "step 12:", "step 13:", ".. (27 steps are cut)\nagain: "] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn one_long_exchange_uses_the_screen() {
        let sent = "1\r\na\r\n".repeat(5000).into_bytes();
        let text =
            describe(&outcome(vec!["one".into()], vec![exchange(&sent, b"HTTP/1.1 200 OK\r\n\r\nx")]), "", "again");
        fits(&text);
        assert!(text.lines().count() >= 24 && text.contains("  < x"), "{text}");
    }

    #[test]
    fn a_report_shows_the_bytes_all_mismatches_and_the_command() {
        let silent = Exchange { end: End::TimedOut, ..exchange(b"GET / HTTP/1.1\r\n\0", b"HTTP/1.1 200 OK\r\n\r\n") };
        let silent = Exchange { answers: Vec::new(), ..silent };
        let text = describe(&outcome(vec!["one".into(), "two".into()], vec![silent]), "status = 200", "cargo test a/b");
        for part in
            ["> GET / HTTP/1.1\\r\\n", "\\x00", "- one", "- two", "| status = 200", "timed out", "cargo test a/b"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
