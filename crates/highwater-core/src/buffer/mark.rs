//! How much a buffer holds before it says stop.

use super::Budget;

/// Node's `highWaterMark`: how much a buffer holds before it says *full*, and what a chunk weighs.
///
/// A mark has three levels, in bytes or in items:
///
/// - at **high** or above, [`Writable::write`](crate::Writable::write) answers [`Room::Full`](crate::Room::Full), and those
///   who wait for room wait;
/// - at **low** or below, the buffer is *drained* again: half of high unless said otherwise, so that both sides work at the
///   same time; [`with_low(0)`](Self::with_low) is Node's rule;
/// - at **hard**, a writer that does not listen is refused, with its chunk: 64 times high, and in bytes at least 1 MiB.
///
/// An empty buffer takes any chunk, however heavy. A chunk weighs at least one, so that empty chunks cannot pile up unseen.
///
/// There is no default, because bytes and items are not alike. Usual are `bytes(64 * 1024)` and `items(16)`.
///
/// # Examples
///
/// ```
/// use highwater_core::HighWaterMark;
/// use bytes::Bytes;
///
/// let bytes = HighWaterMark::<Bytes>::bytes(64 * 1024);
/// assert_eq!((bytes.high(), bytes.low(), bytes.hard()), (65_536, 32_768, 4_194_304));
///
/// let one_at_a_time = HighWaterMark::<String>::items(0);
/// let words = HighWaterMark::<String>::items(1000).with_low(0).with_weight(String::len);
/// assert_eq!(words.weight(&"hello".to_owned()), 5);
/// assert_eq!(words.weight(&String::new()), 1);
/// # let _ = one_at_a_time;
/// ```
#[must_use]
pub struct HighWaterMark<T> {
    high: usize,
    low: usize,
    hard: usize,
    unit: Unit,
    weigh: fn(&T) -> usize,
    budget: Option<Budget>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Every chunk weighs one.
    Items,
    Bytes,
    /// Whatever the function of the user says.
    Weight,
}

impl<T: AsRef<[u8]>> HighWaterMark<T> {
    /// A mark in bytes: a chunk weighs its length.
    pub fn bytes(high: usize) -> Self {
        Self::of_bytes(high, |chunk| chunk.as_ref().len())
    }
}

impl<T> HighWaterMark<T> {
    /// A mark in bytes for chunks that are not slices of bytes.
    pub(super) fn of_bytes(high: usize, weigh: fn(&T) -> usize) -> Self {
        let hard = high.saturating_mul(HARD_FACTOR).max(LEAST_HARD_BYTES);
        Self { unit: Unit::Bytes, hard, ..Self::new(high, weigh) }
    }

    /// A mark in items: every chunk weighs one. With 0 there is one item at a time.
    pub fn items(high: usize) -> Self {
        Self::new(high, |_| 1)
    }

    fn new(high: usize, weigh: fn(&T) -> usize) -> Self {
        let hard = high.saturating_mul(HARD_FACTOR);
        Self { high, low: high / 2, hard, unit: Unit::Items, weigh, budget: None }
    }

    /// Sets the level at which a full buffer is drained again. 0 is Node's rule: only when it is empty.
    ///
    /// # Panics
    ///
    /// Above the high mark.
    #[track_caller]
    pub fn with_low(mut self, low: usize) -> Self {
        assert!(low <= self.high, "the low mark, {low}, is above the high mark, {}", self.high);
        self.low = low;
        self
    }

    /// Sets the level at which [`Writable::write`](crate::Writable::write) refuses.
    ///
    /// # Panics
    ///
    /// Below the high mark.
    #[track_caller]
    pub fn with_hard(mut self, hard: usize) -> Self {
        assert!(hard >= self.high, "the hard mark, {hard}, is below the high mark, {}", self.high);
        self.hard = hard;
        self
    }

    /// Sets what a chunk weighs; less than 1 counts as 1. It is called outside of every lock: once for a chunk that is
    /// written, once more by a pipeline that writes to the buffer, for its report, and by `unshift`.
    pub fn with_weight(mut self, weigh: fn(&T) -> usize) -> Self {
        self.weigh = weigh;
        self.unit = Unit::Weight;
        self
    }

    /// Shares an allowance with other buffers: see [`Budget`].
    pub fn with_budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// The high mark.
    pub fn high(&self) -> usize {
        self.high
    }

    /// The low mark.
    pub fn low(&self) -> usize {
        self.low
    }

    /// The hard mark.
    pub fn hard(&self) -> usize {
        self.hard
    }

    /// What this chunk weighs: at least 1.
    #[inline]
    pub fn weight(&self, chunk: &T) -> usize {
        (self.weigh)(chunk).max(1)
    }

    /// The room to keep for a chunk that is not known yet: one item; by weight all of the mark, so that no chunk that may
    /// come finds it taken.
    pub(crate) fn place(&self) -> usize {
        if self.unit == Unit::Items { 1 } else { self.high.max(1) }
    }

    pub(crate) fn shared_budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// The most bytes a buffer with this mark holds beside one chunk, when it counts in bytes and is filled by somebody
    /// who listens.
    pub(crate) fn max_bytes(&self) -> Option<usize> {
        (self.unit == Unit::Bytes).then_some(self.high)
    }
}

impl<T> Clone for HighWaterMark<T> {
    fn clone(&self) -> Self {
        Self { budget: self.budget.clone(), ..*self }
    }
}

debug_fields!(HighWaterMark<T>, high, low, hard, budget);

/// How far a writer that does not listen may go beyond the high mark.
const HARD_FACTOR: usize = 64;

/// A small mark in bytes must still let a writer finish what it is at.
const LEAST_HARD_BYTES: usize = 1 << 20;
