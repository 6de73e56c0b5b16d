//! A source that is always ready does not keep the worker to itself (I37, C14, C26).
//!
//! One task reads, another counts its turns, on one thread. Every chunk looks at the count: between two turns of the
//! other task at the most 4096 chunks may pass, which is Tokio's budget of 128 at 32 chunks a unit.

use std::iter::from_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use futures::stream;
use highwater_core::operators::Chain;
use highwater_core::operators::{Chunks, FlatMap};
use highwater_core::{CancellationToken, Readable, Result, destination_fn, task};
use tokio::task::yield_now;

use crate::support::{Event, Log};

/// The turns of the other task, seen by an endless iterator.
#[derive(Clone, Default)]
struct Turns(Arc<AtomicU64>);

impl Turns {
    /// 0, 1, 2 and so on without end; panics when it gives too many without a turn of the other task.
    fn endless(&self) -> impl Iterator<Item = u64> + Send + use<> {
        let (turns, mut seen, mut since, mut next) = (self.clone(), 0, 0, 0);
        from_fn(move || {
            let now = turns.0.load(SeqCst);
            since = if now == seen { since + 1 } else { 1 };
            seen = now;
            assert!(since <= MOST_CHUNKS, "{since} chunks, and nobody else had a turn");
            next += 1;
            Some(next - 1)
        })
    }

    /// Reads while another task takes its turns; drops the reading when that one has had enough.
    async fn beside(self, reading: impl Future) {
        let other = task::spawn(async move {
            for _ in 0..ENOUGH_TURNS {
                self.0.fetch_add(1, SeqCst);
                yield_now().await;
            }
        });
        tokio::select! {
            biased;
            done = other => done.expect("it only counts"),
            _ = reading => panic!("the source has no end"),
        }
    }
}

/// `from_iter`, read by each of those that read in a loop.
/// Shows F24, I37.
#[tokio::test]
async fn from_iter() {
    let turns = Turns::default();
    turns.clone().beside(Readable::from_iter(turns.endless()).count()).await;
    let turns = Turns::default();
    turns.clone().beside(Readable::from_iter(turns.endless()).any(|_| false)).await;
    let turns = Turns::default();
    let to = destination_fn(|_| async { Ok(()) });
    turns.clone().beside(Readable::from_iter(turns.endless()).pipe_to(to).run()).await;
}

/// `next` in a loop that waits for nothing else.
#[tokio::test]
async fn next_in_a_loop() {
    let turns = Turns::default();
    let mut readable = Readable::from_iter(turns.endless());
    turns.beside(async { while readable.next().await.is_some() {} }).await;
}

/// `from_stream` and `from_results` of a stream that is always ready and knows of no budget.
#[tokio::test]
async fn from_stream() {
    let turns = Turns::default();
    let source = stream::iter(turns.endless());
    turns.beside(Readable::from_stream(source).count()).await;
    let turns = Turns::default();
    let source = stream::iter(turns.endless()).then_ok();
    turns.beside(Readable::from_results(source).filter(|_| false).count()).await;
}

trait ThenOk: futures::Stream + Sized {
    fn then_ok(self) -> impl futures::Stream<Item = Result<Self::Item>> {
        futures::StreamExt::map(self, Ok)
    }
}
impl<S: futures::Stream> ThenOk for S {}

/// An expansion without end.
/// Shows F28, I55.
#[tokio::test]
async fn an_endless_flat_map() {
    let turns = Turns::default();
    let all = turns.endless();
    let mut all = Some(all);
    let readable = Readable::once(()).flat_map(move |()| all.take().into_iter().flatten());
    turns.beside(readable.count()).await;
}

/// Machines that swallow all they are given.
/// Shows F13.
#[tokio::test]
async fn those_that_give_nothing() {
    let turns = Turns::default();
    turns.clone().beside(Readable::from_iter(turns.endless()).filter(|_| false).count()).await;
    let turns = Turns::default();
    turns.clone().beside(Readable::from_iter(turns.endless()).skip(usize::MAX).count()).await;
    let turns = Turns::default();
    turns
        .clone()
        .beside(Readable::from_iter(turns.endless()).flat_map(|_| None::<()>).count())
        .await;
    let turns = Turns::default();
    turns.clone().beside(Readable::from_iter(turns.endless()).chunks(usize::MAX).count()).await;
}

