//! An error at the k-th operation of any part.

use highwater_core::{Error, Result};

use super::{chain, check_flushed, run};
use crate::support::{
    Blame, Event, Log, Op, Recorder, Step, Trouble, When, chunks_of, script, values,
};

/// Chunks 0 to 5 with a pause behind every second one.
fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for chunk in 0..6 {
        steps.push(Step::Chunk(chunk));
        if chunk % 2 == 1 {
            steps.push(Step::Pending);
        }
    }
    steps
}

/// C15, I49, F20, I47: the source fails at its k-th poll: all before is written, flushed, and then aborted.
#[test]
fn the_source_fails_at_every_poll() {
    for pends in 0..3 {
        for k in 0..=steps().len() {
            let mut steps = steps();
            steps.truncate(k);
            steps.push(Step::Error);
            let log = Log::default();
            let recorder = Recorder::new(&log).with_pends(pends);
            let error = run(&log, chain(&log, &steps, Ok).pipe_to(recorder)).unwrap_err();
            assert_eq!((error.stage(), error.suppressed().len()), (Some("script"), 0));
            assert_eq!(log.written(), values(&steps).collect::<Vec<_>>());
            assert_eq!(log.reasons(), ["source failed (in script)"]);
            check_flushed(&log);
        }
    }
}

/// N106, I49: a stage fails at its k-th chunk: the chunks before are written, also those that a later stage held.
/// Shows F20.
#[test]
fn a_stage_fails_at_every_chunk() {
    for bad in 0..6 {
        let log = Log::default();
        let refuse = move |x| if x == bad { Err(Error::msg("bad")) } else { Ok(x) };
        let pipeline = chain(&log, &steps(), refuse).pipe_to(Recorder::new(&log));
        let error = run(&log, pipeline).unwrap_err();
        assert_eq!((error.stage(), error.chunk()), (Some("try_map"), Some(u64::from(bad))));
        assert_eq!(log.written(), (0..bad).collect::<Vec<_>>());
        check_flushed(&log);
    }
}

/// N33, N35, N54, N130: the destination fails at its k-th call: nothing more is written, and it is aborted.
/// Shows F20, I27, I47.
#[test]
fn the_destination_fails_at_every_call() {
    let count = {
        let log = Log::default();
        run(&log, chain(&log, &steps(), Ok).pipe_to(Recorder::new(&log))).unwrap();
        log.calls().split(", ").count()
    };
    assert!(count > 9, "open, six writes, flushes, and finish");
    for pends in 0..3 {
        for k in 0..count {
            let log = Log::default();
            let recorder =
                Recorder::new(&log).with_pends(pends).with_trouble(When::Call(k), Trouble::Error);
            let error = run(&log, chain(&log, &steps(), Ok).pipe_to(recorder)).unwrap_err();
            assert_eq!(error.stage(), Some("Recorder"));
            assert!(Blame::of(&error).text.starts_with("destination failed at"));
            assert_eq!(log.calls().split(", ").count(), k + 2, "only the abort follows");
        }
    }
}

/// Every pair of calls fails: the first error is reported, the abort's is kept beside it.
#[test]
fn the_abort_fails_as_well() {
    for op in [Op::Open, Op::Write, Op::Flush, Op::Finish] {
        let log = Log::default();
        let recorder = Recorder::new(&log)
            .with_trouble(When::Every(op), Trouble::Error)
            .with_trouble(When::Every(Op::Abort), Trouble::Error);
        let error = run(&log, script(&log, &steps()).pipe_to(recorder)).unwrap_err();
        assert_eq!(Blame::of(&error).text, format!("destination failed at {op:?}"));
        assert_eq!(Blame::of(&error.suppressed()[0]).text, "destination failed at Abort");
    }
}

/// The exact order of a run that goes well, and of one that fails.
/// Shows I12, I27, I48.
#[test]
fn the_order_of_all_events() {
    use highwater_test::Event::{
        Completed, DestinationDropped, Finish, Flush, Open, Poll, SourceDropped, Write,
    };
    let log = Log::default();
    let steps = [Step::Chunk(1), Step::Pending, Step::Chunk(2)];
    run(&log, script(&log, &steps).pipe_to(Recorder::new(&log))).unwrap();
    let expected = [
        Open,
        Completed,
        Poll,
        Write(1),
        Completed,
        Poll,
        Flush,
        Completed,
        Poll,
        Write(2),
        Completed,
        Poll,
        SourceDropped,
        Finish,
        Completed,
        DestinationDropped,
    ];
    assert_eq!(log.events(), expected);

    let log = Log::default();
    let steps = [Step::Chunk(1), Step::Error];
    run(&log, script(&log, &steps).pipe_to(Recorder::new(&log))).unwrap_err();
    let expected = [
        Open,
        Completed,
        Poll,
        Write(1),
        Completed,
        Poll,
        SourceDropped,
        Flush,
        Completed,
        Event::Abort,
        Completed,
        DestinationDropped,
    ];
    assert_eq!(log.events(), expected);
}

/// C16, N127: it resolves only after the destination has closed, however long that takes.
#[test]
fn it_resolves_after_the_destination_has_closed() {
    let fail = |x| if x == 1 { Err(Error::msg("bad")) } else { Ok(x) };
    let stages: [fn(u32) -> Result<u32>; 2] = [Ok, fail];
    for stage in stages {
        let log = Log::default();
        let recorder = Recorder::new(&log).with_pends(20);
        let failed = run(&log, chain(&log, &chunks_of([0, 1]), stage).pipe_to(recorder)).is_err();
        let closing = if failed { Event::Abort } else { Event::Finish };
        let events = log.events();
        assert!(events.ends_with(&[closing, Event::Completed, Event::DestinationDropped]));
    }
}

/// N26, N73: a source without chunks opens and finishes; nothing is written, and nothing flushed.
#[test]
fn an_empty_source_opens_and_finishes() {
    let log = Log::default();
    run(&log, script(&log, &[]).pipe_to(Recorder::new(&log))).unwrap();
    assert_eq!(log.calls(), "open, finish");
}

/// Rule 3 of `Destination`: flush whenever no chunk is at hand, if something was written since; not between two that
/// are there, and not twice.
#[test]
fn it_flushes_when_the_source_is_idle() {
    let log = Log::default();
    let mut steps = vec![Step::Pending, Step::Chunk(1), Step::Chunk(2)];
    steps.extend([Step::Pending, Step::Pending, Step::Chunk(3), Step::Pending]);
    run(&log, script(&log, &steps).pipe_to(Recorder::new(&log))).unwrap();
    assert_eq!(log.calls(), "open, write 1, write 2, flush, write 3, flush, finish");
}

/// On the way out it is flushed once more, with nothing held back: that waits until all has arrived.
/// Shows I49.
#[test]
fn it_flushes_through_before_an_abort() {
    let log = Log::default();
    let steps = [Step::Chunk(1), Step::Pending, Step::Error];
    run(&log, script(&log, &steps).pipe_to(Recorder::new(&log))).unwrap_err();
    assert_eq!(log.calls(), "open, write 1, flush, flush, abort");
}
