//! Who waits for whom when nothing moves, on a clock that stands still.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use futures::stream;
use highwater::prelude::*;
use highwater::rate_limit::{Limiter, Rate};
use highwater_core::observe::{Stall, WaitReason};
use highwater_core::{
    Destination, HighWaterMark, Joint, Pipeline, Readable, Result, destination_fn, duplex_pair,
    pass_through,
};
use tokio::time::{Instant, sleep};

use crate::support::soon;

const SECOND: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(30);

/// What a pipeline tells of its stalls.
struct Told(Receiver<Stall>);

impl Told {
    fn one(&self) -> Stall {
        let stall = self.0.try_recv().expect("it has told of a stall");
        self.none();
        stall
    }

    fn none(&self) {
        if let Ok(stall) = self.0.try_recv() {
            panic!("nothing is to be told: {stall}");
        }
    }
}

fn watched<J>(pipeline: Pipeline<J>) -> (Pipeline<J>, Told) {
    let (tell, told) = channel();
    let pipeline = pipeline.stall_after(AFTER, move |stall| drop(tell.send(stall.clone())));
    (pipeline, Told(told))
}

/// Runs it for so long, and gives the one stall that was told.
async fn stall_of<J>(pipeline: Pipeline<J>) -> Stall
where
    J: Joint<Source: Send> + Send + 'static,
{
    let (pipeline, told) = watched(pipeline);
    let running = pipeline.spawn();
    sleep(AFTER - SECOND).await;
    told.none();
    sleep(AFTER + 2 * SECOND).await;
    let stall = told.one();
    sleep(20 * AFTER).await;
    told.none();
    drop(running);
    stall
}

fn waits(stall: &Stall) -> Vec<(&'static str, WaitReason)> {
    stall.stages().iter().map(|stage| (stage.name(), stage.waits())).collect()
}

async fn never(_: u32) -> Result<()> {
    std::future::pending().await
}

fn sink() -> impl Destination<Chunk = u32> {
    destination_fn(|_: u32| async { Ok(()) })
}

/// Shows F23.
#[tokio::test(start_paused = true)]
async fn a_stuck_destination() {
    let ahead = Readable::from_iter(0..).buffer(HighWaterMark::items(4)).map(|x: u32| x);
    let stall = stall_of(ahead.pipe_to(destination_fn(never)).with_name("stuck")).await;
    assert_eq!((stall.name(), stall.lasted()), (Some("stuck"), AFTER));
    assert_eq!(stall.holder().name(), "destination_fn");
    let expected = [
        ("from_iter", WaitReason::ForRoom),
        ("buffer", WaitReason::ForRoom),
        ("map", WaitReason::ForRoom),
        ("destination_fn", WaitReason::Writing),
    ];
    assert_eq!(waits(&stall), expected);
    let buffer = stall.stages()[1].buffer().unwrap();
    assert!(buffer.buffered >= 2 && buffer.waiting == 1, "{buffer:?}");
    let text = stall.to_string();
    let begin = "stuck: nothing has moved for 30s; destination_fn is waited for: from_iter waits to be asked; ";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.contains("of 4 buffered, 1 waits for room; map waits"), "{text}");
    assert!(text.ends_with("destination_fn writes a chunk"), "{text}");
}

/// The end may take for ever, too.
#[tokio::test(start_paused = true)]
async fn a_destination_that_does_not_finish() {
    struct Committing;
    impl Destination for Committing {
        type Chunk = u32;

        async fn write(&mut self, _: u32) -> Result<()> {
            Ok(())
        }
        async fn finish(&mut self) -> Result<()> {
            std::future::pending().await
        }
    }
    let stall = stall_of(Readable::from_iter(0..3).pipe_to(Committing)).await;
    assert_eq!(
        (stall.holder().name(), stall.holder().waits()),
        ("Committing", WaitReason::Finishing)
    );
}

#[tokio::test(start_paused = true)]
async fn a_stuck_source() {
    let source = Readable::from_stream(stream::pending::<u32>()).map(|x| x);
    let stall = stall_of(source.buffer(HighWaterMark::items(4)).pipe_to(sink())).await;
    let expected = [
        ("from_stream", WaitReason::ForItself),
        ("map", WaitReason::ForInput),
        ("buffer", WaitReason::ForInput),
        ("destination_fn", WaitReason::ForInput),
    ];
    assert_eq!(waits(&stall), expected);
    assert!(stall.stages()[2].buffer().unwrap().is_awaited);
}

