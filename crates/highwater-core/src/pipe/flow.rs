//! Many chunks on their way through a machine.

use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Answer, Engine, Event};
use crate::error::Result;
use crate::readable::Source;
use crate::stage::StageCounter;
use crate::transform::Offer;

/// Why the flow of chunks stops.
pub(super) enum Stop<B, O> {
    /// Who takes the outputs broke off.
    Broken(B),
    /// The machine wants no more chunks. What it made of the last one is to be given when the source is gone.
    Satisfied(Option<O>),
    /// A machine that swallows all it is given must not keep the worker: it is time to ask.
    Swallowed,
    /// Something rare.
    Event(Event),
}

/// A machine that chunks flow through.
pub(super) struct Flow<'a, E> {
    pub(super) engine: &'a mut E,
    pub(super) tally: &'a mut StageCounter,
}

impl<E: Engine> Flow<'_, E> {
    /// Gives this output if there is one, and then what else the machine holds, until it wants a chunk.
    #[inline]
    pub(super) fn give<B>(
        &mut self,
        mut next: Option<E::Output>,
        time: &mut E::Time,
        each: &mut impl FnMut(E::Output) -> ControlFlow<B, Option<E::Output>>,
    ) -> ControlFlow<Stop<B, E::Output>> {
        loop {
            if let Some(output) = next {
                if let Some(back) = each(output).map_break(Stop::Broken)? {
                    self.tally.meter().watch(|| self.engine.take_back(back));
                }
            }
            next = match self.read(time) {
                Ok(Some(output)) => Some(output),
                Ok(None) => return Continue(()),
                Err(event) => return Break(Stop::Event(event)),
            };
        }
    }

    /// The next output; `None` when the machine wants a chunk.
    #[inline]
    fn read(&mut self, time: &mut E::Time) -> Result<Option<E::Output>, Event> {
        match self.tally.meter().watch(|| self.engine.read(time)) {
            Ok(Answer::Input) => Ok(None),
            Ok(Answer::Output(output)) => Ok(Some(output)),
            Ok(Answer::Wait) => Err(Event::Resting),
            Ok(Answer::Done) => Err(Event::Done),
            Err(error) => Err(Event::Failed(error)),
        }
    }

    /// Hands chunks in and gives what comes of them, for as long as it can.
    #[inline]
    pub(super) fn pass<S: Source<Chunk = E::Input>, B>(
        &mut self,
        ask_at: u64,
        upstream: Pin<&mut S>,
        each: &mut impl FnMut(E::Output) -> ControlFlow<B, Option<E::Output>>,
        cx: &mut Context<'_>,
    ) -> Stop<B, E::Output> {
        // Counted here: it is a register then, whatever the machine does.
        let mut taken = self.tally.taken();
        let polled = upstream.poll_each(cx, |chunk| {
            taken += 1;
            let mut time = E::Time::default();
            let first = match self.tally.meter().watch(|| self.engine.offer(chunk, &mut time)) {
                Err(error) => return Break(Stop::Event(Event::Failed(error))),
                Ok(offer) if self.engine.is_done() => {
                    return Break(Stop::Satisfied(offer.output()));
                }
                Ok(Offer::Refused(chunk)) if taken < ask_at => return Continue(Some(chunk)),
                Ok(Offer::Refused(_)) => return Break(Stop::Swallowed),
                Ok(Offer::Taken(None)) if taken >= ask_at => return Break(Stop::Swallowed),
                Ok(Offer::Taken(first)) => first,
            };
            self.give(first, &mut time, each).map_continue(|()| None)
        });
        self.tally.set_taken(taken);
        match polled {
            Poll::Ready(Some(Ok(stop))) => stop,
            Poll::Ready(Some(Err(error))) => Stop::Event(Event::Broken(error)),
            Poll::Ready(None) => Stop::Event(Event::Ended),
            Poll::Pending => Stop::Event(Event::Idle),
        }
    }
}
