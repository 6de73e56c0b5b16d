//! The arithmetic of a buffer: how much is in it, whether it takes more, whether it gives.
//!
//! ```text
//!              admit: buffered >= high                       end
//!   gate open -------------------------> gate closed      Open ---> Ending ---> Ended
//!        ^                                    |             |         |
//!        +--- give_back: buffered <= low -----+             +-------- + ------> Destroyed
//! ```

use crate::sync::seeded;

/// Counts what is buffered, and knows nothing of locks, wakers and chunks.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    high: usize,
    low: usize,
    hard: usize,
    buffered: usize,
    /// What was in it and is not any more.
    gone: usize,
    peak: usize,
    /// The buffer was full and has not drained since.
    closed: bool,
    /// Turns given to waiting writers and not used yet.
    granted: usize,
    corks: usize,
    paused: bool,
    life: Life,
}

/// How far a buffer is in its life; it only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Takes chunks.
    Open,
    /// Takes no more; what is in it still goes out.
    Ending,
    /// The reader has seen the end, or the error behind the last chunk; or the destination has finished.
    Ended,
    /// Destroyed: what was in it is gone.
    Destroyed,
}

/// Node's answer to a write: `true` or `false`.
///
/// # Examples
///
/// ```
/// use highwater_core::{HighWaterMark, Room, pass_through};
/// let (writable, _readable) = pass_through(HighWaterMark::items(2));
/// assert_eq!(writable.write('a')?, Room::Free);
/// assert_eq!(writable.write('b')?, Room::Full);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[must_use = "`Full` means: wait for `drain` before the next write"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a yes or no with names")]
pub enum Room {
    /// There is room for more.
    Free,
    /// The buffer is at its high mark: the chunk was taken, and [`drain`](crate::Writable::drain) should come before the
    /// next.
    Full,
}

impl Room {
    /// Whether the writer should wait for [`drain`](crate::Writable::drain).
    #[inline]
    pub fn is_full(self) -> bool {
        self == Self::Full
    }
}

/// Why a chunk was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is at the limit.
    Full,
    /// It was told to end.
    Ended,
    /// It was destroyed.
    Destroyed,
}

/// How far a write may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Up to the high mark, and only while the gate is open.
    Gate,
    /// Up to the high mark.
    High,
    /// Up to the hard mark.
    Hard,
    /// It has the turn.
    Turn,
}

impl Ledger {
    pub(crate) fn new(high: usize, low: usize, hard: usize) -> Self {
        Self {
            high,
            low,
            hard,
            buffered: 0,
            gone: 0,
            peak: 0,
            closed: false,
            granted: 0,
            corks: 0,
            paused: false,
            life: Life::Open,
        }
    }

    /// Takes a chunk of this weight, or says why not. An empty buffer takes any chunk.
    #[inline]
    pub(crate) fn admit(&mut self, weight: usize, limit: Limit) -> Result<Room, Refusal> {
        match self.life {
            Life::Open => {}
            Life::Ending if seeded!("write after end") => {}
            Life::Ending | Life::Ended => return Err(Refusal::Ended),
            Life::Destroyed => return Err(Refusal::Destroyed),
        }
        let at_limit = match limit {
            Limit::Gate => self.closed || self.buffered >= self.high,
            Limit::High => self.buffered >= self.high,
            Limit::Hard => self.buffered >= self.hard && !seeded!("no hard mark"),
            Limit::Turn => false,
        };
        if at_limit && (self.buffered > 0 || self.closed) {
            return Err(Refusal::Full);
        }
        // A sum that does not fit is beyond every mark.
        self.buffered = self.buffered.checked_add(weight).ok_or(Refusal::Full)?;
        self.peak = self.peak.max(self.buffered);
        if self.buffered < self.high || (seeded!("full one too late") && self.buffered == self.high)
        {
            return Ok(Room::Free);
        }
        self.closed = true;
        Ok(Room::Full)
    }

    /// Counts what the reader put back.
    pub(crate) fn put_back(&mut self, weight: usize) -> Result<(), Refusal> {
        self.buffered = self.buffered.checked_add(weight).ok_or(Refusal::Full)?;
        self.gone = self.gone.wrapping_sub(weight);
        self.peak = self.peak.max(self.buffered);
        Ok(())
    }

