//! A machine in a pipeline that is read many chunks at a time.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::poll_fn;
use std::ops::ControlFlow::{Break, Continue};
use std::pin::{Pin, pin};
use std::task::Poll;

use highwater_core::{Source, Transform};

use super::check::check;
use super::seen::{Seen, compare, polled, settle};
use crate::{Cue, Log, Outcome, Script, Woken, poll_once};

/// Runs the cues so; it must come to what came of them by hand.
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
    check(format_args!("in a pipeline, many chunks at a time ({name})"), || {
        let seen = flowing(make(), cues.clone())?;
        compare(by_hand, &seen)?;
        polled(&seen, 1, by_hand)
    });
    check(format_args!("the same, `Pending` between the chunks ({name})"), || {
        compare(by_hand, &flowing(make(), paused())?)
    });
    check(format_args!("the same, with each output given back ({name})"), || {
        giving_back(make(), cues.clone(), by_hand, usize::MAX)
    });
    check(format_args!("the same, broken off again and again ({name})"), || {
        giving_back(make(), cues.clone(), by_hand, 1)?;
        giving_back(make(), paused(), by_hand, 3)
    });
}

/// Reads all of it at a time, on an executor that polls only what was woken.
fn flowing<M: Transform>(
    machine: M,
    cues: impl Iterator<Item = Cue<M::Input>>,
) -> Result<Seen<M::Output>, String> {
    let log = Log::default();
    let mut readable = Script::new(&log, cues).readable().pipe(machine);
    let mut tasks = Woken::new();
    let reading = tasks.spawn(async {
        let mut seen = Seen::nothing();
        let failed = poll_fn(|cx| {
            Pin::new(&mut readable).poll_each(cx, |output| {
                seen.item(Ok(output), &log);
                Continue::<Infallible, _>(None)
            })
        });
        if let Some(Err(error)) = failed.await {
            seen.item(Err(error), &log);
        }
        seen.end(readable, &log)
    });
    settle(&tasks.run_until_idle())?;
    let mut seen = reading.take().ok_or("it did not come to an end")?;
    seen.polls = reading.polls();
    Ok(seen)
}

/// Gives each output back once it was looked at, and breaks off behind every `run` of them.
fn giving_back<M: Transform>(
    machine: M,
    cues: impl Iterator<Item = Cue<M::Input>>,
    by_hand: &Outcome<M::Output>,
    run: usize,
) -> Result<(), String>
where
    M::Output: PartialEq + Debug,
{
    let expected = &by_hand.outputs;
    let mut readable = Script::new(&Log::default(), cues).readable().pipe(machine);
    let mut index = 0;
    loop {
        let polled = poll_once(pin!(poll_fn(|cx| {
            Pin::new(&mut readable).poll_each(cx, |output| {
                let due = expected.get(index);
                if due != Some(&output) {
                    return Break(Err(format!("it gives {output:?}\n    where {due:?} is due")));
                }
                index += 1;
                if index % run == 0 { Break(Ok(())) } else { Continue(Some(output)) }
            })
        })));
        match polled {
            Poll::Pending | Poll::Ready(Some(Ok(Ok(())))) => {}
            Poll::Ready(Some(Ok(Err(why)))) => return Err(why),
            Poll::Ready(end) => {
                if index != expected.len() {
                    return Err(format!("it ends after {index} of {} outputs", expected.len()));
                }
                let failed = end.is_some();
                if failed != by_hand.error.is_some() {
                    return Err(format!("it fails: {failed}, which by hand is not so"));
                }
                return Ok(());
            }
        }
    }
}
