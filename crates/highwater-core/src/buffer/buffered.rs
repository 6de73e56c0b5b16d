//! The reading end.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::shared::{Interest, Shared, Weighed};
use super::write_error::WriteError;
use crate::error::{Error, Result};
use crate::readable::{Readable, Source};
use crate::reason::{self, Dropped};
use crate::stage::Control;
use crate::sync::Ordering::Acquire;
use crate::task::LazyTask;

/// The reading end of a buffer: what [`pass_through`](crate::pass_through) and
/// [`Readable::buffer`](crate::Readable::buffer) put into a [`Readable`].
///
/// It takes out all that is there in one go and counts it as gone as it is read: at the end of such a batch, before it
/// waits, and exactly where a writer that waits may go on.
pub struct Buffered<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// Taken out, not given yet: all of it counts as buffered, by its weight.
    pub(super) taken: VecDeque<Weighed<T>>,
    /// Given, and still counted as buffered.
    pub(super) given: usize,
    /// How much may be given before it is counted as gone.
    step: usize,
    pub(super) over: bool,
    starter: Option<LazyTask>,
    /// Forgets the type of the chunks.
    control: fn(Arc<Shared<T>>) -> Control,
}

impl<T> Buffered<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, starter: Option<LazyTask>) -> Self
    where
        T: Send + 'static,
    {
        Self {
            shared,
            taken: VecDeque::new(),
            given: 0,
            step: 1,
            over: false,
            starter,
            control: Control::new,
        }
    }

    /// The next of what was taken out.
    #[inline]
    pub(super) fn give(&mut self) -> Option<T> {
        let (chunk, weight) = self.taken.pop_front()?;
        self.given += weight;
        let is_wanted = self.shared.room_is_wanted.load(Acquire);
        if self.taken.is_empty() || self.given >= self.step || is_wanted {
            self.give_back();
        }
        Some(chunk)
    }

    pub(super) fn give_back(&mut self) {
        self.step = self.shared.give_back(std::mem::take(&mut self.given));
    }

    fn take_now(&mut self) -> Option<T> {
        if self.over {
            return None;
        }
        if self.taken.is_empty() {
            self.shared.take_now(&mut self.taken);
        } else if self.shared.attention.load(Acquire) && self.shared.is_destroyed() {
            return None;
        }
        self.give()
    }

    pub(super) fn start(&mut self) {
        if let Some(starter) = &mut self.starter {
            starter.start();
        }
    }

    pub(super) fn poll_there(
        &mut self,
        interest: Interest,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool>> {
        self.start();
        if self.given > 0 {
            self.give_back();
        }
        self.shared.poll_take(&mut self.taken, interest, cx)
    }
}

impl<T> Unpin for Buffered<T> {}

impl<T> Stream for Buffered<T> {
    type Item = Result<T>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let me = self.get_mut();
        if !me.shared.attention.load(Acquire) {
            if let Some(chunk) = me.give() {
                return Poll::Ready(Some(Ok(chunk)));
            }
        }
        if me.over {
            return Poll::Ready(None);
        }
        match me.poll_there(Interest::Delivery, cx) {
            Poll::Ready(Ok(true)) => Poll::Ready(me.give().map(Ok)),
            Poll::Ready(end) => {
                me.over = true;
                Poll::Ready(end.err().map(Err))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Source for Buffered<T> {
    type Chunk = T;
}

impl<T> Drop for Buffered<T> {
    /// Whoever writes is told; what is buffered is dropped.
    fn drop(&mut self) {
        self.shared.forget_reader();
        let control = (self.control)(Arc::clone(&self.shared));
        reason::drop_reader(Box::new(Reader { control, starter: self.starter.take() }));
    }
}

/// What is left of a reading end that was dropped.
struct Reader {
    control: Control,
    starter: Option<LazyTask>,
}

impl Dropped for Reader {
    /// The task that fills the buffer ends after it can see why.
    fn close(self: Box<Self>, error: Error) {
        self.control.destroy(error);
        drop(self.starter);
    }
}

/// Node's paused mode: taking out what is there by hand.
impl<T> Readable<Buffered<T>> {
    /// What is buffered now; `None` if nothing is. Never waits, and works while paused, too.
    ///
    /// `None` is not the end: [`readable`](Self::readable) tells.
    pub fn read(&mut self) -> Option<T> {
        self.source_mut().take_now()
    }

    /// Waits until there is something to [`read`](Self::read): true. False is the end. This is Node's `readable` event.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    ///
    /// # Errors
    ///
    /// The writer's, behind the last chunk; the one it was destroyed with; a premature close.
    pub async fn readable(&mut self) -> Result<bool> {
        let buffered = self.source_mut();
        poll_fn(|cx| buffered.poll_there(Interest::Arrival, cx)).await
    }

    /// Puts a chunk back in front of what is there. Works until the end was seen, and below the hard mark.
    ///
    /// # Errors
    ///
    /// The chunk comes back: it is too late, or, with [`is_overflow`](Error::is_overflow), the buffer is at its hard mark.
    pub fn unshift(&mut self, chunk: T) -> Result<(), WriteError<T>> {
        let buffered = self.source_mut();
        let weight = buffered.shared.mark().weight(&chunk);
        match buffered.shared.put_back(weight, &mut buffered.given) {
            Ok(()) => buffered.taken.push_front((chunk, weight)),
            Err(error) => return Err(WriteError::new(error, chunk)),
        }
        Ok(())
    }

    /// Delivers nothing more until [`resume`](Self::resume). The source goes on until the buffer is at its mark.
    pub fn pause(&self) {
        self.source_ref().shared.pause(true);
    }

    /// Delivers again.
    pub fn resume(&self) {
        self.source_ref().shared.pause(false);
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.source_ref().shared.lock().ledger.is_paused()
    }

    /// What is buffered, in the mark's unit.
    pub fn buffered(&self) -> usize {
        let buffered = self.source_ref();
        buffered.shared.lock().ledger.buffered().saturating_sub(buffered.given)
    }

    /// A handle that pauses, resumes, destroys, and tells.
    pub fn control(&self) -> Control
    where
        T: Send + 'static,
    {
        Control::new(Arc::clone(&self.source_ref().shared))
    }

    /// Drops what is buffered, and gives every writer the error, or a premature close.
    pub fn destroy(self, error: impl Into<Option<Error>>) {
        self.source_ref().shared.destroy(error.into().unwrap_or_else(Error::premature_close));
    }
}

impl<T> fmt::Debug for Buffered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffered").field("stats", &self.shared.stats()).finish_non_exhaustive()
    }
}
