//! A token fired at the k-th poll, and a pipeline dropped at its k-th poll.

use std::task::Poll;

use highwater_core::{CancellationToken, Joint, Pipeline};

use super::{chain, check_closed};
use crate::support::{
    Blame, Event, Log, Op, Recorder, Step, Trouble, When, chunks_of, poll_once, run_woken, script,
};

/// A pipeline that is pending in all its parts.
fn slow(log: &Log) -> Pipeline<impl Joint + use<>> {
    let steps = [Step::Chunk(1), Step::Pending, Step::Chunk(2), Step::Pending, Step::Chunk(3)];
    chain(log, &steps, Ok).pipe_to(Recorder::new(log).with_pends(2))
}

/// The polls that `slow` takes when it is let alone.
fn polls() -> usize {
    run_woken(slow(&Log::default()).run()).expect("no wake-up is lost").polls
}

/// N135, I45, I47: the token fires before the k-th poll: the destination is aborted, and nothing is written after it.
#[test]
fn a_token_fires_at_every_poll() {
    assert!(polls() > 12);
    for k in 1..polls() {
        let (log, token) = (Log::default(), CancellationToken::new());
        let mut running = Box::pin(slow(&log).abort_on(token.clone()).run());
        for _ in 0..k {
            assert!(poll_once(running.as_mut()).is_pending());
        }
        token.cancel();
        let calls = log.calls();
        let error = run_woken(running).unwrap().output.unwrap_err();
        assert!(error.is_aborted() && error.suppressed().is_empty(), "{error:?}");
        check_closed(&log, Some(&error));
        assert_eq!(log.calls(), format!("{calls}, abort"), "at poll {k}");
        assert_eq!(log.reasons(), ["aborted"]);
    }
}

/// N136: a token that is cancelled before starts nothing: not even the destination is opened.
#[test]
fn a_cancelled_token_starts_nothing() {
    let (log, token) = (Log::default(), CancellationToken::new());
    token.cancel();
    let pipeline = slow(&log).abort_on(token);
    let error = run_woken(pipeline.run()).unwrap().output.unwrap_err();
    assert!(error.is_aborted());
    assert_eq!(log.events(), [Event::SourceDropped, Event::DestinationDropped]);
}

/// N56, N135: a token that is cancelled after the end changes nothing.
#[test]
fn a_token_cancelled_after_the_end_does_nothing() {
    let (log, token) = (Log::default(), CancellationToken::new());
    let result = run_woken(slow(&log).abort_on(token.clone()).run()).unwrap().output;
    let events = log.events();
    token.cancel();
    assert_eq!(result.unwrap().chunks_out(), 3);
    assert_eq!(log.events(), events);
    check_closed(&log, None);
}

/// I45: a token that fires while the destination is already aborted for an error does not cut the abort short.
#[test]
fn a_token_does_not_interrupt_an_abort() {
    let (log, token) = (Log::default(), CancellationToken::new());
    let source = script(&log, &[Step::Error]);
    let pipeline = source.pipe_to(Recorder::new(&log).with_pends(3)).abort_on(token.clone());
    let mut running = Box::pin(pipeline.run());
    while log.count(Event::Abort) == 0 {
        assert!(poll_once(running.as_mut()).is_pending());
    }
    token.cancel();
    let error = run_woken(running).unwrap().output.unwrap_err();
    assert_eq!(Blame::of(&error).text, "source failed");
    assert!(log.events().ends_with(&[Event::Abort, Event::Completed, Event::DestinationDropped]));
}

/// A9, I25: what goes wrong in undoing is a real error, and the abort is suppressed in it.
#[test]
fn an_abort_does_not_hide_what_goes_wrong_in_undoing() {
    for trouble in [Trouble::Error, Trouble::Panic] {
        let (log, token) = (Log::default(), CancellationToken::new());
        let recorder = Recorder::new(&log).with_trouble(When::Every(Op::Abort), trouble);
        let pipeline = script(&log, &[Step::Forever]).pipe_to(recorder).abort_on(token.clone());
        let mut running = Box::pin(pipeline.run());
        assert!(poll_once(running.as_mut()).is_pending());
        token.cancel();
        let error = run_woken(running).unwrap().output.unwrap_err();
        assert_eq!(error.is_panic(), trouble == Trouble::Panic, "{error:?}");
        assert!(!error.is_aborted() && error.suppressed()[0].is_aborted(), "{error:?}");
    }
}

/// I47, rule 5 of `Destination`: a pipeline dropped at its k-th poll drops source and destination, once, and calls
/// neither again.
/// Shows F19, I46.
#[test]
fn dropped_at_every_poll() {
    for k in 0..polls() {
        let log = Log::default();
        let mut running = Box::pin(slow(&log).run());
        for _ in 0..k {
            assert!(poll_once(running.as_mut()).is_pending());
        }
        let calls = log.calls();
        drop(running);
        assert_eq!(log.calls(), calls, "at poll {k}");
        assert_eq!(log.count(Event::Abort), 0);
        assert_eq!(log.count(Event::SourceDropped), 1, "at poll {k}");
        assert_eq!(log.count(Event::DestinationDropped), 1, "at poll {k}");
    }
}

/// N134: a stage that wants no more ends the pipeline well, though the source is open.
#[test]
fn a_stage_that_stops_early_is_a_success() {
    let log = Log::default();
    let mut steps = chunks_of([1, 2]);
    steps.push(Step::Forever);
    let pipeline = script(&log, &steps).take(2).pipe_to(Recorder::new(&log));
    let Poll::Ready(result) = poll_once(std::pin::pin!(pipeline.run())) else {
        panic!("it waits for a source that it does not need")
    };
    assert_eq!(result.unwrap().chunks_out(), 2);
    check_closed(&log, None);
    assert_eq!(log.calls(), "open, write 1, write 2, finish");
}
