//! One allowance shared by many buffers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use super::wakes::Wakes;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering::SeqCst};

/// An allowance that many buffers share: together they hold no more than this, except for one chunk each.
///
/// A buffer whose mark has a [`with_budget`](crate::HighWaterMark::with_budget) says *full* when the budget is used up, too, and is
/// drained when there is room in it again. Each buffer may always hold one chunk, so that sharing never locks up: with n
/// buffers the most that is held is the budget, and a chunk for each of the n.
///
/// That holds for every writer that waits: by [`send`](crate::Writable::send), [`reserve`](crate::Writable::reserve),
/// [`try_write`](crate::Writable::try_write), a `Sink`, or as [`Readable::buffer`](crate::Readable::buffer). The room that
/// a permit keeps counts as used. A [`write`](crate::Writable::write) that does not wait for
/// [`drain`](crate::Writable::drain), and what a reader puts back, count as well, but are not refused for the budget.
///
/// The unit is that of the marks: bytes for marks in bytes.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Budget, HighWaterMark, Room, pass_through};
///
/// let budget = Budget::new(8);
/// let mark = HighWaterMark::<Bytes>::bytes(64 * 1024).with_budget(&budget);
/// let (one, _readable) = pass_through(mark.clone());
/// let (two, _readable) = pass_through(mark);
/// assert_eq!(one.write(Bytes::from_static(b"12345"))?, Room::Free);
/// assert_eq!(two.write(Bytes::from_static(b"67890"))?, Room::Full);
/// assert_eq!(budget.used(), 10);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    limit: usize,
    used: AtomicUsize,
    waiting: Mutex<BTreeMap<Seat, Waker>>,
}

/// Who waits: a buffer, told by its address, and its waiter.
pub(super) type Seat = (usize, u64);

impl Budget {
    /// An allowance of so many bytes, or items.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner {
            limit,
            used: AtomicUsize::new(0),
            waiting: Mutex::new(BTreeMap::new()),
        }))
    }

    /// The allowance.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How much of it is used now.
    pub fn used(&self) -> usize {
        self.0.used.load(SeqCst)
    }

    pub(super) fn has_room(&self) -> bool {
        self.used() < self.0.limit
    }

    /// Counts a chunk, if there is room or it is forced in. A sum that does not fit into a number is beyond every
    /// allowance.
    pub(super) fn charge(&self, weight: usize, forced: bool) -> bool {
        let sum = |used: usize| used.checked_add(weight).filter(|_| forced || used < self.0.limit);
        self.0.used.fetch_update(SeqCst, SeqCst, sum).is_ok()
    }

    /// Gives back what was charged; who waits is woken when `wakes` is dropped.
    pub(super) fn release(&self, weight: usize, wakes: &mut Wakes) {
        let before = self.0.used.fetch_sub(weight, SeqCst);
        let has_room = before >= self.0.limit && before - weight < self.0.limit;
        if has_room {
            wakes.extend(std::mem::take(&mut *self.waiting()).into_values());
        }
    }

    /// Has the waiter woken when there is room; the caller looks again afterwards.
    pub(super) fn register(&self, seat: Seat, waker: Waker) {
        let replaced = self.waiting().insert(seat, waker);
        drop(replaced);
    }

    pub(super) fn forget(&self, seat: Seat) {
        let removed = self.waiting().remove(&seat);
        drop(removed);
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Seat, Waker>> {
        self.0.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limit", &self.0.limit)
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}
