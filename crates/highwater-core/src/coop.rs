//! Being a good neighbour on a worker thread.

use std::task::{Context, Poll, ready};

/// Spends Tokio's cooperative budget once per 32 chunks, by a countdown.
///
/// Whoever loops over chunks holds one and asks it before each: a source that can be ready many times in a row and is
/// not behind a [`Readable`](crate::Readable), a stage that swallows chunks, a task that moves them. It then gives way to
/// the other tasks of its worker, at less than a tenth of what asking Tokio for every chunk costs.
///
/// # Examples
///
/// ```
/// use std::task::{Context, Poll, ready};
/// use highwater_core::Coop;
///
/// struct Zeros { coop: Coop }
///
/// impl Zeros {
///     fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<u8> {
///         ready!(self.coop.poll_ready(cx));
///         self.coop.spend(1);
///         Poll::Ready(0)
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct Coop {
    /// Chunks left of the units taken so far; below zero it is a debt, paid before the next chunk.
    left: i32,
}

impl Coop {
    /// Ready when the task may go on; else the task is woken after the others had their turn.
    ///
    /// Outside of a Tokio runtime it is always ready.
    #[inline]
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.left <= 0 { self.poll_refill(cx) } else { Poll::Ready(()) }
    }

    /// Counts `chunks` as given. A source of large chunks counts each as several, about one per KiB, so that a task
    /// gives way after 4 MiB.
    #[inline]
    pub fn spend(&mut self, chunks: u16) {
        self.left -= i32::from(chunks);
    }

    /// [`poll_ready`](Self::poll_ready) and one chunk spent.
    #[inline]
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_ready(cx));
        self.spend(1);
        Poll::Ready(())
    }

    /// [`poll_ready`](Self::poll_ready) for a run of chunks: with room for many of them, if that much of the budget is
    /// left.
    #[inline(never)]
    pub(crate) fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_ready(cx));
        while self.left < i32::from(RUN) && tokio::task::coop::has_budget_remaining() {
            ready!(self.poll_unit(cx));
        }
        Poll::Ready(())
    }

    /// Chunks that may be given before the next [`poll_ready`](Self::poll_ready): some, when that was ready.
    #[inline]
    pub(crate) fn left(&self) -> i32 {
        self.left
    }

    /// All but `left` of them were given.
    #[inline]
    pub(crate) fn spend_to(&mut self, left: i32) {
        self.left = left;
    }

    /// Whether the next [`poll_ready`](Self::poll_ready) has to ask Tokio.
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.left <= 0
    }

    #[cold]
    #[inline(never)]
    fn poll_refill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.left <= 0 {
            ready!(self.poll_unit(cx));
        }
        Poll::Ready(())
    }

    fn poll_unit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
        self.left += i32::from(CHUNKS_PER_UNIT);
        Poll::Ready(())
    }
}

/// The same for a loop that counts its chunks anyway: spends a unit of the budget each time `taken` has come to `ask_at`,
/// so that nothing else is counted per chunk.
#[inline]
pub(crate) fn poll_at(ask_at: &mut u64, taken: u64, cx: &mut Context<'_>) -> Poll<()> {
    if taken < *ask_at { Poll::Ready(()) } else { poll_unit(ask_at, taken, cx) }
}

#[cold]
#[inline(never)]
fn poll_unit(ask_at: &mut u64, taken: u64, cx: &mut Context<'_>) -> Poll<()> {
    ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
    *ask_at = taken + u64::from(CHUNKS_PER_UNIT);
    Poll::Ready(())
}

/// The same with room for a run of chunks, or for as many as there were, if that much of the budget is left.
#[cold]
#[inline(never)]
pub(crate) fn poll_run_at(ask_at: &mut u64, taken: u64, cx: &mut Context<'_>) -> Poll<()> {
    ready!(poll_at(ask_at, taken, cx));
    while *ask_at < taken + taken.min(RUN.into()) && tokio::task::coop::has_budget_remaining() {
        let asked_at = *ask_at;
        ready!(poll_unit(ask_at, asked_at, cx));
    }
    Poll::Ready(())
}

/// Chunks of a run: whoever hands them out in one go interrupts himself so rarely that it does not count.
const RUN: u16 = 256;

/// Chunks per unit of Tokio's budget of 128 per poll of a task.
const CHUNKS_PER_UNIT: u16 = 32;
