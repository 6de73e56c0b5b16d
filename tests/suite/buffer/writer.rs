//! The writer task: when its destination fails, is destroyed, or is the end of a pipeline.

use std::pin::pin;

use futures::FutureExt;
use highwater_core::observe::Event;
use highwater_core::{
    CancellationToken, Control, Destination, Error, HighWaterMark, Readable, Result, Writable,
    pass_through,
};
use highwater_test::{Demand, Log, Op, Recorder, Trouble, When, poll_once};

use super::made::settle;
use crate::support;

/// A recorder whose `finish` and `abort` end when the test says so.
struct Slow {
    recorder: Recorder<u32>,
    finish: Demand,
    abort: Demand,
}

impl Slow {
    fn new(recorder: Recorder<u32>) -> Self {
        Self { recorder, finish: Demand::new(), abort: Demand::new() }
    }
}

impl Destination for Slow {
    type Chunk = u32;

    async fn write(&mut self, chunk: u32) -> Result<()> {
        self.recorder.write(chunk).await
    }

    async fn flush(&mut self) -> Result<()> {
        self.recorder.flush().await
    }

    async fn finish(&mut self) -> Result<()> {
        let result = self.recorder.finish().await;
        self.finish.take().await;
        result
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        let result = self.recorder.abort(error).await;
        self.abort.take().await;
        result
    }
}

fn items<T>(high: usize) -> HighWaterMark<T> {
    HighWaterMark::items(high)
}

/// Two chunks, then "broken".
fn broken() -> Readable<impl highwater_core::Source<Chunk = u32> + Unpin> {
    Readable::from_iter(0..3).try_map(|n| if n < 2 { Ok(n) } else { Err(Error::msg("broken")) })
}

fn is(error: &Error, message: &str) -> bool {
    error.to_string().starts_with(message)
}

fn is_closed(log: &Log<u32>) -> bool {
    log.events().last() == Some(&support::Event::DestinationDropped)
}

/// I29, N45, N49: a destination that finishes is aborted, whoever destroys it.
#[tokio::test]
async fn a_destroy_during_the_finish_aborts_the_destination() {
    type By = fn(Writable<u32>, &Control);
    let by: [By; 2] = [
        |writable, _| writable.destroy(Error::msg("enough")),
        |writable, control| {
            drop(writable);
            control.destroy(Error::msg("enough"));
        },
    ];
    for destroy in by {
        let log = Log::default();
        let slow = Slow::new(Recorder::new(&log));
        slow.abort.allow(1);
        let writable = Writable::new(slow, items(4));
        let control = writable.control();
        writable.send(1).await.unwrap();
        writable.end();
        settle().await;
        assert_eq!(log.calls(), "write 1, finish");
        let other = writable.clone();
        destroy(writable, &control);
        assert!(other.is_destroyed() && is(&other.error().unwrap(), "enough"));
        settle().await;
        let error = control.finished().now_or_never().expect("it is closed").unwrap_err();
        assert!(is(&error, "enough"));
        assert_eq!(log.calls(), "write 1, finish, abort");
        assert!(is(&Error::msg(log.reasons()[0].clone()), "enough") && is_closed(&log));
    }
}

/// N126, N127, I46: an aborted pipeline aborts what its `Writable` writes to, and resolves when that is closed.
#[tokio::test]
async fn an_aborted_pipeline_aborts_the_destination_behind_a_writable() {
    let log = Log::default();
    let slow = Slow::new(Recorder::new(&log));
    let (abort, token) = (slow.abort.clone(), CancellationToken::new());
    let writable = Writable::new(slow, items(4));
    let running = Readable::from_iter(0..2).pipe_to(writable).abort_on(token.clone()).spawn();
    settle().await;
    assert_eq!(log.calls(), "write 0, write 1, finish");
    token.cancel();
    settle().await;
    assert_eq!(log.calls(), "write 0, write 1, finish, abort");
    assert!(running.finished().now_or_never().is_none(), "it is not closed yet");
    abort.allow(1);
    assert!(running.join().await.unwrap_err().is_aborted());
    assert!(is_closed(&log));
}

