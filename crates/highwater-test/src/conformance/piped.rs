//! A machine in a pipeline: the one driver, and what a source and an executor may do to it.

use std::fmt::Debug;
use std::pin::pin;
use std::task::Poll;

use highwater_core::Transform;

use super::check::check;
use super::each;
use super::seen::{Seen, compare, polled, settle};
use crate::cuts::points;
use crate::{Cue, Event, Log, Outcome, Script, Woken, drop_at_poll, poll_once};

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
    let mut seen = reading.take().ok_or("it did not come to an end")?;
    seen.polls = reading.polls();
    Ok(seen)
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
