use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::password::Memory;
use super::queue::{Asking, Queue};

/// How long they wait.
const WAIT: Duration = Duration::from_secs(2);

/// Hashes passwords, which is slow and takes memory: so many at one time, and the others in turn.
pub(super) struct Hashing {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: Queue,
    /// Of those who hash no more: as many as have hashed at one time.
    memories: Vec<Memory>,
}

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
    pub(super) async fn enter(self: &Arc<Self>, asking: Asking) -> Result<Permit, Busy> {
        let turn = {
            let mut state = self.state();
            if state.running < self.most {
                state.running += 1;
                let memory = state.memories.pop().unwrap_or_default();
                return Ok(self.permit(memory));
            }
            state.waiting.enter(asking)?
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

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(hashing) = self.hashing.take() else { return };
        let mut memory = std::mem::take(&mut self.memory).kept();
        loop {
            let turn = {
                let mut state = hashing.state();
                let Some(turn) = state.waiting.next() else {
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

    use super::super::queue::{WAITING, WAITING_OF_ONE};
    use super::*;

    fn asking(network: u8, name: &str, is_trusted: bool) -> Asking {
        Asking { network: [network].into_iter().collect(), name: name.into(), is_trusted }
    }

    /// One whose name never came in from there.
    fn stranger(network: u8) -> Asking {
        asking(network, "ada", false)
    }

    /// How many hash, and how many networks wait.
    fn state(hashing: &Hashing) -> (usize, usize) {
        let state = hashing.state();
        (state.running, state.waiting.networks())
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_hash_and_a_permit_that_is_dropped_goes_to_the_next() {
        let hashing = Arc::new(Hashing::at_most(1));
        let first = hashing.enter(stranger(1)).await.expect("at once");
        let mut second = Box::pin(hashing.enter(stranger(1)));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        drop(second.await.expect("its turn"));
        assert_eq!(state(&hashing), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn callers_take_turns_however_many_guesses_one_sends() {
        let hashing = Arc::new(Hashing::at_most(1));
        let mut held = hashing.enter(stranger(1)).await.expect("at once");
        let mut guesses: Vec<_> = (0..WAITING_OF_ONE).map(|_| Box::pin(hashing.enter(stranger(1)))).collect();
        for guess in &mut guesses {
            assert!(guess.as_mut().now_or_never().is_none());
        }
        assert!(hashing.enter(stranger(1)).now_or_never().expect("at once").is_err(), "eight of one wait");
        let mut honest = Box::pin(hashing.enter(stranger(2)));
        assert!(honest.as_mut().now_or_never().is_none());
        drop(held);
        held = guesses.remove(0).await.expect("its turn");
        drop(held);
        assert!(honest.now_or_never().expect("the second turn").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_memory_for_as_many_as_hash_at_one_time() {
        let hashing = Arc::new(Hashing::at_most(2));
        let enter = || async { hashing.enter(stranger(1)).await.expect("a turn") };
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
        let held = hashing.enter(stranger(0)).await.expect("at once");
        let mut waiting: Vec<_> = (0..WAITING).map(|n| Box::pin(hashing.enter(stranger(n as u8)))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        assert!(hashing.enter(stranger(200)).now_or_never().expect("at once").is_err());
        let last = waiting.pop().expect("the last");
        assert!(last.await.is_err(), "two seconds have passed");
        drop(waiting);
        let mut again = Box::pin(hashing.enter(stranger(200)));
        assert!(again.as_mut().now_or_never().is_none(), "who has gone away takes no place");
        drop(held);
        assert!(again.await.is_ok());
        assert_eq!(state(&hashing), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_of_one_who_goes_away_is_the_next_ones() {
        let hashing = Arc::new(Hashing::at_most(1));
        let held = hashing.enter(stranger(1)).await.expect("at once");
        let (mut first, mut second) = (Box::pin(hashing.enter(stranger(1))), Box::pin(hashing.enter(stranger(2))));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(held); // given to the first, who does not look
        drop(first);
        assert!(second.now_or_never().expect("its turn").is_ok());
        assert_eq!(hashing.state().running, 0);
    }

    type Turn<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Permit, Busy>> + 'a>>;

    /// So many who wait behind one who hashes.
    fn waiting<'a>(hashing: &'a Arc<Hashing>, asking: impl Iterator<Item = Asking>) -> Vec<Turn<'a>> {
        let enter = |asking| {
            let mut turn: Turn<'a> = Box::pin(hashing.enter(asking));
            assert!(turn.as_mut().now_or_never().is_none(), "it waits");
            turn
        };
        asking.map(enter).collect()
    }

    /// How many of them were sent away.
    fn sent_away(turns: &mut [Turn<'_>]) -> usize {
        turns.iter_mut().filter_map(|turn| turn.as_mut().now_or_never()).filter(Result::is_err).count()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_known_gets_the_place_of_the_newest_stranger_in_a_full_queue() {
        let hashing = Arc::new(Hashing::at_most(1));
        let _held = hashing.enter(stranger(200)).await.expect("at once");
        let mut strangers = waiting(&hashing, (0..WAITING as u8).map(stranger));
        assert!(hashing.enter(stranger(201)).now_or_never().expect("at once").is_err(), "it is full");
        let known = waiting(&hashing, [asking(100, "ada", true)].into_iter());
        let newest = strangers.pop().expect("the newest");
        assert!(newest.now_or_never().expect("at once").is_err());
        assert_eq!(sent_away(&mut strangers), 0);
        drop(known);
    }

    #[tokio::test(start_paused = true)]
    async fn one_account_takes_eight_places_from_strangers_wherever_it_asks_from() {
        let hashing = Arc::new(Hashing::at_most(1));
        let _held = hashing.enter(stranger(200)).await.expect("at once");
        let mut strangers = waiting(&hashing, (0..WAITING as u8).map(stranger));
        let places = waiting(&hashing, (100..108).map(|network| asking(network, "eve", true)));
        for network in 108..150 {
            assert!(hashing.enter(asking(network, "eve", true)).now_or_never().expect("at once").is_err());
        }
        let honest = waiting(&hashing, [asking(150, "ada", true)].into_iter());
        drop((places, honest));
        assert_eq!(sent_away(&mut strangers), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn one_network_has_eight_places_known_or_not() {
        let hashing = Arc::new(Hashing::at_most(1));
        let _held = hashing.enter(stranger(200)).await.expect("at once");
        let places = (0..WAITING_OF_ONE).map(|number| asking(1, &format!("user {number}"), number % 2 == 0));
        let _places = waiting(&hashing, places);
        for is_trusted in [true, false] {
            assert!(hashing.enter(asking(1, "ada", is_trusted)).now_or_never().expect("at once").is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_known_sends_nobody_away_who_is_known() {
        let hashing = Arc::new(Hashing::at_most(1));
        let _held = hashing.enter(stranger(200)).await.expect("at once");
        let all = (0..WAITING as u8).map(|number| asking(number, &format!("user {number}"), true));
        let mut all = waiting(&hashing, all);
        assert!(hashing.enter(asking(100, "ada", true)).now_or_never().expect("at once").is_err());
        assert_eq!(sent_away(&mut all), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_known_has_every_second_turn() {
        let hashing = Arc::new(Hashing::at_most(1));
        let mut held = Some(hashing.enter(stranger(200)).await.expect("at once"));
        let mut turns = waiting(&hashing, (0..4).map(stranger));
        turns.extend(waiting(&hashing, (10..12).map(|network| asking(network, "ada", true))));
        let mut order = Vec::new();
        while order.len() < turns.len() {
            drop(held.take());
            let done = turns.iter_mut().enumerate().filter(|(index, _)| !order.contains(index));
            let mut next = done.filter_map(|(index, turn)| Some((index, turn.as_mut().now_or_never()?)));
            let (index, permit) = next.next().expect("a turn");
            held = Some(permit.expect("a permit"));
            order.push(index);
        }
        assert_eq!(order, [4, 0, 5, 1, 2, 3]);
    }
}
