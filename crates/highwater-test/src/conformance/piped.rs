//! A machine in a pipeline: the one driver, and what a source and an executor may do to it.

use std::fmt::Debug;
use std::future::ready;
use std::pin::Pin;

use highwater_core::Transform;

use super::check::{check, same_error};
use super::reading::{Polls, Reading, read, run, settle, stays_over};
use crate::case::shorten;
use crate::cuts::points;
use crate::{Cue, Event, Log, Outcome, Script, Woken, drop_at_poll};

/// What was seen of a pipeline that gave what it should.
struct Seen {
    /// How often the source was polled.
    source_polls: usize,
    /// How many outputs there were when the source was first seen to be gone.
    gone_at: Option<usize>,
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
    let steady = || cues.clone().collect();
    let paused =
        || cues.clone().flat_map(|cue| [Cue::Pending, cue]).chain([Cue::Pending]).collect();
    // Each pause is one poll: several in a row are what a machine sees of polls for no reason.
    let idle = || {
        let pauses = || (0..12).map(|_| Cue::Pending);
        cues.clone().flat_map(|cue| pauses().chain([cue])).chain(pauses()).collect()
    };
    let read = |cues, way, polls| reads_as_by_hand(make(), cues, by_hand, way, polls);
    let all = Reading::Each { run: usize::MAX, gives_back: false };
    for (way, what) in
        [(Reading::Next, "in a pipeline"), (all, "in a pipeline, many chunks at a time")]
    {
        check(format_args!("{what} ({name})"), || {
            let (seen, polls) = read(steady(), way, Polls::Woken)?;
            polled(&seen, polls, 1, by_hand)
        });
        check(format_args!("{what}, `Pending` between the chunks ({name})"), || {
            let (seen, polls) = read(paused(), way, Polls::Woken)?;
            // Every other poll of the source is pending.
            polled(&seen, polls, 1 + seen.source_polls.div_ceil(2), by_hand)
        });
        check(format_args!("{what}, with polls for no reason ({name})"), || {
            read(idle(), way, Polls::Spurious).map(drop)
        });
    }
    check(format_args!("in a pipeline, each `next` dropped while it waits ({name})"), || {
        read(paused(), Reading::Next, Polls::Unwoken).map(drop)
    });
    check(format_args!("in a pipeline, with each output given back ({name})"), || {
        let giving_back = Reading::Each { run: usize::MAX, gives_back: true };
        read(steady(), giving_back, Polls::Woken).map(drop)
    });
    check(format_args!("in a pipeline, broken off again and again ({name})"), || {
        read(steady(), Reading::Each { run: 1, gives_back: true }, Polls::Woken)?;
        read(paused(), Reading::Each { run: 3, gives_back: true }, Polls::Unwoken)?;
        read(paused(), Reading::InTurns, Polls::Woken).map(drop)
    });
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

/// Reads so, and says how often it was polled for that.
fn reads_as_by_hand<M>(
    machine: M,
    cues: Vec<Cue<M::Input>>,
    by_hand: &Outcome<M::Output>,
    way: Reading,
    polls: Polls,
) -> Result<(Seen, usize), String>
where
    M: Transform,
    M::Output: PartialEq + Debug,
{
    let log = Log::default();
    let count = |is: fn(&Event<M::Input>) -> bool| log.count_where(is);
    let mut readable = Script::new(&log, cues).readable().pipe(machine);
    let reading = async {
        let (mut given, mut gone_at) = (0, None);
        let take = |output| {
            let due = by_hand.outputs.get(given);
            if due != Some(&output) {
                let (output, due) = (shorten(&output), shorten(&due));
                return Err(format!("output {given} is {output}\n    where it is {due} by hand"));
            }
            given += 1;
            if gone_at.is_none() && log.ends_with(|event| matches!(event, Event::SourceDropped)) {
                gone_at = Some(given);
            }
            Ok(Some(output))
        };
        let error = read(Pin::new(&mut readable), way, take).await?;
        if given < by_hand.outputs.len() {
            return Err(format!("it ends after {given} of {} outputs", by_hand.outputs.len()));
        }
        same_error(error.as_ref(), by_hand.error.as_ref())?;
        let dropped = count(|event| matches!(event, Event::SourceDropped));
        if dropped != 1 {
            return Err(format!("the source was dropped {dropped} times when the end was told"));
        }
        let source_polls = count(|event| matches!(event, Event::Poll));
        stays_over(Pin::new(&mut readable))?;
        if count(|event| matches!(event, Event::PollAfterEnd)) > 0 {
            return Err("the source was polled after its end".to_owned());
        }
        Ok(Seen { source_polls, gone_at })
    };
    let (seen, polls) = run(polls, reading, ready(()))?;
    Ok((seen?, polls))
}

/// The reading was polled so often, and the source no more often than it takes, and no longer kept.
fn polled<O>(
    seen: &Seen,
    polls: usize,
    expected: usize,
    by_hand: &Outcome<O>,
) -> Result<(), String> {
    if polls != expected {
        return Err(format!("it takes {polls} polls where {expected} are enough"));
    }
    if by_hand.done && seen.source_polls - (expected - 1) > by_hand.taken {
        return Err("the source was read on after the machine was done".to_owned());
    }
    match by_hand.stopped_at {
        Some(outputs) if by_hand.outputs.len() > outputs && seen.gone_at != Some(outputs + 1) => {
            Err("the source was kept after the machine was done".to_owned())
        }
        _ => Ok(()),
    }
}
