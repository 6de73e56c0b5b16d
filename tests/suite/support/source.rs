//! A source that follows a script.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use highwater_core::{Error, Readable, Result, StageInfo};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Event, Log};

/// What a [`Script`] does when it is polled; behind the last step it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Gives a chunk.
    Chunk(u32),
    /// Is pending once, and wakes the task.
    Pending,
    /// Is pending from here on, and wakes nobody.
    Forever,
    /// Fails with "source failed".
    Error,
    /// Panics.
    Panic,
}

/// A source that follows a script, and gives [`POISON`] when it is polled after its end or its error.
#[derive(Debug)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    log: Log,
    over: bool,
    panics_on_drop: bool,
}

impl Script {
    pub(crate) fn new(log: &Log, steps: &[Step]) -> Self {
        let steps = steps.iter().copied().collect();
        Self { steps, log: log.clone(), over: false, panics_on_drop: false }
    }

    /// Has it panic when it is dropped.
    pub(crate) fn panics_on_drop(mut self) -> Self {
        self.panics_on_drop = true;
        self
    }

    /// A readable of it, named `script`.
    pub(crate) fn readable(self) -> Readable<Self> {
        Readable::from_source(StageInfo::new("script").holds(0), self)
    }
}

impl Stream for Script {
    type Item = Result<u32>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            self.log.push(Event::PollAfterEnd);
            assert!(self.log.count(Event::PollAfterEnd) < 100, "polled on and on after its end");
            return Poll::Ready(Some(Ok(POISON)));
        }
        self.log.push(Event::Poll);
        if self.steps.front() == Some(&Step::Forever) {
            return Poll::Pending;
        }
        match self.steps.pop_front() {
            Some(Step::Chunk(chunk)) => Poll::Ready(Some(Ok(chunk))),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Error) => {
                self.over = true;
                Poll::Ready(Some(Err(Error::msg("source failed"))))
            }
            Some(Step::Panic) => panic!("source panicked"),
            Some(Step::Forever) | None => {
                self.over = true;
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.log.push(Event::SourceDropped);
        if self.panics_on_drop {
            panic!("drop panicked");
        }
    }
}

/// A readable that follows the script.
pub(crate) fn script(log: &Log, steps: &[Step]) -> Readable<Script> {
    Script::new(log, steps).readable()
}

/// The same where nobody looks at the log.
pub(crate) fn quiet(steps: &[Step]) -> Readable<Script> {
    script(&Log::default(), steps)
}

/// The steps that give these chunks, one after the other.
pub(crate) fn chunks_of(chunks: impl IntoIterator<Item = u32>) -> Vec<Step> {
    chunks.into_iter().map(Step::Chunk).collect()
}

/// The chunks that a script gives before its end or its error.
pub(crate) fn values(steps: &[Step]) -> impl Iterator<Item = u32> + Clone + '_ {
    steps.iter().take_while(|step| **step != Step::Error).filter_map(|step| match step {
        Step::Chunk(chunk) => Some(*chunk),
        _ => None,
    })
}

/// Scripts of small chunks with pauses anywhere, that end well.
pub(crate) fn scripts() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => (0..20_u32).prop_map(Step::Chunk), 2 => Just(Step::Pending)];
    vec(step, 0..24)
}

/// The same, of which some fail at their end.
pub(crate) fn failing_scripts() -> impl Strategy<Value = Vec<Step>> {
    (scripts(), any::<bool>()).prop_map(|(mut steps, fails)| {
        if fails {
            steps.push(Step::Error);
        }
        steps
    })
}

/// What a script gives that is polled when it must not be.
pub(crate) const POISON: u32 = u32::MAX;
