//! A token stops whatever reads: at the next chunk, and with an error that nobody takes for an end.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use highwater::gzip::ParallelGzip;
use highwater::hash::Algorithm;
use highwater::io::{self, copy_duplex};
use highwater::mux::{Demux, merge};
use highwater::prelude::*;
use highwater::rate_limit::Rate;
use highwater::{fs, http};
use highwater_core::{
    CancellationToken, Duplex, HighWaterMark, Readable, Result, Source, Writable, destination_fn,
    pass_through, task, transform_fn,
};
use highwater_test::Wakes;
use tokio::io::{AsyncWrite, empty, join, repeat, sink};

use crate::support::{Event, Log, Recorder, run_woken};

/// Numbers without end; the token is cancelled as number `at` is made.
fn cancels_at(
    at: u32,
    token: &CancellationToken,
) -> Readable<impl Source<Chunk = u32> + Unpin + use<>> {
    let token = token.clone();
    Readable::from_iter(0..).inspect(move |n| {
        if *n == at {
            token.cancel();
        }
    })
}

/// I45: cancelled inside of a stage, at a chunk deep in a run of ready ones, no further chunk is written.
#[test]
fn an_abort_from_within_stops_before_the_chunk_is_written() {
    for at in [0, 1, 31, 32, 1000] {
        let (log, token) = (Log::default(), CancellationToken::new());
        let pipeline = cancels_at(at, &token).pipe_to(Recorder::new(&log)).abort_on(token);
        assert!(run_woken(pipeline.run()).unwrap().output.unwrap_err().is_aborted());
        assert_eq!(log.written(), (0..at).collect::<Vec<_>>());
        assert_eq!((log.count(Event::Abort), log.count(Event::Finish)), (1, 0));
    }
}

/// The same for a readable that is iterated, collected, and piped.
#[test]
fn abort_on_fails_whatever_reads() {
    let aborted = |at| {
        let token = CancellationToken::new();
        cancels_at(at, &token).abort_on(token)
    };
    for at in [0, 1, 100] {
        let mut readable = aborted(at);
        let all = run_woken(async {
            let mut given = 0;
            loop {
                match readable.next().await {
                    Some(Ok(_)) => given += 1,
                    Some(Err(error)) => return (given, error.is_aborted()),
                    None => return (given, false),
                }
            }
        });
        // The chunk that was being made is given, or dropped: nothing is made behind it.
        let (given, is_aborted) = all.unwrap().output;
        assert!(is_aborted && given <= at + 1);
        assert!(run_woken(readable.next()).unwrap().output.is_none(), "and then it is over");
        assert!(run_woken(aborted(at).to_vec()).unwrap().output.unwrap_err().is_aborted());
        let log = Log::default();
        let piped = aborted(at).pipe_to(Recorder::new(&log)).run();
        assert!(run_woken(piped).unwrap().output.unwrap_err().is_aborted());
        assert_eq!((log.count(Event::Abort), log.count(Event::Finish)), (1, 0));
    }
}

/// I14: an idle readable is woken by its token, and its source is dropped.
#[test]
fn abort_on_wakes_an_idle_readable() {
    let (token, dropped) = (CancellationToken::new(), Arc::new(()));
    let held = Arc::clone(&dropped);
    let mut aborted = Readable::from_stream(futures::stream::pending::<u32>())
        .inspect(move |_| drop(Arc::clone(&held)))
        .abort_on(token.clone());
    let (waker, wakes) = Wakes::waker();
    assert!(pin!(aborted.next()).poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!((wakes.count(), Arc::strong_count(&dropped)), (0, 2));
    token.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(aborted.next().now_or_never().unwrap().unwrap().unwrap_err().is_aborted());
    assert_eq!(Arc::strong_count(&dropped), 1, "the source is dropped while the readable is not");
}

/// A file that was to be replaced stays as it was; behind `take_until`, what came before is committed.
#[tokio::test]
async fn abort_on_keeps_the_old_file_and_take_until_replaces_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "old").unwrap();
    let half = |token: &CancellationToken| {
        let token = token.clone();
        Readable::from_iter(["half ", "of it ", "and the rest"]).inspect(move |part| {
            if part.starts_with("of") {
                token.cancel();
            }
        })
    };
    let token = CancellationToken::new();
    let error = half(&token).abort_on(token).pipe_to(fs::replace(&path)).await.unwrap_err();
    assert!(error.is_aborted());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    let token = CancellationToken::new();
    let until = token.clone().cancelled_owned();
    half(&token).take_until(until).pipe_to(fs::replace(&path)).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "half of it ");
}

