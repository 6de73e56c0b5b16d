//! A panic of user code at the k-th operation is an error like any other.

use highwater_core::{Error, Readable, Source};

use super::{chain, run};
use crate::support::{
    Behaviour, Blame, Log, Op, Point, Recorder, Script, Step, Trouble, When, chunks_of, pend,
    poll_once, run_woken, script,
};

/// I54, I47: the source panics at its k-th poll: its name, and the destination is aborted.
#[test]
fn the_source_panics_at_every_poll() {
    for k in 0..5 {
        let mut steps = chunks_of(0..k);
        steps.push(Step::Panic);
        let log = Log::default();
        let error = run(&log, script(&log, &steps).pipe_to(Recorder::new(&log))).unwrap_err();
        assert!(error.is_panic());
        assert_eq!(
            (error.stage(), error.to_string().as_str()),
            (Some("script"), "panicked: source panicked (in script)")
        );
        assert_eq!(log.written(), (0..k).collect::<Vec<_>>());
    }
}

/// I54, N109, F27: a stage panics at its k-th chunk: the name of that stage, not of its neighbours.
#[test]
fn a_stage_panics_at_every_chunk() {
    for bad in 0..6 {
        let log = Log::default();
        let source = chain(&log, &chunks_of(0..6), move |x| {
            assert_ne!(x, bad, "no such chunk");
            Ok(x)
        });
        let error = run(&log, source.pipe_to(Recorder::new(&log))).unwrap_err();
        assert!(error.is_panic());
        assert_eq!(error.stage(), Some("try_map"));
    }
}

/// A machine panics in any of its calls, between two others.
/// Shows F27, I54.
#[test]
fn a_machine_panics_in_every_call() {
    let fails = [Step::Chunk(1), Step::Error];
    let points = [Point::Write(1), Point::Given(1), Point::End, Point::Release];
    for point in points {
        let steps = if point == Point::Release { fails.to_vec() } else { chunks_of(0..3) };
        let trouble = Some((point, Trouble::Panic));
        let does = Behaviour { copies: 2, trouble, ..Behaviour::PLAIN };
        let log = Log::default();
        let source = script(&log, &steps).map(|x| x).pipe(does.machine("hostile")).map(|x| x);
        let error = run(&log, source.pipe_to(Recorder::new(&log))).unwrap_err();
        assert!(error.is_panic(), "{point:?}");
        assert_eq!(error.stage(), Some("hostile"), "{point:?}");
    }
}

/// The closure of `then`, its future, and the future of `take_until` belong to their stages.
#[test]
fn a_future_of_a_stage_panics() {
    let source = |log: &Log| script(log, &chunks_of(0..3)).map(|x| x);
    let log = Log::default();
    let future = source(&log).then(|x| async move {
        pend(1).await;
        assert_ne!(x, 1);
        Ok(x)
    });
    let error = run(&log, future.map(|x| x).pipe_to(Recorder::new(&log))).unwrap_err();
    assert_eq!((error.is_panic(), error.stage()), (true, Some("then")));
    let log = Log::default();
    let closure = source(&log).then(|x| {
        assert_ne!(x, 1);
        std::future::ready(Ok(x))
    });
    let error = run(&log, closure.map(|x| x).pipe_to(Recorder::new(&log))).unwrap_err();
    assert_eq!((error.is_panic(), error.stage()), (true, Some("then")));
}

/// The same for the future of `take_until`.
#[test]
fn the_future_of_take_until_panics() {
    let log = Log::default();
    let until = source_until(&log).map(|x| x);
    let error = run(&log, until.pipe_to(Recorder::new(&log))).unwrap_err();
    assert_eq!((error.is_panic(), error.stage()), (true, Some("take_until")));
}

fn source_until(log: &Log) -> Readable<impl Source<Chunk = u32>> {
    script(log, &chunks_of(0..3)).take_until(async {
        pend(1).await;
        panic!("no more of that");
    })
}

