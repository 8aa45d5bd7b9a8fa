//! What a server holds, and what of it is left when nobody wants anything any more.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::places::Manner;
use crate::control::Control;
use crate::function::{Ctx, Failure};
use crate::functions::requests::agent;
use crate::process;
use crate::wire::{Connection, ConnectionOptions};

/// A server that is soaked.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) addr: SocketAddr,
    pub(super) control: Control,
    pub(super) http2: bool,
    pub(super) manner: Manner,
}

/// Something that has to be back at its start.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Measure {
    /// What is counted.
    pub what: String,
    /// How many there were when nobody wanted anything yet.
    pub start: u64,
    /// How many there were when nobody wanted anything any more.
    pub end: u64,
}

/// All counters of the servers and of the process, in an order that does not change.
fn counters(places: &[Place]) -> Result<Vec<(String, u64)>, Failure> {
    let mut all = Vec::new();
    for place in places {
        let (name, control) = (place.name, &place.control);
        let addr = control.server().status().address.unwrap_or(place.addr);
        all.push((format!("{name}: requests in the engine"), control.engine().running()));
        all.push((format!("{name}: open connections"), process::open_at(addr)? as u64));
        all.push((format!("{name}: bytes of request bodies"), control.app().body_memory() as u64));
        all.push((format!("{name}: tasks of the runtime"), control.tasks() as u64));
    }
    all.push(("open files".to_owned(), process::open_files()?));
    all.push(("threads".to_owned(), process::threads()?));
    Ok(all)
}

/// The counters once nothing changes any more.
pub(super) fn at_rest(places: &[Place], patience: Duration) -> Result<Vec<(String, u64)>, Failure> {
    let begun = Instant::now();
    let mut last = counters(places)?;
    let mut since = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let now = counters(places)?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
        let zero = last.iter().all(|(what, count)| *count == 0 || !is_of_clients(what));
        if (zero && since.elapsed() > Duration::from_secs(2)) || begun.elapsed() > patience {
            return Ok(last);
        }
    }
}

/// Whether a counter has to be 0 when there is no client.
fn is_of_clients(what: &str) -> bool {
    ["in the engine", "connections", "bodies"].iter().any(|part| what.contains(part))
}

/// Waits until every counter is back at its start or below, and tells how each stands.
pub(super) fn back_to(places: &[Place], start: &[(String, u64)], patience: Duration) -> Result<Vec<Measure>, Failure> {
    let begun = Instant::now();
    loop {
        let now = counters(places)?.into_iter().zip(start);
        let now: Vec<_> = now.map(|((what, end), (_, start))| Measure { what, start: *start, end }).collect();
        if now.iter().all(Measure::is_back) || begun.elapsed() > patience {
            return Ok(now);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Measure {
    /// Whether nothing of it is left.
    #[must_use]
    pub fn is_back(&self) -> bool {
        self.end <= if is_of_clients(&self.what) { 0 } else { self.start }
    }
}

/// What leaked, in a sentence each.
pub(super) fn leaks(measures: &[Measure]) -> Vec<String> {
    let leaked = measures.iter().filter(|measure| !measure.is_back());
    leaked
        .map(|measure| {
            let Measure { what, start, end } = measure;
            format!("leaked, {what}: {end} when every client had left, {start} at the start")
        })
        .collect()
}

/// Every permit can still be had: connections as many as the server takes, and streams as many as there may be.
pub(super) fn permits(place: &Place, connections: usize) -> Vec<String> {
    let mut problems = Vec::new();
    let ctx = |last: u8| place.manner.client(place.addr, [127, 200, 0, last]);
    let mut open: Vec<Connection> = Vec::new();
    for number in 0..connections {
        // Where limits refuse, that is an answer too: it took a connection.
        let answers: &[&str] = if place.manner.limited { &["HTTP/1.1 200", "HTTP/1.1 429"] } else { &["HTTP/1.1 200"] };
        let held = ask_alone(&ctx(1), r"GET /api/test/params/a HTTP/1.1\r\nHost: localhost\r\n\r\n", answers);
        match held {
            Some(connection) => open.push(connection),
            None => {
                problems.push(format!(
                    "leaked, {}: permits of connections: only {number} of {connections} are answered at one time",
                    place.name
                ));
                break;
            }
        }
    }
    drop(open);
    let mut open: Vec<Connection> = Vec::new();
    // Silent ones: what is sent costs time and shows nothing about permits.
    let request = agent("stream", "test/silent", "x");
    for (last, streams) in place.manner.streams {
        for number in 0..*streams {
            match ask_alone(&ctx(*last), &request, &["HTTP/1.1 200"]) {
                Some(connection) => open.push(connection),
                None => {
                    problems.push(format!(
                        "leaked, {}: permits of streams: a client has only {number} of {streams}",
                        place.name
                    ));
                    break;
                }
            }
        }
    }
    problems
}

/// A connection on which the request had an answer that begins so.
fn ask_alone(ctx: &Ctx, request: &str, answers: &[&str]) -> Option<Connection> {
    let options = ConnectionOptions { receive_buffer: Some(4096), ..ConnectionOptions::default() };
    // A connection that has just been closed may take a moment to be forgotten.
    (0..3).find_map(|_| {
        let mut connection = ctx.connect_with(options).ok()?;
        ctx.send(&mut connection, request);
        answers.iter().any(|begin| connection.answer_begins_with(begin)).then_some(connection)
    })
}
