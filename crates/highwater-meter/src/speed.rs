//! How fast something goes: pure, with the time passed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A speed in which what is five seconds old counts 1/e (about a third) of what is new.
///
/// It is right from the first reading on, and does not start from zero: the weights of what it has seen add up to one.
#[derive(Debug)]
pub(crate) struct Smoothed {
    last: (Instant, u64),
    /// The sum of speeds by their weights, and the sum of the weights.
    sum: f64,
    weight: f64,
}

impl Smoothed {
    pub(crate) fn new(now: Instant, done: u64) -> Self {
        Self { last: (now, done), sum: 0.0, weight: 0.0 }
    }

    /// So much was done by now.
    pub(crate) fn read(&mut self, now: Instant, done: u64) {
        let (then, before) = self.last;
        let seconds = now.saturating_duration_since(then).as_secs_f64();
        if seconds > 0.0 {
            let keep = (-seconds / MEMORY.as_secs_f64()).exp();
            self.sum = self.sum * keep + count(done - before) / seconds * (1.0 - keep);
            self.weight = self.weight * keep + (1.0 - keep);
            self.last = (now, done);
        }
    }

    /// Per second; 0 before the first reading.
    pub(crate) fn per_second(&self) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { 0.0 }
    }
}

/// The speed over the last so many seconds, and no longer.
#[derive(Debug)]
pub(crate) struct Rolling {
    window: Duration,
    /// Readings, the oldest first: at most one of them is outside of the window.
    readings: VecDeque<(Instant, u64)>,
}

impl Rolling {
    pub(crate) fn new(window: Duration, now: Instant, done: u64) -> Self {
        Self { window, readings: VecDeque::from([(now, done)]) }
    }

    /// So much was done by now; gives the speed per second.
    pub(crate) fn read(&mut self, now: Instant, done: u64) -> f64 {
        self.readings.push_back((now, done));
        // The one that is kept beyond the window says how much there was when it began.
        while self.readings.get(1).is_some_and(|(then, _)| now.duration_since(*then) >= self.window)
        {
            self.readings.pop_front();
        }
        let (then, before) = self.readings[0];
        per_second(done - before, now.duration_since(then))
    }
}

/// 0 if no time has passed.
pub(crate) fn per_second(done: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { count(done) / seconds } else { 0.0 }
}

/// A count as a number to divide: exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "speeds and parts are not exact to the last unit")]
pub(crate) fn count(done: u64) -> f64 {
    done as f64
}

/// What is as old as this counts 1/e.
const MEMORY: Duration = Duration::from_secs(5);