/// What has finished is told as it is, though it was destroyed meanwhile.
#[tokio::test]
async fn a_destination_that_finishes_in_spite_of_a_destroy_has_finished() {
    struct Finishes(Demand, Demand);
    impl Destination for Finishes {
        type Chunk = u32;

        async fn write(&mut self, _: u32) -> Result<()> {
            Ok(())
        }

        async fn finish(&mut self) -> Result<()> {
            self.0.take().await;
            // The test destroys it here.
            self.1.allow(1);
            Ok(())
        }
    }
    let (go, committed) = (Demand::new(), Demand::new());
    let writable = Writable::new(Finishes(go.clone(), committed.clone()), items(4));
    let control = writable.control();
    let mut events = control.events();
    writable.end();
    settle().await;
    go.allow(1);
    // The writer task has not run since: it sees the end of its destination and the destroy at once.
    let destroyed = async {
        committed.take().await;
        control.destroy(None);
    };
    tokio::join!(destroyed, async { drop(writable.finished().await) });
    assert!(writable.finished().await.is_ok() && writable.is_finished());
    let mut last = None;
    while let Some(event) = events.next().await {
        if !matches!(event, Event::Close) {
            last = Some(event);
        }
    }
    assert!(matches!(last, Some(Event::Finish)), "{last:?}");
}

/// A commit that cannot be stopped any more: the abort waits for it.
struct Commits(Demand);

impl Destination for Commits {
    type Chunk = u32;

    async fn write(&mut self, _: u32) -> Result<()> {
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        std::future::pending().await
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.0.take().await;
        Err(Error::committed())
    }
}

#[tokio::test]
async fn a_commit_that_cannot_be_stopped_is_told_as_it_is() {
    let committed = Demand::new();
    let writable = Writable::new(Commits(committed.clone()), items(4));
    writable.end();
    settle().await;
    writable.destroy(Error::msg("enough"));
    settle().await;
    assert!(writable.finished().now_or_never().is_none(), "it is not known yet");
    committed.allow(1);
    writable.finished().await.unwrap();
    assert!(writable.is_finished() && writable.error().is_none());

    let (committed, token) = (Demand::new(), CancellationToken::new());
    let writable = Writable::new(Commits(committed.clone()), items(4));
    let running = Readable::from_iter(0..2).pipe_to(writable).abort_on(token.clone()).spawn();
    settle().await;
    token.cancel();
    settle().await;
    committed.allow(1);
    assert_eq!(running.join().await.unwrap().chunks_out(), 2);
}

/// A3, A7, I2: what was written before an error upstream is written and flushed, and then the destination is aborted.
#[tokio::test]
async fn chunks_before_an_error_of_the_source_are_written_before_the_abort() {
    let log = Log::default();
    let slow = Slow::new(Recorder::new(&log).with_pends(3));
    let abort = slow.abort.clone();
    let mut piped = Box::pin(broken().pipe_to(Writable::new(slow, items(4))).run());
    for _ in 0..20 {
        assert!(poll_once(piped.as_mut()).is_pending());
        settle().await;
    }
    assert_eq!(log.calls(), "write 0, write 1, flush, abort");
    abort.allow(1);
    let error = piped.await.unwrap_err();
    assert!(is(&error, "broken") && log.reasons()[0].starts_with("broken"), "{error}");
    assert!(is_closed(&log));

    let (writable, mut readable) = pass_through(items(4));
    assert!(is(&broken().pipe_to(writable).run().await.unwrap_err(), "broken"));
    for n in 0..2 {
        assert_eq!(readable.next().await.unwrap().unwrap(), n);
    }
    assert!(is(&readable.next().await.unwrap().unwrap_err(), "broken"));
}

/// A pipeline resolves when the destination behind its `Writable` is closed, also if that is the one that fails.
#[tokio::test]
async fn a_pipeline_waits_until_a_failed_destination_behind_a_writable_is_closed() {
    for op in [Op::Write, Op::Finish] {
        let log = Log::default();
        let recorder = Recorder::new(&log).with_trouble(When::Every(op), Trouble::Error);
        let slow = Slow::new(recorder);
        slow.finish.allow(1);
        let abort = slow.abort.clone();
        let running = Readable::from_iter(0..9).pipe_to(Writable::new(slow, items(1))).spawn();
        settle().await;
        assert!(log.calls().ends_with("abort"));
        assert!(running.finished().now_or_never().is_none(), "it is being aborted");
        abort.allow(1);
        let error = running.join().await.unwrap_err();
        assert!(
            is(&error, "destination failed at") && error.stage() == Some("Recorder")
                || is(&error, "destination failed at")
        );
        assert!(is_closed(&log));
    }
}

