use std::collections::VecDeque;

use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::hashing::{Busy, Permit};

/// How many of one network wait, and how many of one name are known.
pub(super) const WAITING_OF_ONE: usize = 8;
/// How many wait in all.
pub(super) const WAITING: usize = 64;

/// Who waits for a turn at hashing: networks in turn, however many guesses one of them sends.
///
/// Who is known has every second turn, and a place in a full queue, which the stranger who came last leaves: guesses from
/// everywhere keep nobody out who came in before. Of one name eight are known at one time, wherever they come from, so an
/// account takes eight places from strangers at most.
#[derive(Default)]
pub(super) struct Queue {
    known: Lanes,
    strangers: Lanes,
    /// Whether it is the strangers' turn, if one waits.
    strangers_first: bool,
    arrivals: u64,
}

/// Who asks for a turn.
pub(super) struct Asking {
    pub(super) network: SmallVec<[u8; 24]>,
    pub(super) name: Box<str>,
    /// Whether the name came in from there lately.
    pub(super) is_trusted: bool,
}

/// Networks; the one whose turn is next stands first.
#[derive(Default)]
struct Lanes(VecDeque<Lane>);

/// Those of one network who wait.
struct Lane {
    network: SmallVec<[u8; 24]>,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    turn: oneshot::Sender<Permit>,
    name: Box<str>,
    arrival: u64,
}

impl Queue {
    /// A place, whose turn comes or is given to somebody else.
    pub(super) fn enter(&mut self, asking: Asking) -> Result<oneshot::Receiver<Permit>, Busy> {
        let Asking { network, name, is_trusted } = asking;
        self.known.forget_gone();
        self.strangers.forget_gone();
        if self.known.of_network(&network) + self.strangers.of_network(&network) >= WAITING_OF_ONE {
            return Err(Busy);
        }
        let is_known = is_trusted && self.known.of_name(&name) < WAITING_OF_ONE;
        let is_full = self.known.len() + self.strangers.len() >= WAITING;
        if is_full && !(is_known && self.strangers.drop_newest()) {
            return Err(Busy);
        }
        let (turn, wait) = oneshot::channel();
        self.arrivals += 1;
        let waiting = Waiting { turn, name, arrival: self.arrivals };
        if is_known {
            self.known.push(network, waiting);
        } else {
            self.strangers.push(network, waiting);
        }
        Ok(wait)
    }

    /// The next turn.
    pub(super) fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        let turn = match self.strangers_first {
            true => self.strangers.pop(),
            false => None,
        };
        if let Some(turn) = turn {
            self.strangers_first = false;
            return Some(turn);
        }
        let known = self.known.pop();
        self.strangers_first = known.is_some();
        known.or_else(|| self.strangers.pop())
    }

    #[cfg(test)]
    pub(super) fn networks(&self) -> usize {
        self.known.0.len() + self.strangers.0.len()
    }
}

impl Lanes {
    /// Who has gone away takes no place.
    fn forget_gone(&mut self) {
        for lane in &mut self.0 {
            lane.waiting.retain(|waiting| !waiting.turn.is_closed());
        }
        self.0.retain(|lane| !lane.waiting.is_empty());
    }

    fn len(&self) -> usize {
        self.0.iter().map(|lane| lane.waiting.len()).sum()
    }

    fn of_network(&self, network: &[u8]) -> usize {
        self.0.iter().find(|lane| *lane.network == *network).map_or(0, |lane| lane.waiting.len())
    }

    fn of_name(&self, name: &str) -> usize {
        self.0.iter().flat_map(|lane| &lane.waiting).filter(|waiting| *waiting.name == *name).count()
    }

    fn push(&mut self, network: SmallVec<[u8; 24]>, waiting: Waiting) {
        match self.0.iter_mut().find(|lane| lane.network == network) {
            Some(lane) => lane.waiting.push_back(waiting),
            None => self.0.push_back(Lane { network, waiting: [waiting].into() }),
        }
    }

    /// The first of the network that has waited longest for a turn.
    fn pop(&mut self) -> Option<oneshot::Sender<Permit>> {
        let mut lane = self.0.pop_front()?;
        let first = lane.waiting.pop_front();
        if !lane.waiting.is_empty() {
            self.0.push_back(lane);
        }
        first.map(|waiting| waiting.turn)
    }

    /// Sends away who came last, if anybody waits.
    fn drop_newest(&mut self) -> bool {
        let last = |lane: &Lane| lane.waiting.back().map(|waiting| waiting.arrival);
        let newest = self.0.iter().enumerate().max_by_key(|(_, lane)| last(lane)).map(|(index, _)| index);
        let Some(index) = newest else { return false };
        let gone = self.0.get_mut(index).and_then(|lane| lane.waiting.pop_back());
        if self.0.get(index).is_some_and(|lane| lane.waiting.is_empty()) {
            self.0.remove(index);
        }
        gone.is_some()
    }
}
