//! Aborts that come late: while the destination closes, when it has committed, and where something stands still.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use highwater::http;
use highwater::mux::{Demux, MuxExt, merge};
use highwater::parallel_map::ParallelMapExt;
use highwater::text::TextExt;
use highwater_core::{
    CancellationToken, Control, Destination, Duplex, Error, HighWaterMark, Readable, Result,
    Source, Writable, pass_through, transform_fn,
};
use tokio::io::AsyncReadExt;

use crate::support::poll_once;

/// A destination that stands still in one call, and notes all calls.
#[derive(Clone, Default)]
struct Stuck {
    at: &'static str,
    /// What `finish` does before it stands still cannot be undone.
    commits: bool,
    committed: Arc<AtomicBool>,
    abort_fails: bool,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Stuck {
    fn at(at: &'static str) -> Self {
        Self { at, ..Self::default() }
    }

    fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }

    async fn call(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
        if self.at == call {
            pending::<()>().await;
        }
    }
}

impl Destination for Stuck {
    type Chunk = u32;

    async fn write(&mut self, _: u32) -> Result<()> {
        self.call("write").await;
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.call("flush").await;
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        self.committed.store(self.commits, SeqCst);
        self.call("finish").await;
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.call("abort").await;
        match self.committed.load(SeqCst) {
            true if self.abort_fails => Err(Error::msg("cannot sync").suppress(Error::committed())),
            false if self.abort_fails => Err(Error::msg("cannot undo")),
            true => Err(Error::committed()),
            false => Ok(()),
        }
    }
}

fn failing() -> Readable<impl Source<Chunk = u32> + Unpin> {
    Readable::from_iter(1..3).try_map(|n| if n < 2 { Ok(n) } else { Err(Error::msg("no more")) })
}

/// I45: after a failure of the source, a token still stops the last flush, and the destination is aborted.
#[test]
fn an_abort_stops_the_last_flush_of_a_failed_pipeline() {
    let (to, token) = (Stuck::at("flush"), CancellationToken::new());
    let mut running = Box::pin(failing().pipe_to(to.clone()).abort_on(token.clone()).run());
    assert!(poll_once(running.as_mut()).is_pending());
    assert_eq!(to.calls(), ["write", "flush"]);
    token.cancel();
    let error = running.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "no more (in try_map, chunk 1)");
    assert!(error.suppressed()[0].is_aborted());
    assert_eq!(to.calls(), ["write", "flush", "abort"]);
}

/// A limit of the close ends a flush or an abort that stands still; the first error stays.
#[tokio::test(start_paused = true)]
async fn a_close_that_stands_still_ends_at_its_limit() {
    for at in ["flush", "abort"] {
        let to = Stuck::at(at);
        let limit = Duration::from_secs(5);
        let began = tokio::time::Instant::now();
        let error =
            failing().pipe_to(to.clone()).with_close_timeout(limit).run().await.unwrap_err();
        assert_eq!(began.elapsed(), limit, "{at}");
        assert_eq!(error.to_string(), "no more (in try_map, chunk 1)");
        assert!(error.suppressed()[0].is_timeout(), "{error:?}");
        assert_eq!(to.calls().last(), Some(&at));
    }
}

/// The limit does not hurry what succeeds, and may be the longest time.
#[tokio::test(start_paused = true)]
async fn a_limit_of_the_close_is_not_one_of_the_pipeline() {
    let slow = Readable::from_iter(0..3_u32).then(|n| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok(n)
    });
    for limit in [Duration::from_secs(1), Duration::MAX] {
        let slow = Readable::from_iter(0..3_u32);
        slow.pipe_to(Stuck::at("nowhere")).with_close_timeout(limit).run().await.unwrap();
    }
    slow.pipe_to(Stuck::at("nowhere"))
        .with_close_timeout(Duration::from_secs(1))
        .run()
        .await
        .unwrap();
    failing().pipe_to(Stuck::at("")).with_close_timeout(Duration::MAX).run().await.unwrap_err();
}