/// Dropping the pipeline that waits for the chunks before an error stops the destination, which may be stuck.
#[tokio::test]
async fn dropping_a_failed_pipeline_stops_a_stuck_destination_behind_a_writable() {
    let (log, demand) = (Log::default(), Demand::new());
    let writable = Writable::new(Recorder::new(&log).with_demand(&demand), items(4));
    let mut piped = Box::pin(broken().pipe_to(writable).run());
    for _ in 0..5 {
        assert!(poll_once(piped.as_mut()).is_pending());
        settle().await;
    }
    assert_eq!(log.calls(), "open, write 0");
    drop(piped);
    settle().await;
    assert_eq!(log.calls(), "open, write 0, abort");
    assert!(log.reasons()[0].starts_with("broken") && is_closed(&log));
}

/// N135, A8, I45: a token stops a destination that is stuck in the chunks before an error of the source, however many buffers lie
/// between. An abort that has begun is waited for.
#[tokio::test]
async fn a_token_stops_the_chunks_before_an_error_behind_a_writable() {
    for nested in 0..3 {
        let (log, demand, token) = (Log::default(), Demand::new(), CancellationToken::new());
        let slow = Slow::new(Recorder::new(&log).with_demand(&demand));
        let abort = slow.abort.clone();
        let mut writable = Writable::new(slow, items(4));
        for _ in 0..nested {
            writable = Writable::new(writable, items(4));
        }
        let running = broken().pipe_to(writable).abort_on(token.clone()).spawn();
        settle().await;
        assert_eq!(log.calls(), "write 0", "{nested}");
        token.cancel();
        settle().await;
        assert_eq!(log.calls(), "write 0, abort", "{nested}");
        assert!(running.finished().now_or_never().is_none(), "it is being aborted");
        abort.allow(1);
        let error = running.join().await.unwrap_err();
        assert!(is(&error, "broken") && log.reasons()[0].starts_with("broken"), "{error}");
        assert!(error.suppressed().len() == 1 && error.suppressed()[0].is_aborted(), "{error:?}");
        assert!(is_closed(&log));
    }
}

/// A token that fires while a failed pipeline has the destination undo what it did changes nothing.
#[tokio::test]
async fn a_token_does_not_interrupt_an_abort_behind_a_writable() {
    let (log, token) = (Log::default(), CancellationToken::new());
    let slow = Slow::new(Recorder::new(&log));
    let abort = slow.abort.clone();
    let piped = broken().pipe_to(Writable::new(slow, items(4))).abort_on(token.clone());
    let running = piped.spawn();
    settle().await;
    assert!(log.calls().ends_with("abort"));
    for _ in 0..2 {
        token.cancel();
        settle().await;
        assert!(running.finished().now_or_never().is_none(), "it is being aborted");
    }
    abort.allow(1);
    assert!(is(&running.join().await.unwrap_err(), "broken"));
    assert_eq!(log.calls(), "write 0, write 1, flush, abort");
    assert!(is_closed(&log));
}

/// N132: a `Writable` that is kept open stays open, also if the token fires as the source fails.
#[tokio::test]
async fn a_token_destroys_no_writable_that_is_kept_open() {
    let (token, (mut writable, mut readable)) = (CancellationToken::new(), pass_through(items(4)));
    let cancel = token.clone();
    let failing = Readable::from_iter(0..2).try_map(move |n| match n {
        0 => Ok(n),
        _ => {
            cancel.cancel();
            Err(Error::msg("broken"))
        }
    });
    let piped = failing.pipe_to(&mut writable).abort_on(token).keep_open().run().await;
    assert!(is(&piped.unwrap_err(), "broken"));
    writable.send(1).await.unwrap();
    for n in 0..2 {
        assert_eq!(readable.next().await.unwrap().unwrap(), n);
    }
}

/// A9, N42: an error of the abort is kept beside the first one; a premature close gives way to it.
#[tokio::test]
async fn an_error_of_the_abort_behind_a_writable_is_kept() {
    let failing = |trouble| {
        let log = Log::<u32>::default();
        Writable::new(Recorder::new(&log).with_trouble(When::Every(Op::Abort), trouble), items(4))
    };
    for (trouble, message) in
        [(Trouble::Error, "destination failed"), (Trouble::Panic, "panicked: destination panicked")]
    {
        let writable = failing(trouble);
        settle().await;
        writable.destroy(Error::msg("enough"));
        let error = writable.finished().await.unwrap_err();
        assert!(is(&error, "enough"));
        assert_eq!(error.suppressed().len(), 1);
        assert!(is(&error.suppressed()[0], message), "{:?}", error.suppressed());

        let writable = failing(trouble);
        settle().await;
        writable.destroy(None);
        let error = writable.finished().await.unwrap_err();
        assert!(is(&error, message) && error.suppressed()[0].is_premature_close());

        let error = broken().pipe_to(failing(trouble)).run().await.unwrap_err();
        assert!(is(&error, "broken"));
        assert_eq!(error.suppressed().len(), 1);
        assert!(is(&error.suppressed()[0], message), "{:?}", error.suppressed());
    }
}