    /// Counts as gone what was taken out before.
    #[inline]
    pub(crate) fn give_back(&mut self, weight: usize) {
        if self.life == Life::Destroyed {
            return;
        }
        debug_assert!(weight <= self.buffered, "{weight} given back of {}", self.buffered);
        self.buffered = self.buffered.saturating_sub(weight);
        self.gone = self.gone.wrapping_add(weight);
        if seeded!("given back twice") {
            self.buffered = self.buffered.saturating_sub(weight);
        }
    }

    /// Closes the gate: a shared budget is used up.
    #[inline]
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Whether only a shared budget keeps the gate closed.
    pub(crate) fn waits_for_budget(&self) -> bool {
        self.closed && self.life == Life::Open && self.buffered <= self.low
    }

    /// Opens the gate if it is closed and enough has gone; true means *drain*.
    #[inline]
    pub(crate) fn reopen(&mut self, budget_has_room: bool) -> bool {
        let opens = self.closed
            && self.life == Life::Open
            && (self.buffered <= self.low || seeded!("drain below the high mark"))
            && (budget_has_room || self.buffered == 0);
        self.closed &= !opens || seeded!("drain again and again");
        opens
    }

    /// Whether the gate is open.
    pub(crate) fn is_open(&self) -> bool {
        self.life == Life::Open && !self.closed
    }

    /// Whether the next in line may have a turn.
    pub(crate) fn may_grant(&self) -> bool {
        self.is_open() && self.buffered.saturating_add(self.granted) < self.high.max(1)
    }

    pub(crate) fn grant(&mut self) {
        self.granted += 1;
    }

    /// A turn was used, or given up.
    pub(crate) fn ungrant(&mut self) {
        self.granted -= 1;
    }

    pub(crate) fn cork(&mut self) {
        self.corks += 1;
    }

    pub(crate) fn uncork(&mut self) {
        self.corks -= 1;
    }

    pub(crate) fn corks(&self) -> usize {
        self.corks
    }

    /// Whether a cork holds delivery. One does not while somebody waits for room, who would wait for ever, nor after the
    /// end.
    #[inline]
    pub(crate) fn is_held(&self, somebody_waits: bool) -> bool {
        let opens = somebody_waits && !seeded!("no waiter opens a cork");
        self.corks > 0 && !opens && (self.life == Life::Open || seeded!("no end opens a cork"))
    }

    /// True when this changes something.
    pub(crate) fn pause(&mut self, paused: bool) -> bool {
        std::mem::replace(&mut self.paused, paused) != paused
    }

    /// Takes no more. True the first time.
    pub(crate) fn end(&mut self) -> bool {
        let first = self.life == Life::Open;
        if first {
            self.life = Life::Ending;
            self.closed = false;
        }
        first
    }

    /// The reader has seen the end, or the destination has finished. What was destroyed meanwhile stays so.
    pub(crate) fn conclude(&mut self) {
        if self.life == Life::Ending {
            self.life = Life::Ended;
        }
    }

    /// True unless it is over already. Gives the weight of what is lost.
    pub(crate) fn destroy(&mut self) -> Option<usize> {
        if matches!(self.life, Life::Ended | Life::Destroyed) {
            return None;
        }
        self.life = Life::Destroyed;
        self.closed = false;
        self.gone = self.gone.wrapping_add(self.buffered);
        Some(std::mem::take(&mut self.buffered))
    }

    #[inline]
    pub(crate) fn buffered(&self) -> usize {
        self.buffered
    }

    /// What it has taken in so far, in all; beyond the largest number it begins anew.
    pub(crate) fn taken(&self) -> usize {
        self.gone.wrapping_add(self.buffered)
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    pub(crate) fn low(&self) -> usize {
        self.low
    }

    pub(crate) fn high(&self) -> usize {
        self.high
    }

    /// Node's `writableNeedDrain`.
    #[inline]
    pub(crate) fn needs_drain(&self) -> bool {
        self.closed
    }

    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }

    #[inline]
    pub(crate) fn life(&self) -> Life {
        self.life
    }
}
