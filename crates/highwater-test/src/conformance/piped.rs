//! A machine in a pipeline: the one driver, and what a source and an executor may do to it.

use std::fmt::Debug;
use std::pin::pin;
use std::task::Poll;

use highwater_core::{Error, Readable, Result, Source, Transform};

use super::transform::points;
use super::{Place, check, each};
use crate::case::shorten;
use crate::{Cue, Event, Log, Outcome, Script, Stall, Woken, drop_at_poll, poll_once};

/// What came out of a pipeline.
pub(super) struct Seen<O> {
    outputs: Vec<O>,
    error: Option<Error>,
    /// What came behind the end or the error.
    more: bool,
    /// How often the source was polled, and dropped, until the end was told.
    source_polls: usize,
    source_dropped: usize,
    /// How many outputs there were when it was first seen to be gone.
    gone_at: Option<usize>,
    polled_after_end: usize,
    /// How often the reading was polled.
    pub(super) polls: usize,
}

/// Runs the cues in several ways; each must come to what came of them by hand.
#[track_caller]
pub(super) fn check_all<M>(
    make: &dyn Fn() -> M,
    cues: impl Iterator<Item = Cue<M::Input>> + Clone,
    by_hand: &Outcome<M::Output>,
    name: &str,
) where
    M: Transform,
    M::Output: PartialEq + Debug,
{
    let paused = || cues.clone().flat_map(|cue| [Cue::Pending, cue]).chain([Cue::Pending]);
    check(format_args!("in a pipeline ({name})"), || {
        let seen = woken(make(), cues.clone(), None)?;
        compare(by_hand, &seen)?;
        polled(&seen, 1, by_hand)
    });
    check(format_args!("in a pipeline, `Pending` between the chunks ({name})"), || {
        let seen = woken(make(), paused(), None)?;
        compare(by_hand, &seen)?;
        // Every other poll of the source is pending.
        polled(&seen, 1 + seen.source_polls.div_ceil(2), by_hand)
    });
    check(format_args!("in a pipeline, with polls for no reason ({name})"), || {
        // Each pause is one poll: several in a row are what a machine sees of such polls.
        let idle = || (0..12).map(|_| Cue::Pending);
        let cues = cues.clone().flat_map(|cue| idle().chain([cue])).chain(idle());
        compare(by_hand, &woken(make(), cues, Some(2))?)
    });
    check(format_args!("in a pipeline, each `next` dropped while it waits ({name})"), || {
        compare(by_hand, &dropping(make(), paused()))
    });
    each::check_all(make, cues, by_hand, name);
}

/// Drops the whole of it at each of its polls.
#[track_caller]
pub(super) fn check_drops<M: Transform>(
    make: &dyn Fn() -> M,
    cues: impl Iterator<Item = Cue<M::Input>> + Clone,
    name: &str,
) {
    let paused = || cues.clone().flat_map(|cue| [Cue::Pending, cue]);
    for k in points(cues.clone().count() + 1).filter(|k| *k > 0) {
        check(format_args!("a pipeline dropped at its poll {k} ({name})"), || {
            let log = Log::default();
            let mut readable = Script::new(&log, paused()).readable().pipe(make());
            let reading = async move { while readable.next().await.is_some() {} };
            let mut tasks = Woken::new();
            tasks.spawn(drop_at_poll(k, reading));
            settle(&tasks.run_until_idle())?;
            match log.count_where(|event| matches!(event, Event::SourceDropped)) {
                1 => Ok(()),
                count => Err(format!("the source was dropped {count} times")),
            }
        });
    }
}

/// Reads on an executor that polls only what was woken, with so many polls for no reason.
fn woken<M: Transform>(
    machine: M,
    cues: impl Iterator<Item = Cue<M::Input>>,
    spurious: Option<usize>,
) -> Result<Seen<M::Output>, String> {
    let log = Log::default();
    let mut readable = Script::new(&log, cues).readable().pipe(machine);
    let mut tasks = match spurious {
        None => Woken::new(),
        Some(polls) => Woken::new().with_spurious(polls).swapping_wakers(),
    };
    let reading = tasks.spawn(async {
        let mut seen = Seen::nothing();
        while let Some(item) = readable.next().await {
            seen.item(item, &log);
        }
        seen.end(readable, &log)
    });
    settle(&tasks.run_until_idle())?;
    let seen = reading.take().ok_or("it did not come to an end")?;
    Ok(Seen { polls: reading.polls(), ..seen })
}

/// Reads with a new `next` for every poll.
fn dropping<M: Transform>(
    machine: M,
    cues: impl Iterator<Item = Cue<M::Input>>,
) -> Seen<M::Output> {
    let log = Log::default();
    let mut readable = Script::new(&log, cues).readable().pipe(machine);
    let mut seen = Seen::nothing();
    loop {
        match poll_once(pin!(readable.next())) {
            Poll::Pending => {}
            Poll::Ready(Some(item)) => seen.item(item, &log),
            Poll::Ready(None) => return seen.end(readable, &log),
        }
    }
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
