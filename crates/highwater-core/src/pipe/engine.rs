//! The two kinds of machine as the driver sees them.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

use crate::error::Result;
use crate::transform::{Offer, Step, TimedTransform, Transform};

/// What an [`Engine`] says when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the driver must handle every answer")]
pub enum Answer<T> {
    /// An output.
    Output(T),
    /// Nothing before the next chunk.
    Input,
    /// Nothing, and no chunk either, before [`poll_due`](Engine::poll_due) says so.
    Wait,
    /// All was given and no more input is wanted.
    Done,
}

/// A machine as [`Pipe`](crate::source::Pipe) drives it: a [`Transform`] in [`Plain`], a [`TimedTransform`] in [`Timed`].
///
/// Sealed: nothing else implements it.
pub trait Engine: sealed::Sealed {
    /// What goes in.
    type Input;
    /// What comes out.
    type Output;
    /// The time, as far as it is known: it holds from a `write` to the `read` right behind it, so that the clock is
    /// read once per chunk.
    type Time: Default;

    /// What there is to give.
    ///
    /// # Errors
    ///
    /// The machine's.
    fn read(&mut self, time: &mut Self::Time) -> Result<Answer<Self::Output>>;

    /// The source has nothing now, or the machine waits. True if there may be something to read all the same; else the
    /// task is woken when there may be.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> bool;

    /// Hands in a chunk.
    ///
    /// # Errors
    ///
    /// The machine's.
    fn write(&mut self, chunk: Self::Input, time: &mut Self::Time) -> Result<Option<Self::Output>>;

    /// As [`write`](Self::write), with the chunk given back if it is of no use.
    ///
    /// # Errors
    ///
    /// The machine's.
    #[inline]
    fn offer(
        &mut self,
        chunk: Self::Input,
        time: &mut Self::Time,
    ) -> Result<Offer<Self::Input, Self::Output>> {
        self.write(chunk, time).map(Offer::Taken)
    }

    /// Takes back an output that is of no use.
    #[inline]
    fn take_back(&mut self, output: Self::Output) {
        drop(output);
    }

    /// The input is over.
    ///
    /// # Errors
    ///
    /// The machine's.
    fn end(&mut self) -> Result<()>;

    /// The input failed, or is idle.
    ///
    /// # Errors
    ///
    /// The machine's.
    fn release(&mut self) -> Result<()>;

    /// Whether it is released when the input is idle.
    fn flush_when_idle(&self) -> bool;

    /// No more input is wanted.
    fn is_done(&self) -> bool;

    /// The machine's name.
    fn name(&self) -> &'static str;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
    impl<M> Sealed for super::Plain<M> {}
    impl<M> Sealed for super::Timed<M> {}
}

/// Drives a [`Transform`].
#[derive(Debug, Clone)]
pub struct Plain<M>(pub(crate) M);

impl<M: Transform> Engine for Plain<M> {
    type Input = M::Input;
    type Output = M::Output;
    type Time = ();

    #[inline]
    fn read(&mut self, (): &mut ()) -> Result<Answer<M::Output>> {
        Ok(match self.0.read()? {
            Some(output) => Answer::Output(output),
            None if self.0.is_done() => Answer::Done,
            None => Answer::Input,
        })
    }

    #[inline]
    fn poll_due(&mut self, _: &mut Context<'_>) -> bool {
        false
    }

    #[inline]
    fn write(&mut self, chunk: M::Input, (): &mut ()) -> Result<Option<M::Output>> {
        self.0.write(chunk)
    }

    #[inline]
    fn offer(&mut self, chunk: M::Input, (): &mut ()) -> Result<Offer<M::Input, M::Output>> {
        self.0.offer(chunk)
    }

    #[inline]
    fn take_back(&mut self, output: M::Output) {
        self.0.take_back(output);
    }

    fn end(&mut self) -> Result<()> {
        self.0.end()
    }

    fn release(&mut self) -> Result<()> {
        self.0.release()
    }

    #[inline]
    fn flush_when_idle(&self) -> bool {
        self.0.flush_when_idle()
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.0.is_done()
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }
}

/// Drives a [`TimedTransform`] by Tokio's clock.
pub struct Timed<M> {
    machine: M,
    /// When the machine wants to be read again, whether or not the source has something by then.
    due: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<M> Timed<M> {
    pub(crate) fn new(machine: M) -> Self {
        Self { machine, due: None, timer: None }
    }

    /// True when `at` has come; else the task is woken then.
    fn poll_reached(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        let at = tokio::time::Instant::from_std(at);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx).is_ready()
    }
}

debug_fields!(Timed<M>, timer);

impl<M: TimedTransform> Engine for Timed<M> {
    type Input = M::Input;
    type Output = M::Output;
    type Time = Option<Instant>;

    fn read(&mut self, time: &mut Option<Instant>) -> Result<Answer<M::Output>> {
        self.due = None;
        Ok(match self.machine.read(time.take().unwrap_or_else(now))? {
            Step::Output(output) => Answer::Output(output),
            Step::NeedsInput => Answer::Input,
            Step::Done => Answer::Done,
            // A source that has something makes no use of a timer: the clock is looked at before each chunk.
            Step::NeedsInputOr(at) => {
                self.due = Some(at);
                Answer::Input
            }
            Step::NotBefore(at) => {
                self.due = Some(at);
                Answer::Wait
            }
        })
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> bool {
        self.due.is_some_and(|at| self.poll_reached(at, cx))
    }

    fn write(&mut self, chunk: M::Input, time: &mut Option<Instant>) -> Result<Option<M::Output>> {
        self.machine.write(chunk, *time.insert(now()))
    }

    fn end(&mut self) -> Result<()> {
        self.machine.end(now())
    }

    fn release(&mut self) -> Result<()> {
        self.machine.release(now())
    }

    /// It says itself when its time has come.
    fn flush_when_idle(&self) -> bool {
        false
    }

    fn is_done(&self) -> bool {
        false
    }

    fn name(&self) -> &'static str {
        self.machine.name()
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
