//! Sends one exchange to all servers and groups what they answer.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::exchange::Exchange;
use crate::Column;
use crate::differential::Group;
use crate::normalise::{Rule, normalise};
use crate::wire::{Connection, End, Until, own_address};

/// How long an exchange may take; far above the server's own timeout.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a server has answered so far.
struct Asked {
    connection: Option<Connection>,
    text: String,
}

/// The answers to an exchange, with the servers that gave them.
///
/// All servers get each piece before one of them gets the next.
pub(super) fn ask(columns: &[Column<'_>], exchange: &Exchange, used: &mut BTreeSet<Rule>) -> Vec<Group> {
    let mut all: Vec<Asked> = columns.iter().map(open).collect();
    let sendings = exchange.sendings();
    for (at, sending) in sendings.iter().enumerate() {
        let last = at + 1 == sendings.len();
        for piece in &sending.pieces {
            for asked in &mut all {
                if let Some(connection) = &mut asked.connection {
                    connection.send(piece);
                }
            }
        }
        for asked in &mut all {
            let Some(mut connection) = asked.connection.take() else { continue };
            if last && exchange.is_cut() {
                connection.finish_sending();
            }
            let until = if last { Until::Closed } else { Until::Answers(sending.asked.len()) };
            let read = connection.exchange(Vec::new(), &sending.asked, until);
            for answer in &read.answers {
                let _ = writeln!(asked.text, "{}", normalise(answer, used));
            }
            if let Some(problem) = &read.problem {
                let _ = writeln!(asked.text, "malformed: {problem}");
            }
            // A server that said it closes is not asked again.
            let says_close = read
                .answers
                .last()
                .is_some_and(|answer| answer.header("connection").any(|value| value.eq_ignore_ascii_case(b"close")));
            let goes_on = !last && !says_close && read.problem.is_none() && !read.answers.is_empty();
            match read.end {
                End::TimedOut => asked.text.push_str(HANGS),
                _ if goes_on => asked.connection = Some(connection),
                End::Closed | End::Reset => asked.text.push_str("(closed)\n"),
                End::Open if connection.is_closed_within(TIMEOUT) => asked.text.push_str("(closed)\n"),
                End::Open => asked.text.push_str(HANGS),
            }
        }
    }
    group(columns, all)
}

/// What the answer of a server says that neither answered in time nor closed.
const HANGS: &str = "(neither answered nor closed in time)\n";

/// Whether these answers are a finding: they differ, or one of them never came.
pub(super) fn is_finding(groups: &[Group]) -> bool {
    groups.len() > 1 || groups.iter().any(|group| group.answer.contains(HANGS))
}

fn open(column: &Column<'_>) -> Asked {
    match Connection::open(column.addr, own_address(column.addr), TIMEOUT) {
        Ok(connection) => Asked { connection: Some(connection), text: String::new() },
        Err(error) => Asked { connection: None, text: format!("cannot connect: {error}\n") },
    }
}

fn group(columns: &[Column<'_>], all: Vec<Asked>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (column, asked) in columns.iter().zip(all) {
        match groups.iter_mut().find(|group| group.answer == asked.text) {
            Some(group) => group.names.push(column.name.to_owned()),
            None => groups.push(Group { names: vec![column.name.to_owned()], answer: asked.text }),
        }
    }
    groups
}