/// A millisecond of work. Panics when it is called more than twice and the other task has had no turn.
fn work(turns: &Arc<AtomicU64>) -> impl FnMut() + Send + Unpin + use<> {
    let (turns, mut seen, mut since) = (Arc::clone(turns), 0, 0);
    move || {
        let now = turns.load(SeqCst);
        since = if now == seen { since + 1 } else { 1 };
        seen = now;
        assert!(since <= 2, "{since} slow chunks, and nobody else had a turn");
        let began = std::time::SystemTime::now();
        while began.elapsed().is_ok_and(|spent| spent < Duration::from_millis(1)) {}
    }
}

/// Chunks of a millisecond of work each.
fn slow(turns: &Arc<AtomicU64>) -> Readable<impl Source<Chunk = u64> + Send + Unpin + use<>> {
    let mut work = work(turns);
    Readable::from_iter(0_u64..).inspect(move |_| work())
}

/// A writer that works for a millisecond on each byte.
struct Slow<F>(F);

impl<F: FnMut() + Unpin> AsyncWrite for Slow<F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.0();
        Poll::Ready(Ok(bytes.len().min(1)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Reads while another task takes ten turns on the same worker.
async fn beside<F: Future<Output: Send> + Send + 'static>(
    reading: impl FnOnce(&Arc<AtomicU64>) -> F,
) {
    let turns = Arc::<AtomicU64>::default();
    let reading = task::spawn(reading(&turns));
    for _ in 0..10 {
        turns.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
    }
    reading.abort();
    assert!(reading.await.is_err(), "it has no end, and has not panicked");
}

/// I37, F24: no poll lasts much longer than a slow chunk, whatever reads.
#[tokio::test]
async fn slow_chunks_share_the_worker() {
    let to = || destination_fn(|_: u64| async { Ok(()) });
    beside(|turns| slow(turns).pipe_to(to()).run()).await;
    beside(|turns| slow(turns).filter(|_| false).pipe_to(to()).run()).await;
    beside(|turns| slow(turns).count()).await;
    beside(|turns| slow(turns).filter(|_| false).count()).await;
    beside(|turns| slow(turns).buffer(HighWaterMark::items(4096)).count()).await;
    beside(|turns| slow(turns).for_each(|_| async { Ok(()) })).await;
    beside(|turns| {
        let mut readable = slow(turns);
        async move { while readable.next().await.is_some() {} }
    })
    .await;
}

/// I37, F24: the same for the stages that join, split and map.
#[tokio::test]
async fn slow_chunks_share_the_worker_beside_others() {
    let fast = || Readable::from_iter(0_u64..);
    beside(|turns| merge([slow(turns), slow(turns)]).count()).await;
    beside(|turns| merge([0; 64].map(|_| slow(turns).filter(|_| false))).count()).await;
    beside(|turns| slow(turns).zip(fast()).filter(|_| false).count()).await;
    beside(|turns| fast().zip(slow(turns).filter(|_| false)).count()).await;
    beside(|turns| fast().take(3).chain(slow(turns)).count()).await;
    beside(|turns| slow(turns).then(async |n| Ok(n)).filter(|_| false).count()).await;
    beside(|turns| slow(turns).take_until(std::future::pending::<()>()).count()).await;
    beside(|turns| slow(turns).abort_on(CancellationToken::new()).count()).await;
    beside(|turns| slow(turns).until_error(drop).catch_unwind().count()).await;
    beside(|turns| {
        let (writable, other) = pass_through::<u64>(HighWaterMark::items(4));
        let readable = Duplex::new(slow(turns), writable).readable;
        async move { (readable.count().await, other) }
    })
    .await;
    beside(|turns| {
        let mut branches = slow(turns).tee(2);
        let (one, other) = (branches.remove(0), branches.remove(0));
        async move { tokio::join!(one.count(), other.count()) }
    })
    .await;
    beside(|turns| {
        let (low, high) = slow(turns).route(|n| n % 2 == 0);
        async move { tokio::join!(low.count(), high.count()) }
    })
    .await;
    beside(|turns| {
        slow(turns)
            .demux(Demux::new(|_: &u64| 0))
            .for_each(async |(_, of)| of.count().await.map(drop))
    })
    .await;
    beside(|turns| slow(turns).parallel_map(64, async |n| Ok(n)).count()).await;
    beside(|turns| slow(turns).parallel_map_unordered(64, async |n| Ok(n)).count()).await;
    beside(|turns| slow(turns).parallel_map_by_key(64, |n| n % 3, async |n| Ok(n)).count()).await;
    beside(|turns| slow(turns).parallel_map_cpu(64, Ok).count()).await;
    beside(|turns| slow(turns).through(HighWaterMark::items(4096), copy).count()).await;
    beside(|turns| {
        let passes = transform_fn((), |_, n: u64, out| {
            out.push(n);
            Ok(())
        });
        slow(turns).offload(passes, HighWaterMark::items(4096)).count()
    })
    .await;
}

async fn copy<S: Source<Chunk = u64> + Unpin>(
    mut input: Readable<S>,
    output: Writable<u64>,
) -> Result<()> {
    while let Some(n) = input.next().await.transpose()? {
        output.send(n).await?;
    }
    Ok(())
}

/// I37, F24: the same for machines on time and on bytes, and for what copies bytes.
#[tokio::test]
async fn slow_bytes_share_the_worker() {
    let bytes = |turns: &Arc<AtomicU64>| slow(turns).map(|_| Bytes::from_static(b"7\n"));
    beside(|turns| slow(turns).batch(1_000_000, Duration::from_secs(3600)).count()).await;
    beside(|turns| slow(turns).rate_limit(Rate::per_second(1_000_000)).count()).await;
    beside(|turns| bytes(turns).csv::<(u64,)>().count()).await;
    beside(|turns| bytes(turns).ndjson::<u64>().count()).await;
    beside(|turns| bytes(turns).lines().count()).await;
    beside(|turns| bytes(turns).grep("8").count()).await;
    beside(|turns| bytes(turns).gzip(6).count()).await;
    beside(|turns| bytes(turns).parallel_gzip(ParallelGzip::threads(1)).count()).await;
    beside(|turns| bytes(turns).digest(Algorithm::Sha256)).await;
    beside(|turns| {
        let mut read = bytes(turns).into_async_read();
        async move { tokio::io::copy(&mut read, &mut sink()).await }
    })
    .await;
    beside(|turns| bytes(turns).pipe_to(io::write(sink())).run()).await;
    beside(|turns| io::read(bytes(turns).into_async_read()).filter(|_| false).count()).await;
    beside(|turns| http::read(http::body(bytes(turns))).filter(|_| false).count()).await;
    beside(|turns| {
        let read = join(bytes(turns).into_async_read(), sink());
        async move { copy_duplex(read, join(empty(), sink())).run().await }
    })
    .await;
    beside(|turns| {
        let write = join(empty(), Slow(work(turns)));
        async move { copy_duplex(join(repeat(7), sink()), write).run().await }
    })
    .await;
}
