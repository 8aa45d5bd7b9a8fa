//! Keys that a source gives, kept fresh beside the requests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::jwk;
use super::key_set::KeySet;
use super::source::KeySource;
use crate::{Code, Error};

/// How old a set is when it is asked for again, unless told.
pub(super) const REFRESH: Duration = Duration::from_secs(5 * 60);
/// How old a set may become unless told.
pub(super) const MAX_STALE: Duration = Duration::from_secs(24 * 3600);
/// How long a source may take.
const FETCH: Duration = Duration::from_secs(5);
/// How long a request waits for a source.
const WAIT: Duration = Duration::from_secs(1);
/// How far apart a source is asked, whatever comes.
const APART: Duration = Duration::from_secs(30);
/// The same while there are no keys at all.
const APART_WITHOUT_KEYS: Duration = Duration::from_secs(5);
/// How long a key's name is known to be of none, and how many such names are kept.
const MISSING: Duration = Duration::from_secs(5 * 60);
const MOST_MISSING: usize = 256;

/// The keys of a source.
pub(super) struct Remote {
    source: Box<dyn KeySource>,
    pub(super) refresh: Duration,
    pub(super) max_stale: Duration,
    state: Mutex<State>,
    /// Changes with the keys: what was verified by others counts no more.
    generation: AtomicU64,
    /// Says that a fetch has ended.
    ended: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    set: Option<Arc<KeySet>>,
    /// SHA-256 of the text that it was read from.
    text: Option<[u8; 32]>,
    loaded: Option<Instant>,
    asked: Option<Instant>,
    fetching: bool,
    /// Names that are of no key, until when.
    missing: HashMap<String, Instant>,
}

impl Remote {
    pub(super) fn new(source: impl KeySource) -> Self {
        let at_hand = source.at_hand().and_then(Result::ok);
        let remote = Self {
            source: Box::new(source),
            refresh: REFRESH,
            max_stale: MAX_STALE,
            state: Mutex::default(),
            generation: AtomicU64::new(0),
            ended: watch::channel(0).0,
        };
        if let Some(text) = at_hand {
            remote.take_in(&text);
        }
        remote
    }

