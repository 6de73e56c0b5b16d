//! How much has passed lately.

use std::time::{Duration, Instant};

use crate::Rate;

/// Fills with what passes and leaks at the rate; what would make it overflow has to wait.
///
/// It is counted in parts: an item is as many as a period has nanoseconds, and in each nanosecond as many leak as items
/// may pass in a period. So nothing is ever divided, and nothing rounded.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    /// What may pass at once.
    burst: u64,
    /// The burst that was asked for; without one it goes with the rate.
    wanted_burst: Option<u64>,
    /// Parts in it: up to the burst, or more after something larger.
    level: u128,
    /// When it was looked at last; not before it is used.
    seen: Option<Instant>,
    /// Whether a burst may pass at the start.
    saved_up: bool,
}

impl Bucket {
    pub(crate) fn new(rate: Rate) -> Self {
        let burst = usual_burst(rate);
        Self { rate, burst, wanted_burst: None, level: 0, seen: None, saved_up: false }
    }

    pub(crate) fn set_burst(&mut self, burst: u64) {
        self.wanted_burst = Some(burst);
        self.resize(burst);
    }

    pub(crate) fn save_up(&mut self) {
        self.saved_up = true;
    }

    /// Goes on with another rate from now on.
    pub(crate) fn set_rate(&mut self, rate: Rate, now: Instant) {
        if self.seen.is_some() {
            self.advance(now, 0);
        }
        let (old, new) = (self.rate.per(), rate.per());
        let (whole, part) = (self.level / old, self.level % old);
        self.level = whole.saturating_mul(new).saturating_add(part * new / old);
        self.rate = rate;
        self.resize(self.wanted_burst.unwrap_or_else(|| usual_burst(rate)));
    }

    /// The room that is left stays the same, so a change saves nothing up, and forgives nothing.
    fn resize(&mut self, burst: u64) {
        let parts = |burst: u64| u128::from(burst) * self.rate.per();
        let room = parts(self.burst).saturating_sub(self.level);
        let debt = self.level.saturating_sub(parts(self.burst));
        self.level = parts(burst).saturating_sub(room).saturating_add(debt);
        self.burst = burst;
    }

    /// Lets time pass. Before its first use it is filled so far that what `weight` is asked for may pass, and no more.
    #[inline]
    pub(crate) fn advance(&mut self, now: Instant, weight: u64) {
        let Some(seen) = self.seen.replace(now) else {
            let used = if self.saved_up { 0 } else { self.burst.saturating_sub(weight) };
            self.level = u128::from(used) * self.rate.per();
            return;
        };
        match now.checked_duration_since(seen) {
            Some(passed) => {
                let nanos = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
                self.level = self.level.saturating_sub(u128::from(nanos) * self.rate.amount());
            }
            // Two threads that looked at their clocks in one order and came here in the other.
            None if seen.duration_since(now) < SET_BACK => self.seen = Some(seen),
            None => {}
        }
    }

    /// How long `weight` has to wait behind what is `ahead` of it. More than a burst passes when nothing is left of what
    /// passed before, and what follows waits the longer for it.
    #[inline]
    pub(crate) fn wait(&self, ahead: u128, weight: u64) -> Duration {
        let wanted = ahead.saturating_add(u128::from(weight.min(self.burst)));
        let room = u128::from(self.burst) * self.rate.per();
        let level = wanted.saturating_mul(self.rate.per()).saturating_add(self.level);
        if level <= room {
            return Duration::ZERO;
        }
        let nanos = (level - room).div_ceil(self.rate.amount());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    #[inline]
    pub(crate) fn fill(&mut self, weight: u64) {
        let parts = u128::from(weight).saturating_mul(self.rate.per());
        self.level = self.level.saturating_add(parts);
    }

    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    pub(crate) fn burst(&self) -> u64 {
        self.burst
    }

    pub(crate) fn seen(&self) -> Option<Instant> {
        self.seen
    }
}

/// What may pass at once unless said otherwise: one, and the share of 50 ms. Tokio's timers are exact to a millisecond,
/// and a task that has to wait for others is later than that; what it misses is made up for.
fn usual_burst(rate: Rate) -> u64 {
    rate.in_nanos(50_000_000).saturating_add(1)
}

/// A clock that goes back by less was read by two threads at once; by more, it was set.
const SET_BACK: Duration = Duration::from_secs(1);