/// N31: a pipeline that comes too late destroys nothing of what others have written.
#[tokio::test]
async fn a_pipe_into_an_ended_writable_leaves_what_others_wrote() {
    let (writable, mut readable) = pass_through(items(4));
    writable.send(7).await.unwrap();
    writable.end();
    let error = Readable::from_iter(0..3).pipe_to(writable).run().await.unwrap_err();
    assert!(error.is_write_after_end());
    assert_eq!(readable.next().await.unwrap().unwrap(), 7);
    assert!(readable.next().await.is_none());

    let (log, demand) = (Log::default(), Demand::new());
    let writable = Writable::new(Recorder::new(&log).with_demand(&demand), items(4));
    writable.send(7).await.unwrap();
    writable.end();
    let late = Readable::from_iter(0..3).pipe_to(writable.clone());
    let error = late.run().now_or_never().expect("it does not wait for the others").unwrap_err();
    assert!(error.is_write_after_end());
    demand.allow(1);
    writable.finished().await.unwrap();
    assert_eq!(log.calls(), "open, write 7, finish");
}

/// A3: whoever writes to what has failed gets the error at once, though the reader has not come to it.
#[tokio::test]
async fn a_write_behind_a_failure_gets_its_error() {
    let (writable, mut readable) = pass_through(items(4));
    writable.send(1).await.unwrap();
    let other = writable.clone();
    other.fail(Error::msg("broken"));
    let refused = writable.write(2).unwrap_err();
    assert!(is(refused.error(), "broken") && refused.into_chunk() == 2);
    assert!(is(writable.send(3).await.unwrap_err().error(), "broken"));
    assert!(is(&writable.reserve().await.unwrap_err(), "broken"));
    let piped = Readable::from_iter(0..3).pipe_to(writable).run().await;
    assert!(is(&piped.unwrap_err(), "broken"));
    assert_eq!(readable.next().await.unwrap().unwrap(), 1);
    assert!(is(&readable.next().await.unwrap().unwrap_err(), "broken"));
}

/// I54: whoever waits for room learns of a panic of the destination at once, before that is aborted.
#[tokio::test]
async fn a_panic_of_the_destination_wakes_those_who_wait_for_room() {
    for trouble in [Trouble::Panic, Trouble::Error] {
        let (log, demand) = (Log::default(), Demand::new());
        let recorder = Recorder::new(&log).with_demand(&demand);
        let slow = Slow::new(recorder.with_trouble(When::Every(Op::Write), trouble));
        let abort = slow.abort.clone();
        let writable = Writable::new(slow, items(1));
        assert!(writable.write(0).unwrap().is_full());
        settle().await;
        let (mut drain, mut send) = (pin!(writable.drain()), pin!(writable.send(1)));
        assert!(poll_once(drain.as_mut()).is_pending() && poll_once(send.as_mut()).is_pending());
        demand.allow(1);
        settle().await;
        let panicked = trouble == Trouble::Panic;
        let error = drain.now_or_never().expect("at once").unwrap_err();
        assert_eq!((error.is_panic(), error.stage()), (panicked, Some("Slow")));
        let refused = send.now_or_never().expect("at once").unwrap_err();
        assert_eq!((refused.error().is_panic(), refused.into_chunk()), (panicked, 1));
        assert!(writable.finished().now_or_never().is_none(), "it is being aborted");
        abort.allow(1);
        assert_eq!(writable.finished().await.unwrap_err().is_panic(), panicked);
    }
}

/// I29: an error of a flush is everybody's, at once.
#[tokio::test]
async fn an_error_of_a_flush_reaches_everybody() {
    for trouble in [Trouble::Error, Trouble::Panic] {
        let log = Log::default();
        let recorder = Recorder::new(&log).with_trouble(When::Every(Op::Flush), trouble);
        let writable = Writable::new(recorder, items(4));
        writable.send(1).await.unwrap();
        settle().await;
        assert_eq!(log.calls(), "open, write 1, flush, abort");
        let refused = writable.write(2).unwrap_err();
        assert_eq!(refused.error().is_panic(), trouble == Trouble::Panic);
        assert_eq!(refused.error().stage(), Some("Recorder"));
        assert!(writable.finish().await.is_err());
    }
}
