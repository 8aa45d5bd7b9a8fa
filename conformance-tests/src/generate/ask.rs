//! Sends one exchange to all servers and groups what they answer.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::exchange::GeneratedExchange;
use crate::Column;
use crate::differential::Group;
use crate::normalise::{Rule, normalise};
use crate::parse::RawResponse;
use crate::wire::{Connection, End, Until, own_address};

/// How long an exchange may take; far above the server's own timeout.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a server has answered so far.
struct Asked {
    connection: Option<Connection>,
    answers: Vec<String>,
    /// How it ended.
    end: String,
    /// After how many answers it closed without having to, since a body that came in pieces was not read.
    early: Option<usize>,
    /// After how many answers its host answered by itself.
    outside: Option<usize>,
}

/// The answers to an exchange, with the servers that gave them.
///
/// All servers get each piece before one of them gets the next.
pub(super) fn ask(columns: &[Column<'_>], exchange: &GeneratedExchange, used: &mut BTreeSet<Rule>) -> Vec<Group> {
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
        for (column, asked) in columns.iter().zip(&mut all) {
            let Some(mut connection) = asked.connection.take() else { continue };
            if last && exchange.is_cut() {
                connection.finish_sending();
            }
            let until = if last { Until::Closed } else { Until::Answers(sending.asked.len()) };
            let read = connection.exchange(Vec::new(), &sending.asked, until);
            for (number, answer) in read.answers.iter().enumerate() {
                let target = exchange.requests.get(asked.answers.len()).map(|request| request.target.as_str());
                if column.is_outside(target, answer) {
                    asked.outside = asked.outside.or(Some(asked.answers.len()));
                }
                asked.answers.push(normalise(answer, used));
                if says_close(answer) && sending.in_pieces.get(number) == Some(&true) {
                    asked.early = asked.early.or(Some(asked.answers.len()));
                }
            }
            if let Some(problem) = &read.problem {
                let _ = writeln!(asked.end, "malformed: {problem}");
            }
            // A server that said it closes is not asked again.
            let says_close = read.answers.last().is_some_and(says_close);
            let goes_on = !last && !says_close && read.problem.is_none() && !read.answers.is_empty();
            match read.end {
                End::TimedOut => asked.end.push_str(HANGS),
                _ if goes_on => asked.connection = Some(connection),
                End::Closed | End::Reset => asked.end.push_str("(closed)\n"),
                End::Open if connection.is_closed_within(TIMEOUT) => asked.end.push_str("(closed)\n"),
                End::Open => asked.end.push_str(HANGS),
            }
        }
    }
    group(columns, all, used)
}

fn says_close(answer: &RawResponse) -> bool {
    answer.header("connection").any(|value| value.eq_ignore_ascii_case(b"close"))
}

/// What the answer of a server says that neither answered in time nor closed.
const HANGS: &str = "(neither answered nor closed in time)\n";

/// Whether these answers are a finding: they differ, or one of them never came.
pub(super) fn is_finding(groups: &[Group]) -> bool {
    groups.len() > 1 || groups.iter().any(|group| group.answer.contains(HANGS))
}

fn open(column: &Column<'_>) -> Asked {
    let (connection, end) = match Connection::open(column.addr, own_address(column.addr), TIMEOUT) {
        Ok(connection) => (Some(connection), String::new()),
        Err(error) => (None, format!("cannot connect: {error}\n")),
    };
    Asked { connection, answers: Vec::new(), end, early: None, outside: None }
}

fn group(columns: &[Column<'_>], all: Vec<Asked>, used: &mut BTreeSet<Rule>) -> Vec<Group> {
    let shared = all.iter().filter_map(|asked| asked.early).min();
    let outside = all.iter().filter_map(|asked| asked.outside).min();
    let mut groups: Vec<Group> = Vec::new();
    for (column, mut asked) in columns.iter().zip(all) {
        if let Some(shared) = shared
            && asked.answers.len() >= shared
            && !asked.end.contains(HANGS)
        {
            if asked.answers.len() > shared {
                used.insert(Rule::UnreadBody);
            }
            asked.answers.truncate(shared);
            asked.end.clear();
        }
        if let Some(outside) = outside
            && asked.answers.len() >= outside
        {
            used.insert(Rule::Outside);
            asked.answers.truncate(outside);
            asked.end.clear();
        }
        asked.answers.push(asked.end);
        let answer = asked.answers.join("\n");
        match groups.iter_mut().find(|group| group.answer == answer) {
            Some(group) => group.names.push(column.name.to_owned()),
            None => groups.push(Group { names: vec![column.name.to_owned()], answer }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::SocketAddr;

    use super::super::exchange::{Framing, Request};
    use super::*;

    /// A server that answers every connection with these bytes and closes it.
    fn says(answer: &'static str) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        addr
    }

    #[test]
    fn what_a_host_answers_outside_of_the_app_is_compared_with_nothing() {
        const OURS: &str =
            "HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        const HOSTS: &str = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        const OUR_404: &str =
            "HTTP/1.1 404 Not Found\r\nx-request-id: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let request = |target: &str| Request {
            method: "GET".into(),
            target: target.into(),
            version: "HTTP/1.1",
            headers: vec![("Host".into(), b"localhost".to_vec()), ("Connection".into(), b"close".to_vec())],
            body: Vec::new(),
            framing: Framing::Length,
        };
        let groups = |target, answer, in_a_host| {
            let exchange = GeneratedExchange { requests: vec![request(target)], pipelined: false, splits: vec![] };
            let other = Column { in_a_host, ..Column::new("other", says(answer)) };
            ask(&[Column::new("alone", says(OURS)), other], &exchange, &mut BTreeSet::new()).len()
        };
        assert_eq!(groups("/api%2Ftest", HOSTS, true), 1);
        assert_eq!(groups("/api%2Ftest", HOSTS, false), 2);
        assert_eq!(groups("/api%2Ftest", OUR_404, true), 2);
        for lost in ["/api", "/api/test", "/api?a"] {
            assert_eq!(groups(lost, HOSTS, true), 2, "a mount that loses {lost} is found");
        }
    }
}
