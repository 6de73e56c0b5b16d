//! How far a stream was at some time.

use std::fmt;
use std::time::Duration;

use crate::speed::{count, per_second};

/// How far a stream is, as [`ProgressHandle::updates`](crate::ProgressHandle::updates) tells it.
///
/// It prints as `12345 of 50000 (25 %), 4115 per second, 9 s left`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    pub(crate) elapsed: Duration,
    /// What had passed when the time began.
    pub(crate) before: u64,
    pub(crate) speed: f64,
    pub(crate) is_over: bool,
    pub(crate) is_complete: bool,
}

impl Snapshot {
    /// How much has passed: bytes, items, or what was weighed.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// How much it will be in all, if that is known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// From the first look at the updates to now.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// How much passes per second now: smoothed, so that what is five seconds old counts 1/e (about a third) of what is
    /// new. It falls while nothing passes.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// How much passed per second over all of the time.
    pub fn average_speed(&self) -> f64 {
        per_second(self.done - self.before, self.elapsed)
    }

    /// The part that is done, from 0 to 1, if the total is known. More than the total is 1.
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total?;
        Some(if self.done >= total { 1.0 } else { count(self.done) / count(total) })
    }

    /// When it will be over if it goes on as fast as it does. `None` if the total is not known, or while nothing passes.
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.total?.saturating_sub(self.done);
        if left == 0 || self.is_over {
            return Some(Duration::ZERO);
        }
        Duration::try_from_secs_f64(count(left) / self.speed).ok()
    }

    /// True when the stream has ended.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// True when nothing more will pass: the stream has ended, has failed, or was dropped. No other snapshot follows.
    pub fn is_over(&self) -> bool {
        self.is_over
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.done)?;
        if let (Some(total), Some(part)) = (self.total, self.fraction()) {
            write!(f, " of {total} ({:.0} %)", (part * 100.0).floor())?;
        }
        write!(f, ", {:.0} per second", self.speed)?;
        match self.time_left() {
            Some(left) if !self.is_over => write!(f, ", {} s left", left.as_secs_f64().ceil()),
            _ => Ok(()),
        }
    }
}
