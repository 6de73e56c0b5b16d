//! Ways to run a pipeline, and the handle of one that runs on a task of its own.

use std::time::Duration;

use futures::stream;
use highwater_core::{CancellationToken, Readable, Result, Source, destination_fn};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::{Event, Log, Recorder, Step, chunks_of, run_woken, script, soon};

/// Lets the spawned tasks go as far as they can.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

/// A readable fed from outside.
fn fed() -> (mpsc::Sender<u32>, Readable<impl Source<Chunk = u32> + Send>) {
    let (sender, receiver) = mpsc::channel(16);
    let received = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    (sender, Readable::from_stream(received))
}

/// Run, awaited, and spawned: the same.
#[tokio::test(start_paused = true)]
async fn run_awaited_and_spawned() -> Result<()> {
    for way in 0..3 {
        let log = Log::default();
        let steps = [Step::Chunk(1), Step::Pending, Step::Chunk(2)];
        let pipeline = script(&log, &steps).pipe_to(Recorder::new(&log).with_pends(1));
        let report = match way {
            0 => pipeline.run().await?,
            1 => pipeline.await?,
            _ => soon(pipeline.spawn().join()).await?,
        };
        assert_eq!(report.chunks_out(), 2);
        assert_eq!(log.calls(), "open, write 1, flush, write 2, finish", "{way}");
    }
    Ok(())
}

/// Nothing runs before it is awaited: dropping it drops its parts, and calls none of them.
#[test]
fn a_pipeline_that_is_not_awaited_does_nothing() {
    let log = Log::default();
    let pipeline = script(&log, &chunks_of([1])).pipe_to(Recorder::new(&log));
    drop(pipeline);
    assert_eq!(log.events(), [Event::SourceDropped, Event::DestinationDropped]);
    let log = Log::default();
    drop(script(&log, &chunks_of([1])).pipe_to(Recorder::new(&log)).run());
    assert_eq!(log.calls(), "");
}

/// A pipeline needs no runtime of its own.
#[test]
fn a_pipeline_runs_without_tokio() {
    let log = Log::default();
    let pipeline = script(&log, &chunks_of(0..5000)).map(|x| x).pipe_to(Recorder::new(&log));
    assert_eq!(run_woken(pipeline.run()).unwrap().output.unwrap().chunks_out(), 5000);
}

/// N143, N146: `finished` may be awaited by several, given up, and asked again; `join` comes after.
#[tokio::test(start_paused = true)]
async fn finished_may_be_asked_again() -> Result<()> {
    let (sender, source) = fed();
    let running = source.pipe_to(destination_fn(|_| async { Ok(()) })).with_name("fed").spawn();
    assert!(timeout(Duration::from_secs(1), running.finished()).await.is_err());
    sender.send(1).await.unwrap();
    drop(sender);
    let (one, two) = tokio::join!(running.finished(), running.finished());
    assert_eq!((one?.chunks_out(), two?.chunks_out()), (1, 1));
    assert_eq!(soon(running.finished()).await?.name(), Some("fed"));
    assert_eq!(soon(running.join()).await?.chunks_out(), 1);
    Ok(())
}

/// N135: an abort closes in order and is an `is_aborted` error for everyone; after the end it does nothing.
#[tokio::test(start_paused = true)]
async fn abort() -> Result<()> {
    let log = Log::default();
    let steps = [Step::Chunk(1), Step::Forever];
    let running = script(&log, &steps).pipe_to(Recorder::new(&log)).with_name("nightly").spawn();
    settle().await;
    running.abort();
    running.abort();
    let error = soon(running.finished()).await.unwrap_err();
    assert!(error.is_aborted());
    assert_eq!(error.to_string(), "aborted (pipeline nightly)");
    assert_eq!(log.calls(), "open, write 1, flush, abort");
    assert!(soon(running.join()).await.unwrap_err().is_aborted());

    let log = Log::default();
    let running = script(&log, &chunks_of([1])).pipe_to(Recorder::new(&log)).spawn();
    soon(running.finished()).await?;
    running.abort();
    soon(running.finished()).await?;
    assert_eq!(log.calls(), "open, write 1, finish");
    Ok(())
}

/// The token given to `abort_on` still works on a spawned pipeline, and is not cancelled by its `abort`.
#[tokio::test(start_paused = true)]
async fn the_callers_token_stays_the_callers() {
    let token = CancellationToken::new();
    let spawn = || {
        let log = Log::default();
        let pipeline = script(&log, &[Step::Forever]).pipe_to(Recorder::new(&log));
        pipeline.abort_on(token.clone()).spawn()
    };
    let (first, second) = (spawn(), spawn());
    first.abort();
    assert!(soon(first.join()).await.unwrap_err().is_aborted());
    assert!(!token.is_cancelled());
    token.cancel();
    assert!(soon(second.join()).await.unwrap_err().is_aborted());
}