#[tokio::test(start_paused = true)]
async fn a_paused_control() {
    let (writable, readable) = pass_through(HighWaterMark::items(2));
    let control = readable.control();
    control.pause();
    assert!(writable.write(1).is_ok() && writable.write(2).is_ok());
    let stall = stall_of(readable.map(|x: u32| x).pipe_to(sink())).await;
    assert_eq!(
        (stall.holder().name(), stall.holder().waits()),
        ("pass_through", WaitReason::Paused)
    );
    let text = stall.to_string();
    assert!(text.contains("pass_through is paused by its control, 2 of 2 buffered;"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_held_cork() {
    let (writable, readable) = pass_through(HighWaterMark::items(8));
    let cork = writable.cork();
    assert!(writable.write(1).is_ok());
    let stall = stall_of(readable.pipe_to(sink())).await;
    assert_eq!(
        (stall.holder().name(), stall.holder().waits()),
        ("pass_through", WaitReason::Corked)
    );
    drop(cork);
}

#[tokio::test(start_paused = true)]
async fn a_paused_pipeline() {
    let (pipeline, told) = watched(Readable::from_iter(0..10).pipe_to(sink()));
    let running = pipeline.spawn();
    running.pause();
    sleep(AFTER + SECOND).await;
    let stall = told.one();
    assert_eq!(stall.holder().waits(), WaitReason::PipelinePaused);
    running.resume();
    assert!(soon(running.join()).await.is_ok());
    told.none();
}

/// One item an hour.
#[tokio::test(start_paused = true)]
async fn a_starved_limiter() {
    let limiter = Limiter::new(Rate::per_hour(1));
    let limited = Readable::from_iter(0..10).map(|x: u32| x).rate_limit(&limiter);
    let stall = stall_of(limited.pipe_to(sink())).await;
    let expected = [
        ("from_iter", WaitReason::ForRoom),
        ("map", WaitReason::ForRoom),
        ("rate_limit", WaitReason::WithChunk),
        ("destination_fn", WaitReason::ForInput),
    ];
    assert_eq!(waits(&stall), expected);
}

/// Work on a chunk, one at a time or on other tasks.
#[tokio::test(start_paused = true)]
async fn work_that_does_not_end() {
    let then = Readable::from_iter(0..10).then(|x: u32| never(x));
    let stall = stall_of(then.map(|()| 1).pipe_to(sink())).await;
    assert_eq!((stall.holder().name(), stall.holder().waits()), ("then", WaitReason::WithChunk));

    let parallel = Readable::from_iter(0..10).parallel_map(3, never);
    let stall = stall_of(parallel.map(|()| 1).pipe_to(sink())).await;
    assert_eq!(stall.holder().name(), "parallel_map");
    assert_eq!(stall.holder().waits(), WaitReason::ForJobs(3));
}

/// Both sides send back what they get, and both directions are full: each waits for the other.
#[tokio::test(start_paused = true)]
async fn two_sides_of_a_duplex_that_wait_for_each_other() {
    let (client, server) = duplex_pair(HighWaterMark::items(4).with_low(0));
    for x in 0..8 {
        assert!(client.writable.write(x).is_ok() && server.writable.write(x).is_ok());
    }
    let (one, told_one) = watched(client.readable.pipe_to(client.writable).with_name("client"));
    let (two, told_two) = watched(server.readable.pipe_to(server.writable).with_name("server"));
    let (one, two) = (one.spawn(), two.spawn());
    sleep(3 * AFTER).await;
    for (stall, name) in [(told_one.one(), "client"), (told_two.one(), "server")] {
        assert_eq!(stall.name(), Some(name));
        let expected = [("pass_through", WaitReason::ForRoom), ("Writable", WaitReason::Writing)];
        assert_eq!(waits(&stall), expected);
        let full = stall.holder().buffer().unwrap();
        assert!(full.buffered >= full.high_water_mark && full.waiting == 1, "{full:?}");
        assert!(stall.to_string().contains("writes a chunk, 7 of 4 buffered, 1 waits"), "{stall}");
    }
    drop((one, two));
}

/// A chunk every 29 seconds is slow, and moves: at the source, in a stage that lets nothing through, at the destination.
#[tokio::test(start_paused = true)]
async fn what_is_slow_but_moves_is_not_told() -> Result<()> {
    async fn slow(x: u32) -> Result<u32> {
        sleep(29 * SECOND).await;
        Ok(x)
    }
    let ticking = || Readable::from_iter(0..10).then(slow);
    let (all, told_all) = watched(ticking().pipe_to(sink()));
    let (none, told_none) = watched(ticking().filter(|_| false).pipe_to(sink()));
    let taking = destination_fn(|x| async move { slow(x).await.map(|_| ()) });
    let (taken, told_taken) = watched(Readable::from_iter(0..10).pipe_to(taking));
    let begin = Instant::now();
    let (all, none, taken) = tokio::join!(all.run(), none.run(), taken.run());
    assert_eq!((all?.chunks_out(), none?.chunks_out(), taken?.chunks_out()), (10, 0, 10));
    assert!(begin.elapsed() >= 9 * AFTER, "{:?}", begin.elapsed());
    for told in [told_all, told_none, told_taken] {
        told.none();
    }
    Ok(())
}

/// Each stall is told once.
#[tokio::test(start_paused = true)]
async fn it_tells_again_when_something_has_moved() -> Result<()> {
    let (writable, readable) = pass_through(HighWaterMark::items(8));
    let (pipeline, told) = watched(readable.pipe_to(sink()));
    let running = pipeline.spawn();
    for x in 0..3 {
        sleep(5 * AFTER).await;
        let stall = told.one();
        assert!(stall.lasted() >= AFTER && stall.lasted() < 2 * AFTER, "{:?}", stall.lasted());
        let _room = writable.write(x)?;
    }
    writable.end();
    assert_eq!(soon(running.join()).await?.chunks_out(), 3);
    told.none();
    Ok(())
}

/// What is told may panic: the pipeline goes on, and tells again.
#[tokio::test(start_paused = true)]
async fn a_panic_of_what_is_told_goes_no_further() -> Result<()> {
    let (tell, told) = channel();
    let slow = Readable::from_iter(0..2).then(|x: u32| async move {
        sleep(2 * AFTER).await;
        Ok(x)
    });
    let pipeline = slow.pipe_to(sink()).stall_after(AFTER, move |_| {
        assert!(tell.send(()).is_ok());
        panic!("told");
    });
    assert_eq!(pipeline.await?.chunks_out(), 2);
    assert_eq!(told.try_iter().count(), 2);
    Ok(())
}