    pub(super) fn name(&self) -> String {
        self.source.name()
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = match self.source.at_hand() {
            None => Vec::new(),
            Some(Err(problem)) => vec![problem],
            Some(Ok(text)) => super::keys::set_problems(&text, &self.name()),
        };
        if self.refresh.is_zero() || self.max_stale < self.refresh {
            problems
                .push("the key set is refreshed too late; give a time that is not zero and below `max_stale`".into());
        }
        problems
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The keys of now.
    ///
    /// # Errors
    /// 503: there are none, or none that are young enough.
    pub(super) async fn current(self: &Arc<Self>) -> Result<Arc<KeySet>, Error> {
        let (begun, young, ended) = {
            let mut state = self.state();
            let age = state.loaded.map(|loaded| loaded.elapsed());
            let (young, apart) = match (&state.set, age) {
                (Some(set), Some(age)) if age < self.refresh => return Ok(Arc::clone(set)),
                // It was asked for lately, or nobody has called for a long time.
                (Some(set), Some(age)) if age < self.refresh.saturating_mul(2).min(self.max_stale) => {
                    (Some(Arc::clone(set)), APART)
                }
                (Some(_), _) => (None, APART),
                (None, _) => (None, APART_WITHOUT_KEYS),
            };
            let begun = self.start(&mut state, apart);
            (begun, young, state.fetching.then(|| self.ended.subscribe()))
        };
        fetch(begun);
        if let Some(young) = young {
            return Ok(young);
        }
        wait(ended).await;
        let mut state = self.state();
        if state.set.is_some() && state.loaded.is_none_or(|loaded| loaded.elapsed() >= self.max_stale) {
            tracing::error!(target: "neurolink::security", source = self.name(), "the key set is too old and was dropped");
            (state.set, state.text) = (None, None);
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        let none = || Error::new(Code::Unavailable).with_retry_after(Duration::from_secs(1));
        state.set.clone().ok_or_else(|| none().with_source("there is no key set that is young enough"))
    }

    /// The keys with one of this name, which those of now have not: the source is asked once for all who wait.
    pub(super) async fn with_name(self: &Arc<Self>, id: &str) -> Option<Arc<KeySet>> {
        let (asked, begun, ended) = {
            let mut state = self.state();
            // Somebody else's refresh may have brought it.
            if let Some(set) = state.set.as_ref().filter(|set| set.names(id)) {
                return Some(Arc::clone(set));
            }
            if state.missing.get(id).is_some_and(|until| *until > Instant::now()) {
                return None;
            }
            let begun = self.start(&mut state, APART);
            (Instant::now(), begun, state.fetching.then(|| self.ended.subscribe())?)
        };
        fetch(begun);
        if !wait(Some(ended)).await {
            return None;
        }
        let mut state = self.state();
        if let Some(set) = state.set.as_ref().filter(|set| set.names(id)) {
            return Some(Arc::clone(set));
        }
        // A source that did not answer has not said that there is no such key.
        if state.loaded.is_none_or(|loaded| loaded < asked) {
            return None;
        }
        let now = Instant::now();
        if state.missing.len() >= MOST_MISSING {
            state.missing.retain(|_, until| *until > now);
        }
        if state.missing.len() < MOST_MISSING {
            state.missing.insert(id.to_owned(), now + MISSING);
        }
        None
    }

    /// Decides to ask the source, unless somebody does or did; [`fetch`] does it once the state is free.
    fn start(self: &Arc<Self>, state: &mut State, apart: Duration) -> Option<Fetching> {
        if state.fetching || state.asked.is_some_and(|asked| asked.elapsed() < apart) {
            return None;
        }
        (state.fetching, state.asked) = (true, Some(Instant::now()));
        Some(Fetching(Arc::clone(self)))
    }

    fn complain(&self, problem: &str) {
        tracing::warn!(target: "neurolink::security", source = self.name(), problem, "the key set was not refreshed");
    }

    /// Uses a set from now on.
    fn take_in(&self, text: &str) {
        let hash: [u8; 32] = Sha256::digest(text).into();
        let same = self.state().text == Some(hash);
        let set = if same { None } else { self.read(text) };
        let mut state = self.state();
        match set {
            Some(set) => {
                (state.set, state.text) = (Some(Arc::new(set)), Some(hash));
                self.generation.fetch_add(1, Ordering::AcqRel);
            }
            None if !same => return,
            None => {}
        }
        state.loaded = Some(Instant::now());
    }

    /// The keys of a text; what is of no use in it is logged, once for each text.
    fn read(&self, text: &str) -> Option<KeySet> {
        let read = match jwk::read(text) {
            Ok(read) => read,
            Err(problem) => {
                self.complain(&problem);
                return None;
            }
        };
        let source = self.name();
        if !read.skipped.is_empty() {
            tracing::info!(target: "neurolink::security", source, "keys that are not used: {}", read.skipped.join("; "));
        }
        if !read.refused.is_empty() {
            tracing::warn!(target: "neurolink::security", source, "keys that are refused: {}", read.refused.join("; "));
        }
        if read.keys.is_empty() {
            tracing::error!(target: "neurolink::security", source, "the key set has no key that can be used");
        }
        Some(KeySet { keys: read.keys })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the source; a runtime that ends drops the task at once, and with it takes the state.
fn fetch(begun: Option<Fetching>) {
    let Some(fetching) = begun else { return };
    tokio::spawn(async move {
        let remote = &fetching.0;
        match timeout(FETCH, remote.source.fetch()).await {
            Ok(Ok(text)) => remote.take_in(&text),
            Ok(Err(error)) => remote.complain(&error.log_text()),
            Err(_) => remote.complain("it took more than 5 s"),
        }
    });
}

/// Waits for a fetch to end, but not for long; `false` if it did not.
async fn wait(ended: Option<watch::Receiver<u64>>) -> bool {
    let Some(mut ended) = ended else { return false };
    timeout(WAIT, ended.changed()).await.is_ok()
}

/// A fetch at work: it ends, also when its runtime does.
struct Fetching(Arc<Remote>);

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.state().fetching = false;
        self.0.ended.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