/// C32: the task ends with its handle: dropping it drops source and destination.
#[tokio::test(start_paused = true)]
async fn dropping_the_handle_drops_the_pipeline() {
    let log = Log::default();
    let running =
        script(&log, &[Step::Chunk(1), Step::Forever]).pipe_to(Recorder::new(&log)).spawn();
    settle().await;
    assert_eq!(log.count(Event::SourceDropped), 0);
    drop(running);
    settle().await;
    assert_eq!((log.count(Event::SourceDropped), log.count(Event::DestinationDropped)), (1, 1));
    assert_eq!(log.calls(), "open, write 1, flush");
}

/// N83: a pause stops it before the next chunk, and flushes; a resume goes on where it was.
#[tokio::test(start_paused = true)]
async fn pause_and_resume() -> Result<()> {
    let log = Log::default();
    let running = Readable::from_iter(0..4_u32)
        .then(|x| async move {
            yield_now().await;
            Ok(x)
        })
        .pipe_to(Recorder::new(&log))
        .spawn();
    running.pause();
    settle().await;
    assert!(running.is_paused());
    assert_eq!(log.calls(), "open");
    running.resume();
    assert!(!running.is_paused());
    assert_eq!(soon(running.join()).await?.chunks_out(), 4);
    assert_eq!(log.written(), [0, 1, 2, 3]);
    Ok(())
}

/// What is written stays written and is flushed, while a pause holds back a source that has more.
#[tokio::test(start_paused = true)]
async fn a_pause_flushes_what_is_written() -> Result<()> {
    let log = Log::default();
    let running = {
        let source = Readable::from_iter(0..100_u32);
        // It gives way in each write, so that the pause comes in the middle.
        source.pipe_to(Recorder::new(&log).with_pends(1)).spawn()
    };
    while log.written().len() < 3 {
        yield_now().await;
    }
    running.pause();
    settle().await;
    let paused = log.calls();
    assert!(paused.ends_with(", flush"), "{paused}");
    settle().await;
    assert_eq!(log.calls(), paused);
    running.resume();
    assert_eq!(soon(running.join()).await?.chunks_out(), 100);
    assert_eq!(log.written(), (0..100).collect::<Vec<_>>());
    Ok(())
}

/// `PipelineHandle::pause` stops it before the next chunk: also before one for which it was already waiting.
#[tokio::test(start_paused = true)]
async fn a_paused_pipeline_does_not_write_the_chunk_it_waited_for() -> Result<()> {
    let log = Log::default();
    let (sender, source) = fed();
    let running = source.pipe_to(Recorder::new(&log)).spawn();
    settle().await;
    running.pause();
    sender.send(1).await.unwrap();
    sender.send(2).await.unwrap();
    settle().await;
    assert_eq!(log.written(), [0_u32; 0], "written while it is paused");
    running.resume();
    drop(sender);
    soon(running.join()).await?;
    assert_eq!(log.written(), [1, 2]);
    Ok(())
}

/// An abort reaches a pipeline that is paused.
#[tokio::test(start_paused = true)]
async fn abort_while_paused() {
    let log = Log::default();
    let running = script(&log, &chunks_of(0..9)).pipe_to(Recorder::new(&log)).spawn();
    running.pause();
    settle().await;
    running.abort();
    assert!(soon(running.join()).await.unwrap_err().is_aborted());
    assert_eq!(log.calls(), "open, abort");
}

/// The figures are there while it runs, and stay when it is over.
#[tokio::test(start_paused = true)]
async fn stats_while_it_runs() -> Result<()> {
    let (sender, source) = fed();
    let running = source.map(|x| x).pipe_to(destination_fn(|_| async { Ok(()) })).spawn();
    assert_eq!((running.stats().chunks_out(), running.stats().elapsed()), (0, Duration::ZERO));
    settle().await;
    for chunk in 0..3 {
        sender.send(chunk).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let stats = running.stats();
    assert_eq!((stats.chunks_in(), stats.chunks_out()), (3, 3));
    assert_eq!(stats.waiting_for_source(), Duration::from_secs(5));
    drop(sender);
    assert_eq!(soon(running.finished()).await?.chunks_out(), 3);
    assert_eq!(running.stats().chunks_out(), 3);
    Ok(())
}
