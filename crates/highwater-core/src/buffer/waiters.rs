//! The writers that wait for a buffer, and those whose turn it is.

use std::collections::BTreeMap;
use std::task::Waker;

/// What a writer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Drain,
    /// Room for a chunk of this weight.
    Turn(usize),
    Outcome,
}

impl Wait {
    /// The weight of the turn that is waited for.
    pub(super) fn weight(self) -> Option<usize> {
        if let Self::Turn(weight) = self { Some(weight) } else { None }
    }

    /// Whether it ends when there is room.
    pub(super) fn is_for_room(self) -> bool {
        self != Self::Outcome
    }
}

/// A waiter's waker; `None` once it was woken.
pub(super) type Asleep = Option<Waker>;

/// The writers that wait, by the order in which they came.
///
/// ```text
///   line ---give a turn---> granted ---poll---> held ---use or drop---> gone
///     ^                        |
///     +---poll--- revoked <----+  the turn is needed, and its owner has not polled
/// ```
///
/// A turn has a weight, which the ledger keeps free until the turn is used or given up.
#[derive(Default)]
pub(super) struct Waiters {
    next: u64,
    /// For a turn.
    line: BTreeMap<u64, Place>,
    /// They were given a turn, and have not polled since.
    granted: BTreeMap<u64, usize>,
    /// They know of their turn, and have not used it.
    held: BTreeMap<u64, usize>,
    drain: BTreeMap<u64, Asleep>,
    outcome: BTreeMap<u64, Asleep>,
    /// The reader found nothing although turns were given.
    starved: bool,
}

struct Place {
    weight: usize,
    waker: Asleep,
}

impl Waiters {
    pub(super) fn new_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn want_room(&self) -> bool {
        !self.line.is_empty() || !self.drain.is_empty()
    }

    #[inline]
    pub(super) fn has_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// How many wait for room.
    pub(super) fn waiting(&self) -> usize {
        self.line.len() + self.drain.len()
    }

    /// Has the waiter sleep. Gives the waker that it had before, to be dropped after the lock.
    pub(super) fn sleep(&mut self, id: u64, wait: Wait, waker: Waker) -> Asleep {
        match wait {
            Wait::Drain => self.drain.insert(id, Some(waker)).flatten(),
            Wait::Outcome => self.outcome.insert(id, Some(waker)).flatten(),
            Wait::Turn(weight) => {
                let place = Place { weight, waker: Some(waker) };
                self.line.insert(id, place).and_then(|place| place.waker)
            }
        }
    }

    /// Takes the waiter out of every line. Gives its wakers, to be dropped after the lock.
    pub(super) fn remove(&mut self, id: u64) -> [Asleep; 3] {
        let place = self.line.remove(&id).and_then(|place| place.waker);
        [place, self.drain.remove(&id).flatten(), self.outcome.remove(&id).flatten()]
    }

    /// The next in line, and the weight it needs.
    pub(super) fn first(&self) -> Option<(u64, usize)> {
        self.line.first_key_value().map(|(id, place)| (*id, place.weight))
    }

    /// Gives the turn to one in line; its waker is to be woken.
    pub(super) fn grant(&mut self, id: u64, weight: usize) -> Asleep {
        self.granted.insert(id, weight);
        self.line.remove(&id).and_then(|place| place.waker)
    }

    /// Whether this one has a turn; it knows of it from now on.
    pub(super) fn has_turn(&mut self, id: u64) -> bool {
        if let Some(weight) = self.granted.remove(&id) {
            self.hold(id, weight);
        }
        self.held.contains_key(&id)
    }

    pub(super) fn hold(&mut self, id: u64, weight: usize) {
        self.starved = false;
        self.held.insert(id, weight);
    }

    /// Takes the turn from this one. Gives what was kept for it: nothing if it had none.
    pub(super) fn take_turn(&mut self, id: u64) -> usize {
        self.held.remove(&id).or_else(|| self.granted.remove(&id)).unwrap_or(0)
    }

    /// Takes all turns. Gives what was kept for them.
    pub(super) fn take_turns(&mut self) -> usize {
        let turns = self.held.values().chain(self.granted.values());
        let kept = turns.fold(0, |kept: usize, weight| kept.saturating_add(*weight));
        self.held.clear();
        self.granted.clear();
        kept
    }

    /// The weight that this one needs, if it may take over a turn: it waits, and those before it were woken and have not
    /// polled since.
    pub(super) fn may_take_over(&self, id: u64) -> Option<usize> {
        let weight = self.line.get(&id)?.weight;
        let others_have_had_their_chance =
            self.line.range(..id).all(|(_, place)| place.waker.is_none());
        others_have_had_their_chance.then_some(weight)
    }

    /// Takes the turn from the last one that was given one and has not polled since.
    pub(super) fn revoke(&mut self) -> Option<usize> {
        self.granted.pop_last().map(|(_, weight)| weight)
    }

    /// The waker of the next in line, if there is a turn that it may take over.
    pub(super) fn understudy(&mut self) -> Asleep {
        if self.granted.is_empty() {
            return None;
        }
        self.line.first_entry().and_then(|mut first| first.get_mut().waker.take())
    }

    /// Whether turns were given, nobody has polled for them since, and somebody who could take them over is not woken.
    #[inline]
    pub(super) fn has_unclaimed(&self) -> bool {
        let asleep = |waker: &Asleep| waker.is_some();
        !self.granted.is_empty()
            && (self.line.values().any(|place| asleep(&place.waker))
                || self.drain.values().any(asleep))
    }

    /// Whether the reader has looked twice since turns were given that nobody has polled for.
    pub(super) fn is_starved(&self) -> bool {
        self.starved && !self.granted.is_empty()
    }

    /// Notes that the reader found nothing although turns were given. The first time, which is true, the reader should look
    /// once more, for their owners may be about to write; the second time everybody who waits for room is woken, to take
    /// over.
    pub(super) fn starve(&mut self, wake: impl FnMut(Waker)) -> bool {
        if self.granted.is_empty() || !self.want_room() {
            return false;
        }
        if !std::mem::replace(&mut self.starved, true) {
            return true;
        }
        let line = self.line.values_mut().map(|place| &mut place.waker);
        line.chain(self.drain.values_mut()).filter_map(Option::take).for_each(wake);
        false
    }

    /// Takes out those who wait for a turn.
    pub(super) fn take_line(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.line).into_values().filter_map(|place| place.waker)
    }

    /// Takes out those who wait for a drain.
    pub(super) fn take_drain(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.drain).into_values().flatten()
    }

    /// Takes out those who wait for the outcome.
    pub(super) fn take_outcome(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.outcome).into_values().flatten()
    }
}
