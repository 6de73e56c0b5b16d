//! Who waits for the bucket, first come, first served.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::bucket::Bucket;

/// A bucket, and those who wait for it.
///
/// Nothing is taken from the bucket for those who wait: it is filled when somebody passes. So whoever goes away has taken
/// nothing. Each waits for as long as those before need, and asks again then; nobody has to be called to get a turn.
/// Somebody who does not come when it is time stays first, but the others no longer wait for it.
#[derive(Debug)]
pub(crate) struct Line {
    bucket: Bucket,
    /// By their tickets, so the first is the one that has waited longest.
    waiting: BTreeMap<u64, Waiting>,
    /// The weight of all who wait.
    weight: u128,
    next_ticket: u64,
}

#[derive(Debug)]
struct Waiting {
    weight: u64,
    /// When it asks again.
    back: Instant,
}

/// What is said to somebody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Pass,
    /// Ask again at this time.
    Wait(Instant),
}

impl Line {
    pub(crate) fn new(bucket: Bucket) -> Self {
        Self { bucket, waiting: BTreeMap::new(), weight: 0, next_ticket: 0 }
    }

    /// Asks to pass. Whoever has to wait gets a ticket, and loses it by passing.
    pub(crate) fn ask(
        &mut self,
        ticket: &mut Option<u64>,
        weight: u64,
        now: Instant,
        patience: Duration,
    ) -> Turn {
        self.bucket.advance(now, weight);
        self.forget_absent(now);
        let wait = self.bucket.wait(self.ahead_of(*ticket), weight);
        self.leave(*ticket);
        if wait.is_zero() {
            *ticket = None;
            self.bucket.fill(weight);
            return Turn::Pass;
        }
        let ticket = *ticket.get_or_insert_with(|| {
            self.next_ticket += 1;
            self.next_ticket
        });
        let back = now.checked_add(wait.min(patience)).unwrap_or(now);
        self.weight += u128::from(weight);
        self.waiting.insert(ticket, Waiting { weight, back });
        Turn::Wait(back)
    }

    /// Goes away, having taken nothing.
    pub(crate) fn leave(&mut self, ticket: Option<u64>) {
        if let Some(gone) = ticket.and_then(|ticket| self.waiting.remove(&ticket)) {
            self.weight -= u128::from(gone.weight);
        }
    }

    /// The first in the line, if it may pass sooner than it was told.
    pub(crate) fn is_late(&self) -> Option<u64> {
        let (ticket, first) = self.waiting.first_key_value()?;
        let sooner = self.bucket.seen()?.checked_add(self.bucket.wait(0, first.weight) + TICK)?;
        Some(*ticket).filter(|_| sooner < first.back)
    }

    pub(crate) fn bucket(&mut self) -> &mut Bucket {
        &mut self.bucket
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The weight of those who come before this ticket, or of all.
    fn ahead_of(&self, ticket: Option<u64>) -> u128 {
        ticket.map_or(self.weight, |ticket| {
            self.waiting.range(..ticket).map(|(_, before)| u128::from(before.weight)).sum()
        })
    }

    /// Takes those out whose turn has come and who have not. They keep their tickets.
    fn forget_absent(&mut self, now: Instant) {
        while let Some(first) = self.waiting.first_entry() {
            if now.saturating_duration_since(first.get().back) <= GRACE {
                break;
            }
            self.weight -= u128::from(first.remove().weight);
        }
    }
}

/// How long others wait for somebody whose turn has come.
const GRACE: Duration = Duration::from_millis(50);
/// What Tokio's timers are exact to.
const TICK: Duration = Duration::from_millis(1);