/// I54: the destination panics at its k-th call: its name, and it is still aborted.
#[test]
fn the_destination_panics_at_every_call() {
    let steps = [Step::Chunk(0), Step::Pending, Step::Chunk(1)];
    for pends in 0..2 {
        // open, write, flush, write, finish
        for k in 0..5 {
            let log = Log::default();
            let recorder =
                Recorder::new(&log).with_pends(pends).with_trouble(When::Call(k), Trouble::Panic);
            let source = script(&log, &steps).map(|x| x);
            let error = run(&log, source.pipe_to(recorder)).unwrap_err();
            assert!(error.is_panic(), "{k}");
            assert_eq!(error.stage(), Some("Recorder"), "{k}");
        }
    }
}

/// A panic of the abort itself, and of the flush before it, is kept beside the error that led there.
#[test]
fn a_panic_on_the_way_out_is_suppressed() {
    for op in [Op::Flush, Op::Abort] {
        let log = Log::default();
        let recorder = Recorder::new(&log).with_trouble(When::Every(op), Trouble::Panic);
        let steps = [Step::Chunk(1), Step::Error];
        let error = run(&log, script(&log, &steps).pipe_to(recorder)).unwrap_err();
        assert_eq!(Blame::of(&error).text, "source failed");
        let later = &error.suppressed()[0];
        assert_eq!((later.is_panic(), later.stage()), (true, Some("Recorder")));
    }
}

/// I36: a source that panics when it is dropped, at its end.
#[test]
fn a_panic_in_drop_of_the_source_at_its_end() {
    let log = Log::default();
    let source = Script::new(&log, chunks_of([1])).panics_on_drop().readable();
    let error = run(&log, source.pipe_to(Recorder::new(&log))).unwrap_err();
    assert_eq!((error.is_panic(), error.stage()), (true, Some("script")));
    assert_eq!(log.calls(), "open, write 1, abort");
}

/// The same where a stage drops it: the stage is not to blame.
#[test]
fn a_panic_in_drop_of_the_source_inside_a_stage() {
    let log = Log::default();
    let source = Script::new(&log, chunks_of(0..9)).panics_on_drop().readable().take(1);
    let error = run(&log, source.pipe_to(Recorder::new(&log))).unwrap_err();
    assert_eq!((error.is_panic(), error.stage()), (true, Some("script")));
}

/// I25: the same after a failure: the failure is reported, the panic is kept beside it.
#[test]
fn a_panic_in_drop_of_the_source_after_a_failure_is_suppressed() {
    let log = Log::default();
    let source = Script::new(&log, [Step::Chunk(1), Step::Error]).panics_on_drop().readable();
    let error = run(&log, source.pipe_to(Recorder::new(&log))).unwrap_err();
    assert_eq!(Blame::of(&error).text, "source failed");
    let later = error.suppressed().first().map(|later| (later.is_panic(), later.stage()));
    assert_eq!(later, Some((true, Some("script"))));
}

/// The same for a pipeline that never starts, because its token was cancelled before.
#[test]
fn a_panic_in_drop_of_the_source_of_a_pipeline_that_never_starts() {
    let log = Log::default();
    let token = highwater_core::CancellationToken::new();
    token.cancel();
    let source = Script::new(&log, []).panics_on_drop().readable();
    let pipeline = source.pipe_to(Recorder::new(&log)).abort_on(token);
    let error: Error = run_woken(pipeline.run()).unwrap().output.unwrap_err();
    assert!(error.is_panic() && error.suppressed()[0].is_aborted());
}

/// I54: a future that has panicked is not polled again, and a readable outside of a pipeline lets the panic through.
#[test]
fn without_a_pipeline_a_panic_passes() {
    let mut readable = script(&Log::default(), &[Step::Panic]).map(|x| x);
    let poll = || poll_once(std::pin::pin!(readable.next())).is_ready();
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"source panicked"));
}
