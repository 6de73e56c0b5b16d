//! How well a rate is kept.

use std::fmt;
use std::time::{Duration, Instant};

/// Sees items pass, and finds the window in which the most passed beyond the rate.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: u64,
    /// For how long it looks.
    enough: Duration,
    items: u64,
    first: Option<Instant>,
    last: Duration,
    /// The least by which the items before a moment were ahead of the rate, so far.
    lowest: f64,
    /// Items beyond the rate in the fullest window so far.
    over: f64,
}

/// What came of it. Its text is what [`Paced::parse`] takes: the items, the nanoseconds from the first to the last, and
/// the items beyond the rate, a line each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paced {
    pub(crate) items: u64,
    pub(crate) time: Duration,
    pub(crate) over: f64,
}

impl Pace {
    pub(crate) fn new(per_second: u64, enough: Duration) -> Self {
        let (lowest, over) = (f64::INFINITY, 0.0);
        Self { per_second, enough, items: 0, first: None, last: Duration::ZERO, lowest, over }
    }

    pub(crate) fn per_second(&self) -> u64 {
        self.per_second
    }

    /// An item has passed. True if it has seen enough.
    #[expect(
        clippy::disallowed_methods,
        reason = "the time at which something passes is what is measured here"
    )]
    pub(crate) fn is_enough(&mut self) -> bool {
        let now = Instant::now();
        self.last = now - *self.first.get_or_insert(now);
        let ahead = self.items as f64 - self.last.as_secs_f64() * self.per_second as f64;
        self.lowest = self.lowest.min(ahead);
        self.items += 1;
        self.over = self.over.max(ahead + 1.0 - self.lowest);
        self.last >= self.enough
    }

    pub(crate) fn finish(self) -> Paced {
        Paced { items: self.items, time: self.last, over: self.over }
    }
}

impl Paced {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let items = lines.next()?.parse().ok()?;
        let time = Duration::from_nanos(lines.next()?.parse().ok()?);
        Some(Self { items, time, over: lines.next()?.parse().ok()? })
    }

    /// In percent of a rate. The first item begins the time, and is not of it.
    pub(crate) fn percent_of(&self, per_second: u64) -> f64 {
        let per = self.time.as_secs_f64() * per_second as f64;
        (self.items - 1) as f64 / per * 100.0
    }
}

impl fmt::Display for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.items, self.time.as_nanos(), self.over)
    }
}
