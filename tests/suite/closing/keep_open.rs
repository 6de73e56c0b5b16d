//! N132: a destination that is kept open is flushed, and neither finished nor aborted.
//!
//! It is flushed twice at the end: the second one, with nothing held back, waits until all has arrived.

use highwater_core::{CancellationToken, Error};

use crate::support::{
    Event, Log, Recorder, Step, Trouble, When, chunks_of, poll_once, run_woken, script,
};

/// On success, for several sources one after the other.
#[test]
fn on_success() {
    let log = Log::default();
    let mut recorder = Recorder::new(&log);
    for chunk in [1, 2] {
        let pipeline = script(&log, &chunks_of([chunk])).pipe_to(&mut recorder).keep_open();
        run_woken(pipeline.run()).unwrap().output.unwrap();
    }
    assert_eq!(log.calls(), "open, write 1, flush, open, write 2, flush");
    assert_eq!((log.count(Event::SourceDropped), log.count(Event::DestinationDropped)), (2, 0));
}

/// On a failure of the source or of a stage: what was written is flushed.
#[test]
fn on_a_failure_upstream() {
    let log = Log::default();
    let pipeline = script(&log, &[Step::Chunk(1), Step::Error]).pipe_to(Recorder::new(&log));
    run_woken(pipeline.keep_open().run()).unwrap().output.unwrap_err();
    assert_eq!(log.calls(), "open, write 1, flush");

    let log = Log::default();
    let refuse = |x| if x == 2 { Err(Error::msg("bad")) } else { Ok(x) };
    let source = script(&log, &chunks_of([1, 2])).try_map(refuse);
    let pipeline = source.pipe_to(Recorder::new(&log)).keep_open();
    run_woken(pipeline.run()).unwrap().output.unwrap_err();
    assert_eq!(log.calls(), "open, write 1, flush");
}

/// On a failure of its own at every call, and on a panic: it is left alone.
#[test]
fn on_its_own_failure() {
    for trouble in [Trouble::Error, Trouble::Panic] {
        for (k, calls) in ["open", "open, write 1", "open, write 1, flush"].iter().enumerate() {
            let log = Log::default();
            let recorder = Recorder::new(&log).with_trouble(When::Call(k), trouble);
            let pipeline = script(&log, &chunks_of([1])).pipe_to(recorder).keep_open();
            let error = run_woken(pipeline.run()).unwrap().output.unwrap_err();
            assert_eq!(error.stage(), Some("Recorder"));
            assert_eq!(log.calls(), *calls);
        }
    }
}

/// On an abort.
#[test]
fn on_an_abort() {
    let (log, token) = (Log::default(), CancellationToken::new());
    let pipeline = script(&log, &[Step::Chunk(1), Step::Forever]).pipe_to(Recorder::new(&log));
    let mut running = Box::pin(pipeline.keep_open().abort_on(token.clone()).run());
    assert!(poll_once(running.as_mut()).is_pending());
    token.cancel();
    assert!(run_woken(running).unwrap().output.unwrap_err().is_aborted());
    assert_eq!(log.calls(), "open, write 1, flush");
    assert_eq!((log.count(Event::SourceDropped), log.count(Event::DestinationDropped)), (1, 1));
}