/// I45: what has committed is told as it is, although an abort came before `finish` was through.
#[test]
fn an_abort_behind_the_commit_is_a_success() {
    for commits in [true, false] {
        let (to, token) = (Stuck { commits, ..Stuck::at("finish") }, CancellationToken::new());
        let pipeline = Readable::from_iter(0..2).pipe_to(to.clone()).abort_on(token.clone());
        let mut running = Box::pin(pipeline.run());
        assert!(poll_once(running.as_mut()).is_pending());
        token.cancel();
        let result = running.now_or_never().unwrap();
        assert_eq!(to.calls(), ["write", "write", "finish", "abort"]);
        match commits {
            true => assert_eq!(result.unwrap().chunks_out(), 2),
            false => assert!(result.unwrap_err().is_aborted()),
        }
    }
}

/// A9, I25: an error of the destination's abort is real, and an abort does not hide it.
#[test]
fn an_error_of_the_abort_wins_over_an_abort() {
    let (to, token) = (Stuck { abort_fails: true, ..Stuck::at("write") }, CancellationToken::new());
    let pipeline = Readable::from_iter(0..2).pipe_to(to).abort_on(token.clone());
    let mut running = Box::pin(pipeline.run());
    assert!(poll_once(running.as_mut()).is_pending());
    token.cancel();
    let error = running.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "cannot undo (in Stuck)");
    assert!(error.suppressed()[0].is_aborted());
}

/// A9, I45: an abort finds a destination that has committed, and that something failed after that: both are told, also
/// behind a `Writable`.
#[tokio::test]
async fn a_failure_behind_the_commit_is_told_beside_an_abort() {
    for behind_a_writable in [false, true] {
        let (to, token) = (Stuck::at("finish"), CancellationToken::new());
        let to = Stuck { commits: true, abort_fails: true, ..to };
        let source = Readable::from_iter(0..2);
        let running = match behind_a_writable {
            true => {
                let writable = Writable::new(to.clone(), HighWaterMark::items(4));
                source.pipe_to(writable).abort_on(token.clone()).run().boxed_local()
            }
            false => source.pipe_to(to.clone()).abort_on(token.clone()).run().boxed_local(),
        };
        let stop = async {
            while !to.committed.load(SeqCst) {
                tokio::task::yield_now().await;
            }
            token.cancel();
        };
        let (result, ()) = tokio::join!(running, stop);
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), "cannot sync (in Stuck)");
        assert!(error.is_committed(), "{error:?}");
    }
}

/// I29: a source that is destroyed while the destination writes is seen at once, also behind machines.
#[test]
fn a_destroyed_source_ends_a_pipeline_that_writes() {
    for behind_a_machine in [false, true] {
        let (writable, readable) = pass_through(HighWaterMark::items(4));
        let (to, control): (_, Control) = (Stuck::at("write"), readable.control());
        let pipeline = match behind_a_machine {
            true => {
                readable.map(|n: u32| n).filter(|_| true).pipe_to(to.clone()).run().boxed_local()
            }
            false => readable.pipe_to(to.clone()).run().boxed_local(),
        };
        let mut running = pipeline;
        writable.try_write(1).unwrap();
        assert!(poll_once(running.as_mut()).is_pending());
        control.destroy(Error::msg("enough"));
        let error = running.now_or_never().expect("it is told").unwrap_err();
        assert_eq!(error.to_string().split(" (").next(), Some("enough"));
        assert_eq!(to.calls(), ["write", "abort"]);
    }
}

/// A buffer whose reader has gone is not a source that was destroyed: what was read from it is still written.
#[tokio::test]
async fn a_source_that_was_let_go_does_not_end_the_last_write() {
    let (writable, readable) = pass_through(HighWaterMark::items(4));
    writable.try_write(1).unwrap();
    let slow = highwater_core::destination_fn(|_: u32| async {
        tokio::task::yield_now().await;
        Ok(())
    });
    let report = readable.take(1).pipe_to(slow).run().await.unwrap();
    assert_eq!(report.chunks_out(), 1);
    assert!(writable.is_destroyed());
}

