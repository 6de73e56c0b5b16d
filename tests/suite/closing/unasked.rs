//! Sources that are destroyed or aborted while the destination writes, and nobody asks them for a chunk.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use highwater_core::{
    CancellationToken, Destination, Duplex, Error, HighWaterMark, Readable, Result, Source,
    Writable, pass_through,
};

/// Writes that take long, or for ever; notes the calls.
#[derive(Clone, Default)]
struct Slow {
    time: Option<Duration>,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Destination for Slow {
    type Chunk = u32;

    async fn write(&mut self, _: u32) -> Result<()> {
        self.calls.lock().unwrap().push("write");
        match self.time {
            Some(time) => tokio::time::sleep(time).await,
            None => pending().await,
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        self.calls.lock().unwrap().push("finish");
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.calls.lock().unwrap().push("abort");
        Ok(())
    }
}

fn source() -> (Writable<u32>, Readable<impl Source<Chunk = u32> + Send>) {
    let (writable, readable) = pass_through(HighWaterMark::items(4));
    writable.try_write(1).unwrap();
    (writable, readable)
}

/// The error of a pipeline into a stuck destination, when `stop` is called while it writes.
fn stopped<S: Source<Chunk = u32>>(readable: Readable<S>, stop: impl FnOnce()) -> Error {
    let to = Slow::default();
    let mut running = Box::pin(readable.pipe_to(to.clone()).run());
    assert!(running.as_mut().now_or_never().is_none());
    stop();
    let error = running.now_or_never().expect("it is told at once").unwrap_err();
    assert_eq!(*to.calls.lock().unwrap(), ["write", "abort"]);
    error
}

/// I29: a source that is destroyed stops a destination that stands still, behind whatever only hands its chunks on.
#[tokio::test]
async fn a_destroyed_source_is_seen_through_stages() {
    fn check<S: Source<Chunk = u32>>((writable, readable): (Writable<u32>, Readable<S>)) {
        let error = stopped(readable, || writable.destroy(Error::msg("enough")));
        assert_eq!(error.to_string(), "enough (in pass_through)");
    }
    let day = Duration::from_secs(24 * 60 * 60);
    let (writable, readable) = source();
    check((writable, readable.then(|n| async move { Ok(n) }).map(|n| n)));
    let (writable, readable) = source();
    check((writable, readable.idle_timeout(day).first_timeout(day).total_timeout(day)));
    let (writable, readable) = source();
    check((writable, readable.abort_on(CancellationToken::new())));
    let (writable, readable) = source();
    check((writable, readable.take_until(pending::<()>()).catch_unwind()));
    let (writable, readable) = source();
    check((writable, readable.chain(Readable::from_iter(0..3))));
    let (writable, readable) = source();
    let (other, _reader) = pass_through::<u32>(HighWaterMark::items(1));
    check((writable, Duplex::new(readable, other).split().0));
}

/// I45: a token of the readable stops a destination that stands still, as one of the pipeline does.
#[tokio::test]
async fn a_token_of_the_source_stops_a_write() {
    let token = CancellationToken::new();
    let endless = Readable::from_iter(0_u32..).abort_on(token.clone()).map(|n| n);
    let error = stopped(endless, || token.cancel());
    assert!(error.is_aborted(), "{error:?}");
}

/// A source that was let go says nothing any more: the last chunk is written, and that is the end.
#[tokio::test(start_paused = true)]
async fn a_token_of_a_source_that_was_let_go_stops_nothing() {
    let (token, to) = (CancellationToken::new(), Slow::taking_a_second());
    let one = Readable::from_iter(0_u32..).abort_on(token.clone()).take(1);
    let mut running = Box::pin(one.pipe_to(to.clone()).run());
    assert!(running.as_mut().now_or_never().is_none());
    token.cancel();
    running.await.unwrap();
    assert_eq!(*to.calls.lock().unwrap(), ["write", "finish"]);
}

/// The error of a source that is read later comes behind all chunks of the one before it.
#[tokio::test(start_paused = true)]
async fn a_destroyed_second_source_waits_for_its_turn() {
    let (writable, second) = pass_through::<u32>(HighWaterMark::items(4));
    let to = Slow::taking_a_second();
    let mut running = Box::pin(Readable::from_iter(0..3).chain(second).pipe_to(to.clone()).run());
    assert!(running.as_mut().now_or_never().is_none());
    writable.destroy(Error::msg("enough"));
    assert!(running.await.unwrap_err().to_string().starts_with("enough"));
    assert_eq!(*to.calls.lock().unwrap(), ["write", "write", "write", "abort"]);
}

impl Slow {
    fn taking_a_second() -> Self {
        Self { time: Some(Duration::from_secs(1)), ..Self::default() }
    }
}
