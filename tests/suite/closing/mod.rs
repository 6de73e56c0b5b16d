//! However a pipeline ends, every part of it is closed exactly once, in order, before it resolves.

mod aborts;
mod dropped;
mod failures;
mod keep_open;
mod late;
mod panics;
mod unasked;

use highwater_core::{Error, Joint, Pipeline, Readable, Report, Result, Source};

use crate::support::{Event, Log, Script, Step, run_woken};

/// Runs to the end; what must hold on every path is checked.
fn run(log: &Log, pipeline: Pipeline<impl Joint>) -> Result<Report> {
    let result = run_woken(pipeline.run()).expect("no wake-up is lost").output;
    check_closed(log, result.as_ref().err());
    result
}

/// The chain that most tests of this module run: a script, a stage that fails where told, and a stage that holds.
fn chain<F>(log: &Log, steps: &[Step], stage: F) -> Readable<impl Source<Chunk = u32> + use<F>>
where
    F: FnMut(u32) -> Result<u32>,
{
    let held = Script::new(log, steps.iter().copied()).readable().try_map(stage).chunks(2);
    held.flat_map(|group| group)
}

/// I22, I26, I47, N53, N126, N127 and rules 1 to 4 of `Destination`: what holds for every pipeline that has resolved.
fn check_closed(log: &Log, error: Option<&Error>) {
    let events = log.events();
    let seen = format!("{error:?}: {events:?}");
    assert_eq!(log.count(Event::SourceDropped), 1, "{seen}");
    assert_eq!(log.count(Event::DestinationDropped), 1, "{seen}");
    assert_eq!(log.count(Event::Open), 1, "{seen}");
    assert_eq!(log.count(Event::PollAfterEnd), 0, "{seen}");
    if let Some(poll) = log.position(Event::Poll) {
        let opened = log.position(Event::Completed);
        assert!(opened.is_some_and(|opened| opened < poll), "polled before it was open: {seen}");
    }
    let is_call = |event: &&Event| {
        matches!(event, Event::Write(_) | Event::Flush | Event::Finish | Event::Abort)
    };
    let last = if error.is_none() { Event::Finish } else { Event::Abort };
    assert_eq!(events.iter().rfind(is_call), Some(&last), "{seen}");
    assert_eq!(log.count(Event::Abort), usize::from(error.is_some()), "{seen}");
    assert!(log.count(Event::Finish) <= 1, "{seen}");
    // What the source holds is closed before the destination commits or undoes.
    assert!(log.position(Event::SourceDropped) < log.position(last), "{seen}");
}

/// C15, I49: what was written is flushed before the destination is aborted.
fn check_flushed(log: &Log) {
    let events = log.events();
    let written = events.iter().rposition(|event| matches!(event, Event::Write(_)));
    let flushed = events.iter().rposition(|event| *event == Event::Flush);
    assert!(flushed >= written, "what was written is not flushed: {events:?}");
}
