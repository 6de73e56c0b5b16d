//! The arithmetic of a buffer: how much is in it, whether it takes more, whether it gives.
//!
//! ```text
//!              admit: buffered >= high                       end
//!   gate open -------------------------> gate closed      Open ---> Ending ---> Ended
//!        ^                                    |             |         |
//!        +--- give_back: buffered <= low -----+             +-------- + ------> Destroyed
//! ```

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
    /// Room kept free for turns that were given and not used yet.
    reserved: usize,
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
    /// Up to the high mark, even before those who wait in line.
    Room,
    /// Up to the hard mark.
    Hard,
    /// The room was kept for it.
    None,
}

impl Limit {
    /// Whether the writer waits in line, or comes back, if there is no room.
    #[inline]
    pub(crate) fn asks(self) -> bool {
        matches!(self, Self::Gate | Self::High)
    }

    /// Whether the high mark, and a shared budget, is its limit.
    #[inline]
    pub(crate) fn is_one_of_room(self) -> bool {
        matches!(self, Self::Gate | Self::High | Self::Room)
    }
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
            reserved: 0,
            corks: 0,
            paused: false,
            life: Life::Open,
        }
    }

    /// Says why a chunk of this weight is not taken, if it is not. An empty buffer takes any chunk.
    #[inline]
    pub(crate) fn check(&self, weight: usize, limit: Limit) -> Result<(), Refusal> {
        match self.life {
            Life::Open => {}
            Life::Ending | Life::Ended => return Err(Refusal::Ended),
            Life::Destroyed => return Err(Refusal::Destroyed),
        }
        let filled = self.filled();
        let at_limit = match limit {
            Limit::Gate => self.closed || filled >= self.high,
            Limit::High | Limit::Room => filled >= self.high,
            Limit::Hard => filled >= self.hard,
            Limit::None => false,
        };
        // A sum that does not fit is beyond every mark.
        if at_limit && (filled > 0 || self.closed) || self.buffered.checked_add(weight).is_none() {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// Counts in a chunk that was [checked](Self::check).
    #[inline]
    pub(crate) fn admit(&mut self, weight: usize) -> Room {
        self.add(weight);
        if self.buffered < self.high {
            return Room::Free;
        }
        self.closed = true;
        Room::Full
    }

    /// Says whether the reader may put back a chunk of this weight.
    pub(crate) fn may_put_back(&self, weight: usize) -> Result<(), Refusal> {
        if self.buffered >= self.hard && self.buffered > 0
            || self.buffered.checked_add(weight).is_none()
        {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// Counts what the reader put back.
    pub(crate) fn put_back(&mut self, weight: usize) {
        self.gone = self.gone.wrapping_sub(weight);
        self.add(weight);
    }

    #[inline]
    fn add(&mut self, weight: usize) {
        self.buffered += weight;
        self.peak = self.peak.max(self.buffered);
    }

    /// What is buffered, and what is kept free for turns.
    #[inline]
    fn filled(&self) -> usize {
        self.buffered.saturating_add(self.reserved)
    }

    /// Nothing is buffered, and no room is kept.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.filled() == 0
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
            && self.buffered <= self.low
            && (budget_has_room || self.is_empty());
        self.closed &= !opens;
        opens
    }

    /// Whether the gate is open.
    pub(crate) fn is_open(&self) -> bool {
        self.life == Life::Open && !self.closed
    }

    /// Whether there is room to keep for a chunk of this weight, as there would be for the chunk.
    pub(crate) fn may_reserve(&self, weight: usize) -> bool {
        self.is_open()
            && self.filled() < self.high.max(1)
            && self.filled().checked_add(weight).is_some()
    }

    /// Keeps room for a turn.
    pub(crate) fn reserve(&mut self, weight: usize) {
        self.reserved += weight;
    }

    /// A turn was used, or given up.
    pub(crate) fn unreserve(&mut self, weight: usize) {
        debug_assert!(weight <= self.reserved, "{weight} given up of {}", self.reserved);
        self.reserved = self.reserved.saturating_sub(weight);
    }

    /// How much must go before somebody who waits may go on.
    pub(crate) fn to_the_crossing(&self) -> usize {
        let left = if self.closed {
            self.buffered.saturating_sub(self.low)
        } else {
            self.filled().saturating_sub(self.high.saturating_sub(1))
        };
        left.max(1)
    }

    pub(crate) fn cork(&mut self) {
        self.corks += 1;
    }

    pub(crate) fn uncork(&mut self) {
        self.corks -= 1;
    }

    /// How many corks hold delivery: none after the end.
    pub(crate) fn corks(&self) -> usize {
        if self.life == Life::Open { self.corks } else { 0 }
    }

    /// Whether a cork holds delivery. One does not while somebody waits for room, who would wait for ever, nor after the
    /// end.
    #[inline]
    pub(crate) fn is_held(&self, somebody_waits: bool) -> bool {
        self.corks > 0 && !somebody_waits && self.life == Life::Open
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
