//! The run: clients, looks at the memory meanwhile, and what is left at the end.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::clients::{ALL, Trouble, Visit};
use super::outcome::{Memory, Outcome, too_busy};
use super::places::{self, Manner};
use super::restarts;
use super::state::{Place, at_rest, back_to, leaks, permits};
use crate::function::Failure;
use crate::process;
use crate::{Running, Subject};

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long a soak has to be for its memory to tell of a leak: until then it grows with what is used for the first time.
const MEMORY_TELLS: Duration = Duration::from_secs(5 * 60);
/// How often the progress is told.
const TELL: Duration = Duration::from_secs(10);

/// How a soak is done.
#[derive(Clone, Copy)]
pub struct SoakOptions<'a> {
    /// How long clients come.
    pub time: Duration,
    /// How many of them there are at one time.
    pub clients: usize,
    /// How many connections a server takes at one time; at the end so many are opened. 0 if that is not known.
    pub connections: usize,
    /// How long what was begun may take to end when the clients have left.
    pub patience: Duration,
    /// Is called every ten seconds.
    pub progress: &'a (dyn Fn(&Progress) + Sync),
}

/// How far a soak is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// How long clients have come.
    pub elapsed: Duration,
    /// How many visits there were.
    pub visits: u64,
    /// How many of them met a server that was busy.
    pub busy: u64,
    /// How many of them had a wrong answer.
    pub wrong: usize,
    /// The memory of the process, in bytes.
    pub resident: u64,
}

impl Default for SoakOptions<'_> {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(600),
            clients: 12,
            connections: 0,
            patience: Duration::from_secs(20),
            progress: &|_| (),
        }
    }
}

impl std::fmt::Debug for SoakOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoakOptions").field("time", &self.time).field("clients", &self.clients).finish_non_exhaustive()
    }
}

