//! One connection that all requests share, made anew when it is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use neurolink_core::BoxError;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::connection::{Connection, Place};
use crate::scripts::Scripts;

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);
/// A connection that has not answered for so long is given up: what is at its other end may be gone.
const SILENCE: Duration = Duration::from_secs(1);

pub(crate) struct Link {
    place: Place,
    state: watch::Sender<State>,
}

#[derive(Clone)]
enum State {
    /// Nobody has asked yet.
    New,
    Connecting,
    Connected(Arc<Live>),
    Failed(Arc<str>, Instant),
}

/// A connection.
struct Live {
    connection: Connection,
    /// How often the scripts were loaded; the lock makes it once for all who miss them.
    loads: tokio::sync::Mutex<u64>,
    /// Since when it owes an answer.
    silent: Mutex<Option<Instant>>,
    lost: AtomicBool,
}

impl Link {
    pub(crate) fn new(place: Place) -> Self {
        Self { place, state: watch::Sender::new(State::New) }
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        self.place.is_cluster()
    }

    /// Runs commands, each one call of a script, in one pipeline.
    ///
    /// If scripts are missing, they are loaded once, and what missed them is run a second time.
    pub(crate) async fn run<T: FromRedisValue>(&self, scripts: &Scripts, commands: &[Cmd]) -> Result<Vec<T>, BoxError> {
        let live = self.connected().await?;
        let loads = *live.loads.lock().await;
        let mut answers: Vec<RedisResult<T>> = live.send(commands.iter()).await?;
        let missed: Vec<usize> = (0..answers.len()).filter(|index| is_missing(&answers[*index])).collect();
        if !missed.is_empty() {
            live.load(scripts, loads).await?;
            let again = live.send(missed.iter().map(|index| &commands[*index])).await?;
            for (index, answer) in missed.into_iter().zip(again) {
                answers[index] = answer;
            }
        }
        Ok(answers.into_iter().collect::<RedisResult<_>>()?)
    }

    /// Runs one command that is no script.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, BoxError> {
        let answer = self.connected().await?.send([command].into_iter()).await?.pop();
        Ok(answer.ok_or("Redis gave no answer")??)
    }

    /// The connection. Making it goes on if the caller does not wait for it.
    async fn connected(&self) -> Result<Arc<Live>, BoxError> {
        let mut states = self.state.subscribe();
        loop {
            let state = states.borrow_and_update().clone();
            match state {
                State::Connected(live) if !live.is_lost() => return Ok(live),
                State::Failed(error, since) if since.elapsed() < PAUSE => return Err((*error).into()),
                State::Connecting => states.changed().await?,
                State::New | State::Failed(..) | State::Connected(_) => self.connect(),
            }
        }
    }

    /// Begins to connect, unless somebody has.
    fn connect(&self) {
        let begins = self.state.send_if_modified(|state| match state {
            State::Connecting => false,
            State::Connected(live) if !live.is_lost() => false,
            _ => {
                *state = State::Connecting;
                true
            }
        });
        if begins {
            let attempt = Attempt(self.state.clone());
            tokio::spawn(attempt.run(self.place.clone()));
        }
    }
}

/// An attempt to connect; if it is dropped, it has failed.
struct Attempt(watch::Sender<State>);

impl Attempt {
    async fn run(self, place: Place) {
        let state = match place.connect().await {
            Ok(connection) => State::Connected(Arc::new(Live {
                connection,
                loads: tokio::sync::Mutex::default(),
                silent: Mutex::default(),
                lost: AtomicBool::new(false),
            })),
            Err(error) => State::Failed(error.to_string().into(), Instant::now()),
        };
        self.0.send_replace(state);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.send_if_modified(|state| {
            let unfinished = matches!(state, State::Connecting);
            if unfinished {
                *state = State::Failed("the attempt to connect was given up".into(), Instant::now());
            }
            unfinished
        });
    }
}

impl Live {
    fn is_lost(&self) -> bool {
        let silent = *self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        self.lost.load(Ordering::Relaxed) || silent.is_some_and(|since| since.elapsed() > SILENCE)
    }

    async fn send<'a, T: FromRedisValue>(
        &self,
        commands: impl Iterator<Item = &'a Cmd>,
    ) -> RedisResult<Vec<RedisResult<T>>> {
        self.answered(self.connection.clone().send(commands)).await
    }

    /// Loads the scripts, unless somebody has since they were missed.
    async fn load(&self, scripts: &Scripts, missed_at: u64) -> RedisResult<()> {
        let mut loads = self.loads.lock().await;
        if *loads == missed_at {
            self.answered(self.connection.clone().load(scripts)).await?;
            *loads += 1;
        }
        Ok(())
    }

    /// Waits for an answer, and notes how long there has been none.
    async fn answered<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let silent = || self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent().get_or_insert_with(Instant::now);
        let answer = answer.await;
        // Whoever gives up waiting does not come here, so the silence goes on until another gets an answer.
        *silent() = None;
        if answer.as_ref().is_err_and(RedisError::is_unrecoverable_error) {
            self.lost.store(true, Ordering::Relaxed);
        }
        answer
    }
}

fn is_missing<T>(answer: &RedisResult<T>) -> bool {
    let missing = ErrorKind::Server(ServerErrorKind::NoScript);
    answer.as_ref().is_err_and(|error| error.kind() == missing)
}
