//! What came out of a pipeline, compared with the same machine by hand.

use std::fmt::Debug;
use std::pin::pin;
use std::task::Poll;

use highwater_core::{Error, Readable, Result, Source};

use super::check::Place;
use crate::case::shorten;
use crate::{Event, Log, Outcome, Stall, poll_once};

/// What came out of a pipeline.
pub(super) struct Seen<O> {
    outputs: Vec<O>,
    error: Option<Error>,
    /// What came behind the end or the error.
    more: bool,
    /// How often the source was polled, and dropped, until the end was told.
    pub(super) source_polls: usize,
    source_dropped: usize,
    /// How many outputs there were when it was first seen to be gone.
    gone_at: Option<usize>,
    polled_after_end: usize,
    /// How often the reading was polled.
    pub(super) polls: usize,
}

pub(super) fn settle(stalls: &[Stall]) -> Result<(), String> {
    match stalls {
        [] => Ok(()),
        [Stall::LostWakeUp, ..] => Err("it could go on, and nobody woke it".to_owned()),
        _ => Err("it waits for something that never happens".to_owned()),
    }
}

impl<O> Seen<O> {
    pub(super) fn nothing() -> Self {
        Self {
            outputs: Vec::new(),
            error: None,
            more: false,
            source_polls: 0,
            source_dropped: 0,
            gone_at: None,
            polled_after_end: 0,
            polls: 0,
        }
    }

    pub(super) fn item<T>(&mut self, item: Result<O>, log: &Log<T>) {
        match item {
            Ok(output) => self.outputs.push(output),
            Err(error) => self.error = Some(error),
        }
        if self.gone_at.is_none() && log.ends_with(|event| matches!(event, Event::SourceDropped)) {
            self.gone_at = Some(self.outputs.len());
        }
    }

    /// The end was told: counts, and reads on.
    pub(super) fn end<T, S>(self, mut over: Readable<S>, log: &Log<T>) -> Self
    where
        S: Source<Chunk = O> + Unpin,
    {
        let count = |is: fn(&Event<T>) -> bool| log.count_where(is);
        let source_polls = count(|event| matches!(event, Event::Poll));
        let source_dropped = count(|event| matches!(event, Event::SourceDropped));
        let more = (0..3).any(|_| !matches!(poll_once(pin!(over.next())), Poll::Ready(None)));
        let polled_after_end = count(|event| matches!(event, Event::PollAfterEnd));
        Self { more, source_polls, source_dropped, polled_after_end, ..self }
    }
}

/// What came out must be what came out by hand.
pub(super) fn compare<O: PartialEq + Debug>(
    by_hand: &Outcome<O>,
    seen: &Seen<O>,
) -> Result<(), String> {
    if seen.outputs != by_hand.outputs {
        let (given, expected) = (shorten(&seen.outputs), shorten(&by_hand.outputs));
        return Err(format!("it gives {given}\n    where it gives {expected} by hand"));
    }
    match (&seen.error, &by_hand.error) {
        (None, None) => {}
        (Some(one), Some(two)) if Place::of(one) == Place::of(two) && text(one) == text(two) => {}
        (one, two) => return Err(format!("its error is {one:?}\n    where it is {two:?} by hand")),
    }
    if seen.more {
        return Err("something comes behind the end or the error".to_owned());
    }
    if seen.polled_after_end > 0 {
        return Err("the source was polled after its end".to_owned());
    }
    match seen.source_dropped {
        1 => Ok(()),
        count => Err(format!("the source was dropped {count} times when the end was told")),
    }
}

/// The reading was polled so often, and the source no more often than it takes, and no longer kept.
pub(super) fn polled<O>(
    seen: &Seen<O>,
    expected: usize,
    by_hand: &Outcome<O>,
) -> Result<(), String> {
    if seen.polls != expected {
        return Err(format!("it takes {} polls where {expected} are enough", seen.polls));
    }
    let pending = expected - 1;
    if by_hand.done && seen.source_polls - pending > by_hand.taken {
        return Err("the source was read on after the machine was done".to_owned());
    }
    match by_hand.stopped_at {
        Some(outputs) if by_hand.outputs.len() > outputs && seen.gone_at != Some(outputs + 1) => {
            Err("the source was kept after the machine was done".to_owned())
        }
        _ => Ok(()),
    }
}

/// The message, without the place that a pipeline adds.
fn text(error: &Error) -> String {
    error.to_string().split(" (").next().unwrap_or_default().to_owned()
}
