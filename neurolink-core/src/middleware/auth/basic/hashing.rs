use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::password::Memory;

/// How many of one caller wait.
const WAITING_OF_ONE: usize = 8;
/// How many wait in all.
const WAITING: usize = 64;
/// How long they wait.
const WAIT: Duration = Duration::from_secs(2);

/// Hashes passwords, which is slow and takes memory: so many at one time, and callers in turn, however many guesses
/// one of them sends.
pub(super) struct Hashing {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    /// Whose turn is next stands first.
    lanes: VecDeque<Lane>,
    /// Of those who hash no more: as many as have hashed at one time.
    memories: Vec<Memory>,
}

/// Those of one caller who wait.
struct Lane {
    caller: Caller,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// Whose turn it is: a network.
pub(in super::super) type Caller = SmallVec<[u8; 24]>;

/// One may hash; dropping it lets the next one.
pub(super) struct Permit {
    hashing: Option<Arc<Hashing>>,
    /// What it may hash in.
    pub(super) memory: Memory,
}

/// Too many hash, and too many wait.
#[derive(Debug)]
pub(super) struct Busy;

impl Hashing {
    /// Half of the cores, but at least one.
    pub(super) fn new() -> Self {
        Self::at_most(std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1)))
    }

    fn at_most(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// A turn at hashing.
    pub(super) async fn enter(self: &Arc<Self>, caller: Caller) -> Result<Permit, Busy> {
        let turn = {
            let mut state = self.state();
            if state.running < self.most {
                state.running += 1;
                let memory = state.memories.pop().unwrap_or_default();
                return Ok(self.permit(memory));
            }
            state.queue(caller)?
        };
        match tokio::time::timeout(WAIT, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Busy),
        }
    }

    fn permit(self: &Arc<Self>, memory: Memory) -> Permit {
        Permit { hashing: Some(Arc::clone(self)), memory }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queue(&mut self, caller: Caller) -> Result<oneshot::Receiver<Permit>, Busy> {
        // Who has gone away takes no place.
        for lane in &mut self.lanes {
            lane.waiting.retain(|turn| !turn.is_closed());
        }
        self.lanes.retain(|lane| !lane.waiting.is_empty());
        if self.lanes.iter().map(|lane| lane.waiting.len()).sum::<usize>() >= WAITING {
            return Err(Busy);
        }
        let (turn, wait) = oneshot::channel();
        match self.lanes.iter_mut().find(|lane| lane.caller == caller) {
            Some(lane) if lane.waiting.len() >= WAITING_OF_ONE => return Err(Busy),
            Some(lane) => lane.waiting.push_back(turn),
            None => self.lanes.push_back(Lane { caller, waiting: [turn].into() }),
        }
        Ok(wait)
    }

    /// The next turn: the first of the caller who has waited longest for one.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        let mut lane = self.lanes.pop_front()?;
        let turn = lane.waiting.pop_front();
        if !lane.waiting.is_empty() {
            self.lanes.push_back(lane);
        }
        turn
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(hashing) = self.hashing.take() else { return };
        let mut memory = std::mem::take(&mut self.memory).kept();
        loop {
            let turn = {
                let mut state = hashing.state();
                let Some(turn) = state.next() else {
                    state.running -= 1;
                    state.memories.push(memory);
                    return;
                };
                turn
            };
            match turn.send(hashing.permit(memory)) {
                Ok(()) => return,
                // Gone meanwhile: this permit is the one that is still to be given.
                Err(mut unused) => {
                    unused.hashing = None;
                    memory = std::mem::take(&mut unused.memory);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn caller(number: u8) -> Caller {
        [number].into_iter().collect()
    }

    /// How many hash, and how many callers wait.
    fn state(hashing: &Hashing) -> (usize, usize) {
        let state = hashing.state();
        (state.running, state.lanes.len())
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_hash_and_a_permit_that_is_dropped_goes_to_the_next() {
        let hashing = Arc::new(Hashing::at_most(1));
        let first = hashing.enter(caller(1)).await.expect("at once");
        let mut second = Box::pin(hashing.enter(caller(1)));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        drop(second.await.expect("its turn"));
        assert_eq!(state(&hashing), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn callers_take_turns_however_many_guesses_one_sends() {
        let hashing = Arc::new(Hashing::at_most(1));
        let mut held = hashing.enter(caller(1)).await.expect("at once");
        let mut guesses: Vec<_> = (0..WAITING_OF_ONE).map(|_| Box::pin(hashing.enter(caller(1)))).collect();
        for guess in &mut guesses {
            assert!(guess.as_mut().now_or_never().is_none());
        }
        assert!(hashing.enter(caller(1)).now_or_never().expect("at once").is_err(), "eight of one wait");
        let mut honest = Box::pin(hashing.enter(caller(2)));
        assert!(honest.as_mut().now_or_never().is_none());
        drop(held);
        held = guesses.remove(0).await.expect("its turn");
        drop(held);
        assert!(honest.now_or_never().expect("the second turn").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_memory_for_as_many_as_hash_at_one_time() {
        let hashing = Arc::new(Hashing::at_most(2));
        let enter = || async { hashing.enter(caller(1)).await.expect("a turn") };
        for _ in 0..5 {
            let both = (enter().await, enter().await);
            let mut third = Box::pin(enter());
            assert!(third.as_mut().now_or_never().is_none());
            drop(both);
            drop(third.await);
        }
        assert_eq!(hashing.state().memories.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_so_many_wait_and_none_for_longer() {
        let hashing = Arc::new(Hashing::at_most(1));
        let held = hashing.enter(caller(0)).await.expect("at once");
        let mut waiting: Vec<_> = (0..WAITING).map(|n| Box::pin(hashing.enter(caller(n as u8)))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        assert!(hashing.enter(caller(200)).now_or_never().expect("at once").is_err());
        let last = waiting.pop().expect("the last");
        assert!(last.await.is_err(), "two seconds have passed");
        drop(waiting);
        let mut again = Box::pin(hashing.enter(caller(200)));
        assert!(again.as_mut().now_or_never().is_none(), "who has gone away takes no place");
        drop(held);
        assert!(again.await.is_ok());
        assert_eq!(state(&hashing), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_of_one_who_goes_away_is_the_next_ones() {
        let hashing = Arc::new(Hashing::at_most(1));
        let held = hashing.enter(caller(1)).await.expect("at once");
        let (mut first, mut second) = (Box::pin(hashing.enter(caller(1))), Box::pin(hashing.enter(caller(2))));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(held); // given to the first, who does not look
        drop(first);
        assert!(second.now_or_never().expect("its turn").is_ok());
        assert_eq!(hashing.state().running, 0);
    }
}