/// What the clients of a soak share.
#[derive(Default)]
pub(super) struct Tally {
    next: AtomicUsize,
    visits: AtomicU64,
    busy: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

/// Soaks the servers of a subject, in this process: one for each configuration.
///
/// # Errors
/// A server does not start, runs elsewhere, or what the kernel knows cannot be read (it is read from `/proc`).
pub fn soak(subject: &dyn Subject, options: SoakOptions<'_>) -> Result<Outcome, Failure> {
    // Both ends of each connection are in this process.
    process::enough_files(2 * options.connections as u64 + 1024)?;
    let servers = places::names().chain([restarts::PLACE]).map(|name| start(subject, name));
    let servers: Vec<(Running, Place)> = servers.collect::<Result<_, _>>()?;
    let places: Vec<Place> = servers.iter().map(|(_, place)| place.clone()).collect();
    let (stopped, soaked) = places.split_last().ok_or_else(|| Failure::new("no server"))?;

    // Once everything: what is made when it is first needed is no leak.
    let warm = Tally::default();
    thread::scope(|scope| {
        for place in soaked {
            scope.spawn(|| visits(place).for_each(|visit| one(visit, place, 0, &warm)));
        }
    });
    let restarts = restarts::Restarts::default();
    restarts.one(stopped, &warm);
    let start = at_rest(&places, options.patience)?;

    let (tally, begun) = (Tally::default(), Instant::now());
    let mut looks = Ok(Vec::new());
    thread::scope(|scope| {
        for client in 0..options.clients.max(1) {
            let tally = &tally;
            scope.spawn(move || {
                while begun.elapsed() < options.time {
                    // Each place has all visits in turn, whichever client is free.
                    let number = tally.next.fetch_add(1, Ordering::Relaxed);
                    let place = &soaked[number % soaked.len()];
                    let all: Vec<Visit> = visits(place).collect();
                    one(all[number / soaked.len() % all.len()], place, client + 1, tally);
                }
            });
        }
        scope.spawn(|| {
            while begun.elapsed() < options.time {
                restarts.one(stopped, &tally);
            }
        });
        looks = look(&tally, options, begun);
    });
    let looks = looks?;

    let mut problems: Vec<String> = soaked.iter().flat_map(|place| permits(place, options.connections)).collect();
    let measures = back_to(&places, &start, options.patience)?;
    problems.extend(leaks(&measures));
    let memory = Memory::of(&looks);
    problems.extend(memory.problem().filter(|_| options.time >= MEMORY_TELLS));
    let (visits, busy) = (tally.visits.load(Ordering::Relaxed), tally.busy.load(Ordering::Relaxed));
    problems.extend(too_busy(visits, busy));
    let wrong: Vec<String> = [warm, tally]
        .into_iter()
        .flat_map(|tally| tally.wrong.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect();
    problems.extend(wrong.first().map(|first| format!("{} wrong answers, the first: {first}", wrong.len())));
    Ok(Outcome {
        name: subject.name().to_owned(),
        seconds: begun.elapsed().as_secs_f64(),
        visits,
        busy,
        wrong: wrong.len(),
        restarts: restarts.count(),
        memory,
        measures,
        problems,
    })
}

fn start(subject: &dyn Subject, name: &'static str) -> Result<(Running, Place), Failure> {
    let not = |problem: String| Failure::new(format!("{} does not start with `{name}`: {problem}", subject.name()));
    let running = subject.start(name).map_err(|error| not(error.to_string()))?;
    let control = running.control.clone().ok_or_else(|| not("it runs elsewhere".into()))?;
    let place =
        Place { name, addr: running.addr, control, http2: running.http2 == Some(true), manner: Manner::of(name) };
    Ok((running, place))
}

/// The visits that a server can have.
fn visits(place: &Place) -> impl Iterator<Item = Visit> {
    let (http2, name) = (place.http2, place.name);
    let is_possible =
        move |visit: &Visit| (http2 || !visit.http2) && (visit.only.is_empty() || visit.only.contains(&name));
    ALL.iter().copied().filter(is_possible)
}

/// One visit, from the address of its client.
fn one(visit: Visit, place: &Place, client: usize, tally: &Tally) {
    let address = [127, 201, u8::from(!visit.only.is_empty()), u8::try_from(client % 250 + 1).unwrap_or(1)];
    tally.add(visit.name, place, (visit.run)(&place.manner.client(place.addr, address)));
}

impl Tally {
    pub(super) fn add(&self, what: &str, place: &Place, result: Result<(), Trouble>) {
        self.visits.fetch_add(1, Ordering::Relaxed);
        match result {
            Ok(()) => {}
            Err(Trouble::Busy | Trouble::Shed) if place.manner.refuses => {}
            Err(Trouble::Busy) => _ = self.busy.fetch_add(1, Ordering::Relaxed),
            Err(Trouble::Shed) => self.wrong(what, place, "it has no place, and there is no limit of them"),
            Err(Trouble::Wrong(text)) => self.wrong(what, place, &text),
        }
    }

    fn wrong(&self, what: &str, place: &Place, text: &str) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.push(format!("{}, {what}: {text}", place.name));
    }
}

/// The memory of the process again and again, until the time is over.
///
/// # Errors
/// It cannot be read.
fn look(tally: &Tally, options: SoakOptions<'_>, begun: Instant) -> Result<Vec<u64>, Failure> {
    let (mut looks, mut told) = (Vec::new(), Duration::ZERO);
    while begun.elapsed() < options.time {
        thread::sleep(LOOK.min(options.time.saturating_sub(begun.elapsed())));
        let resident = process::resident()?;
        looks.push(resident);
        let elapsed = begun.elapsed();
        if elapsed >= told + TELL {
            told = elapsed;
            (options.progress)(&Progress {
                elapsed,
                visits: tally.visits.load(Ordering::Relaxed),
                busy: tally.busy.load(Ordering::Relaxed),
                wrong: tally.wrong.lock().unwrap_or_else(PoisonError::into_inner).len(),
                resident,
            });
        }
    }
    Ok(looks)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