/// A readable that has failed and said so.
fn has_failed<S: Source + Unpin>(mut source: Readable<S>) -> Readable<S> {
    assert!(source.by_ref().count().now_or_never().unwrap().is_err());
    assert!(source.next().now_or_never().unwrap().is_none(), "and itself, it is over");
    source
}

fn failed() -> Readable<impl Source<Chunk = u32> + Unpin> {
    has_failed(failing())
}

/// A4: a source that has failed and said so is not an empty one: whatever is made of it again begins with a premature close.
#[test]
fn a_failed_source_that_is_read_again_is_a_premature_close() {
    fn closes<T: std::fmt::Debug>(again: impl Future<Output = Result<T>>) {
        let error = again.now_or_never().unwrap().unwrap_err();
        assert!(error.is_premature_close(), "{error:?}");
    }
    for piped in 0..4 {
        let (to, mut source) = (Stuck::at("nowhere"), failed());
        match piped {
            0 => closes(source.pipe_to(to.clone()).run()),
            1 => closes(source.by_ref().map(|n| n).pipe_to(to.clone()).run()),
            2 => closes(source.pinned().by_ref().pipe_to(to.clone()).run()),
            _ => closes(Readable::empty().chain(source).pipe_to(to.clone()).run()),
        }
        assert_eq!(to.calls().last(), Some(&"abort"), "{piped}");
    }
    closes(failed().to_vec());
    closes(failed().count());
    closes(failed().any(|_| true));
    closes(Readable::from_iter(0..9).zip(failed()).to_vec());
    closes(failed().boxed().filter(|_| true).to_vec());
    assert_eq!(
        Readable::from_iter(0..1_u32)
            .chain(failed())
            .next()
            .now_or_never()
            .unwrap()
            .unwrap()
            .unwrap(),
        0
    );
}

/// A4: the same where a task, a merge or a reader of bytes reads it.
#[tokio::test]
async fn a_failed_source_is_a_premature_close_for_every_reader() {
    let mark = || HighWaterMark::items(4);
    let mut branches = failed().tee(2);
    let copied = failed().through(mark(), async |mut input, output| {
        while let Some(n) = input.next().await.transpose()? {
            output.send(n).await?;
        }
        Ok(())
    });
    let passes = transform_fn((), |_, n: u32, out| {
        out.push(n);
        Ok(())
    });
    let by_key = failed().parallel_map_by_key(2, |n| *n, async |n| Ok(n));
    let bytes = || has_failed(failing().map(|n| Bytes::from(n.to_string())));
    let mut read = Vec::new();
    let all = [
        ("buffer", failed().buffer(mark()).count().await.err()),
        ("through", copied.count().await.err()),
        ("offload", failed().offload(passes, mark()).count().await.err()),
        (
            "duplex",
            Duplex::new(failed(), pass_through::<u32>(mark()).0).readable.count().await.err(),
        ),
        ("merge", merge([failed()]).count().await.err()),
        ("tee", branches.remove(1).count().await.err()),
        ("parallel_map", failed().parallel_map(2, async |n| Ok(n)).count().await.err()),
        ("parallel_map_by_key", by_key.count().await.err()),
        ("parallel_map_cpu", failed().parallel_map_cpu(2, Ok).count().await.err()),
        ("demux", failed().demux(Demux::new(|n| *n)).count().await.err()),
        (
            "AsyncRead",
            bytes().into_async_read().read_to_end(&mut read).await.err().map(Error::from),
        ),
        ("binary", bytes().binary().is_at_end().await.err()),
        ("body", http::read(http::body(bytes())).count().await.err()),
    ];
    let closed = |error: &Option<Error>| error.as_ref().is_some_and(Error::is_premature_close);
    let empty = all.iter().filter(|(_, error)| !closed(error)).map(|(reader, _)| *reader);
    assert_eq!(empty.collect::<Vec<_>>(), [""; 0], "taken for empty");
}
