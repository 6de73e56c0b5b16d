//! Being a good neighbour on a worker thread.

use std::task::{Context, Poll, ready};

/// Spends Tokio's cooperative budget once per 32 chunks, by a countdown.
///
/// Whoever loops over chunks holds one and asks it before each: a source that can be ready many times in a row and is
/// not behind a [`Readable`](crate::Readable), a stage that swallows chunks, a task that moves them. It then gives way to
/// the other tasks of its worker, at less than a tenth of what asking Tokio for every chunk costs. A loop whose chunks may
/// be slow holds a [`Pace`](crate::stage::Pace) instead, which looks at the clock as well.
///
/// # Examples
///
/// ```
/// use std::task::{Context, Poll, ready};
/// use highwater_core::stage::Coop;
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

    /// Counts a chunk of so many bytes as given: one per KiB, and at least one.
    #[inline]
    pub fn spend_bytes(&mut self, bytes: usize) {
        self.spend(u16::try_from(bytes / 1024).unwrap_or(u16::MAX).max(1));
    }

    /// [`poll_ready`](Self::poll_ready), and takes out at most `most` chunks, for which Tokio is not asked again.
    pub(crate) fn poll_take(&mut self, most: u16, cx: &mut Context<'_>) -> Poll<u16> {
        ready!(self.poll_ready(cx));
        while self.left < i32::from(most) && tokio::task::coop::has_budget_remaining() {
            ready!(self.poll_unit(cx));
        }
        let taken = most.min(u16::try_from(self.left).unwrap_or(most));
        self.spend(taken);
        Poll::Ready(taken)
    }

    /// Spends what is left of Tokio's budget, so that the task yields and no stage takes that for an idle source.
    ///
    /// Outside of a Tokio runtime it is ready at once.
    pub(crate) fn poll_yield(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..=UNITS_PER_POLL {
            ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
        }
        Poll::Ready(())
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

/// Units of Tokio's budget per poll of a task.
const UNITS_PER_POLL: u8 = 128;

/// Chunks per unit of Tokio's budget.
const CHUNKS_PER_UNIT: u16 = 32;