/// An expansion without end into a machine that swallows all, as two pipes.
#[tokio::test]
async fn an_endless_flat_map_into_a_filter_that_drops_all() {
    let turns = Turns::default();
    let mut all = Some(turns.endless());
    let endless = Readable::once(()).flat_map(move |()| all.take().into_iter().flatten());
    turns.beside(endless.filter(|_| false).count()).await;
}

/// The same as one machine. A machine cannot give way, so what a chain expands and swallows again is one step; it ends,
/// and the other task goes on behind it. This says how it is, not how it must be.
#[tokio::test]
async fn a_chain_that_swallows_its_own_expansion_is_one_step() {
    let group = std::num::NonZeroUsize::new(50_000).unwrap();
    let chain = Chain::new(FlatMap::new(|_: u32| 0..50_000_u32), Chunks::new(group));
    let readable = Readable::from_iter(0..3_u32).pipe(chain);
    assert_eq!(readable.map(|group| group.len()).to_vec().await.unwrap(), [50_000; 3]);
}

/// `then` with a future that is always ready, and two sources as one.
#[tokio::test]
async fn combined_sources() {
    let turns = Turns::default();
    let then = Readable::from_iter(turns.endless()).then(|x| async move { Ok(x) });
    turns.beside(then.filter(|_| false).count()).await;
    let turns = Turns::default();
    let zip = Readable::from_iter(turns.endless()).zip(Readable::from_iter(0_u32..));
    turns.beside(zip.filter(|_| false).count()).await;
    let turns = Turns::default();
    let chain = Readable::from_iter(0..99).chain(Readable::from_iter(turns.endless()));
    turns.beside(chain.count()).await;
}

/// C27: giving way is not being idle: the destination is not flushed for it.
#[tokio::test]
async fn giving_way_does_not_flush() {
    let (turns, flushes) = (Turns::default(), Arc::new(AtomicU64::new(0)));
    let to = CountFlushes(Arc::clone(&flushes));
    let source = Readable::from_stream(stream::iter(turns.endless())).filter(|x| x % 1000 == 0);
    turns.beside(source.pipe_to(to).run()).await;
    assert_eq!(flushes.load(SeqCst), 0);
}

struct CountFlushes(Arc<AtomicU64>);

impl highwater_core::Destination for CountFlushes {
    type Chunk = u64;

    async fn write(&mut self, _: u64) -> Result<()> {
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.0.fetch_add(1, SeqCst);
        Ok(())
    }
}

/// C1, rule 3 of `Destination`: a source that gives way first and is idle then has the destination flushed: a chunk is
/// not held back while there is nothing to do.
#[tokio::test]
async fn a_source_that_is_idle_behind_giving_way_is_flushed() {
    let log = Log::default();
    // One chunk passes; those behind it are dropped until the budget is spent, and some more; then nothing comes.
    let many = futures::StreamExt::chain(stream::iter(0..20_000_u32), stream::pending());
    let source = Readable::from_stream(many).filter(|x| *x == 0);
    let token = CancellationToken::new();
    let running = source.pipe_to(crate::support::Recorder::new(&log)).abort_on(token.clone());
    let running = task::spawn(running.run());
    for _ in 0..100 {
        yield_now().await;
    }
    let calls = log.calls();
    token.cancel();
    running.await.unwrap().unwrap_err();
    assert_eq!(calls, "open, write 0, flush");
    assert_eq!(log.count(Event::Abort), 1);
}

/// C14, F24, I37: an abort reaches a pipeline that never waits.
#[tokio::test]
async fn an_abort_reaches_a_busy_pipeline() {
    let turns = Turns::default();
    let to = destination_fn(|_| async { Ok(()) });
    let running = Readable::from_iter(turns.endless()).pipe_to(to).spawn();
    yield_now().await;
    turns.0.fetch_add(1, SeqCst);
    yield_now().await;
    running.abort();
    assert!(running.join().await.unwrap_err().is_aborted());
}

/// Tokio's budget of a task, in chunks.
const MOST_CHUNKS: u64 = 4096 + 64;
/// Turns of the other task after which a source is known to share.
const ENOUGH_TURNS: usize = 20;
