//! Chunks before a panic, and writers that learn why their reader is gone.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{FutureExt, Stream};
use highwater::mux::{Branch, Demux, MuxExt as _, OnFull, merge};
use highwater::parallel_map::ParallelMapExt as _;
use highwater_core::stage::StageInfo;
use highwater_core::{
    BoxReadable, Buffered, CancellationToken, Duplex, Error, HighWaterMark, Readable, Result,
    Source, Transform, Writable, destination_fn, pass_through, task,
};
use highwater_test::poll_once;

use super::made::settle;

fn items<T>(high: usize) -> HighWaterMark<T> {
    HighWaterMark::items(high)
}

/// Numbers from 0; instead of the one at `at` comes a panic.
fn panics(at: u32) -> BoxReadable<u32> {
    let numbers = Readable::from_iter(0..at + 10).map(move |n| {
        assert!(n < at, "no more");
        n
    });
    numbers.boxed()
}

/// All chunks, and the error behind them.
async fn all<S: Source + Send + 'static>(readable: Readable<S>) -> (Vec<S::Chunk>, Option<Error>)
where
    S::Chunk: Send + 'static,
{
    let (mut readable, mut chunks) = (readable.boxed(), Vec::new());
    loop {
        match readable.next().await {
            Some(Ok(chunk)) => chunks.push(chunk),
            end => return (chunks, end.and_then(Result::err)),
        }
    }
}

/// A3, I2: chunks before a panic come first, and then the panic as the error of its stage, as any error does.
async fn comes_behind<S: Source<Chunk = u32> + Send + 'static>(
    what: &str,
    make: impl Fn(BoxReadable<u32>) -> Readable<S>,
) {
    for at in [0, 1, 63, 900] {
        let (chunks, error) = all(make(panics(at))).await;
        assert!(chunks.iter().copied().eq(0..at), "{what}: {} of {at}", chunks.len());
        let error = error.unwrap_or_else(|| panic!("{what}: no error"));
        assert!(error.is_panic(), "{what}: {error}");
        assert_eq!(error.stage(), Some("map"), "{what}");
    }
}

struct Pass;

impl Transform for Pass {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, n: u32) -> Result<Option<u32>> {
        Ok(Some(n))
    }
}

/// Shows I2.
#[tokio::test]
async fn chunks_before_a_panic_of_the_source_come_first() {
    for mark in [1, 16, 64, 1024] {
        comes_behind("buffer", |source| source.buffer(items(mark))).await;
        comes_behind("offload", |source| source.offload(Pass, items(mark))).await;
    }
    let through = |source: BoxReadable<u32>| {
        source.through(items(16), |mut input, output| async move {
            while let Some(n) = input.next().await.transpose()? {
                output.send(n).await?;
            }
            Ok(())
        })
    };
    comes_behind("through", through).await;
    comes_behind("tee", |source| source.tee(1).remove(0)).await;
    comes_behind("parallel_map", |source| source.parallel_map(8, |n| async move { Ok(n) })).await;
    comes_behind("parallel_map_cpu", |source| source.parallel_map_cpu(2, Ok)).await;
}

/// A machine that panics.
struct Fragile;

impl Transform for Fragile {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, n: u32) -> Result<Option<u32>> {
        assert!(n < 50, "fragile");
        Ok(Some(n))
    }
}

#[tokio::test]
async fn chunks_before_a_panic_of_an_offloaded_machine_come_first() {
    let (chunks, error) = all(Readable::from_iter(0..100).offload(Fragile, items(1024))).await;
    assert!(chunks.into_iter().eq(0..50));
    assert_eq!(error.unwrap().stage(), Some("Fragile"));
}

#[tokio::test]
async fn the_stream_of_every_key_gets_the_panic_of_a_demux() {
    let by_key = [
        panics(4).demux(Demux::new(|n: &u32| n % 2)),
        Readable::from_iter(0..9).boxed().demux(Demux::new(|n: &u32| {
            assert!(*n < 4, "no more");
            n % 2
        })),
    ];
    for mut streams in by_key {
        for parity in 0..2 {
            let (key, stream) = streams.next().await.unwrap().unwrap();
            assert_eq!(key, parity);
            let (chunks, error) = all(stream).await;
            assert_eq!(chunks, [parity, parity + 2]);
            assert!(error.unwrap().is_panic());
        }
        assert!(streams.next().await.unwrap().unwrap_err().is_panic());
    }
}

fn is(error: &Error, message: &str) -> bool {
    error.to_string().starts_with(message)
}

/// Fails at the number 2.
fn odd(n: u32) -> Result<u32> {
    if n == 2 { Err(Error::msg("even")) } else { Ok(n) }
}

/// A writer that waits for room, and one that comes later, learn the error with which the reader fails.
async fn learns<F, Fut>(what: &str, message: &str, fail: F)
where
    F: FnOnce(Readable<Buffered<u32>>) -> Fut,
    Fut: Future<Output = ()>,
{
    let (writable, readable) = pass_through(items(3).with_low(0));
    for n in 0..3 {
        writable.write(n).map(drop).unwrap();
    }
    let mut waits = pin!(async {
        // Whether there is room for it depends on how far the reader comes before it fails.
        writable.send(3).await?;
        writable.finish().await
    });
    assert!(poll_once(waits.as_mut()).is_pending());
    fail(readable).await;
    settle().await;
    let error = waits.now_or_never().unwrap_or_else(|| panic!("{what}: it waits for ever"));
    let error = error.expect_err(what);
    assert!(is(&error, message), "{what}: {error}");
    let refused = writable.write(4).unwrap_err();
    assert!(is(refused.error(), message), "{what}: {refused}");
}

async fn to_the_end<S: Source + Send + 'static>(readable: Readable<S>)
where
    S::Chunk: Send + 'static,
{
    assert!(readable.boxed().for_each(|_| async { Ok(()) }).await.is_err());
}

/// Reads by hand, without a pipeline, and keeps the readable until the writers were looked at.
async fn by_hand<S: Source + Send + 'static>(readable: Readable<S>)
where
    S::Chunk: Send + 'static,
{
    let mut readable = readable.boxed();
    while let Some(Ok(_)) = readable.next().await {}
    settle().await;
}

/// An error of another source, which is behind this one or beside it.
fn broken() -> Readable<impl Source<Chunk = u32> + Unpin + Send> {
    Readable::from_iter(2..3).try_map(odd)
}

/// As a stage that fails, so do those that put several sources together.
#[tokio::test(start_paused = true)]
async fn a_writer_learns_the_error_of_another_source() {
    learns("merge", "even", |r| to_the_end(merge([r.boxed(), broken().boxed()]))).await;
    learns("zip", "even", |r| by_hand(r.zip(broken()))).await;
    learns("chain", "even", |r| by_hand(broken().chain(r))).await;
    learns("then", "even", |r| by_hand(r.then(|n| async move { odd(n) }))).await;
    learns("a timeout", "no chunk for 1s", |r| by_hand(r.idle_timeout(Duration::from_secs(1))))
        .await;
}

/// N106, N126: whoever writes into a chain that fails learns the error, not only that nobody reads any more.
#[tokio::test]
async fn a_writer_learns_the_error_of_the_stage_that_reads_it() {
    learns("by hand", "even", |r| by_hand(r.try_map(odd))).await;
    learns("a pipeline", "even", |r| to_the_end(r.try_map(odd))).await;
    learns("a chain", "even", |r| to_the_end(r.map(|n| n).try_map(odd).filter(|_| true))).await;
    learns("a buffer", "even", |r| to_the_end(r.buffer(items(2)).try_map(odd))).await;
    learns("two buffers", "even", |r| to_the_end(r.buffer(items(2)).buffer(items(2)).try_map(odd)))
        .await;
    learns("before a buffer", "even", |r| to_the_end(r.try_map(odd).buffer(items(2)))).await;
    learns("offload", "even", |r| to_the_end(r.offload(Pass, items(2)).try_map(odd))).await;
    learns("a panic", "panicked: fragile", |r| to_the_end(r.map(|n| n + 50).pipe(Fragile))).await;
    learns("an offloaded panic", "panicked: fragile", |r| {
        to_the_end(r.map(|n| n + 50).offload(Fragile, items(2)))
    })
    .await;
}

#[tokio::test]
async fn a_writer_learns_the_error_of_the_async_stage_that_reads_it() {
    let stage = |mut input: Readable<Buffered<u32>>, output: Writable<u32>| async move {
        while let Some(n) = input.next().await.transpose()? {
            output.send(odd(n)?).await?;
        }
        Ok(())
    };
    learns("through", "even", |r| to_the_end(r.through(items(2), stage))).await;
    learns("a panic", "panicked: late", |r| {
        to_the_end(r.through(items(2), |input, _: Writable<u32>| async move {
            drop(input);
            panic!("late")
        }))
    })
    .await;
}

#[tokio::test]
async fn a_writer_learns_the_error_of_the_pipeline_that_reads_it() {
    let failing = || destination_fn(|n: u32| async move { odd(n).map(drop) });
    learns("a destination", "even", |r| async {
        assert!(r.pipe_to(failing()).run().await.is_err())
    })
    .await;
    learns("a destination behind a buffer", "even", |r| async {
        assert!(r.buffer(items(2)).pipe_to(failing()).run().await.is_err());
    })
    .await;
    learns("an abort", "aborted", |r| async {
        let token = CancellationToken::new();
        let running = r.pipe_to(destination_fn(|_| std::future::pending())).abort_on(token.clone());
        let running = running.spawn();
        settle().await;
        token.cancel();
        assert!(running.join().await.unwrap_err().is_aborted());
    })
    .await;
}

/// An early end is no error, and leaves the writer with a premature close.
#[tokio::test]
async fn a_reader_that_needs_no_more_is_a_premature_close() {
    learns("take", "closed before its end", |r| async {
        assert_eq!(r.take(1).to_vec().await.unwrap(), [0]);
    })
    .await;
    learns("through", "closed before its end", |r| async {
        let early = r.through(items(2), |input, _: Writable<u32>| async move {
            drop(input);
            Ok(())
        });
        assert_eq!(early.count().await.unwrap(), 0);
    })
    .await;
    learns("a drop", "closed before its end", |r| async { drop(r) }).await;
}

/// N114: a failed writing side stops the reading side before its next chunk, however much that has at hand.
#[tokio::test]
async fn a_failed_writing_side_stops_a_reading_side_that_is_always_ready() {
    let failing = destination_fn(|_: u32| async { Err(Error::msg("broken")) });
    let mut duplex =
        Duplex::new(Readable::from_iter(0..1_000_000), Writable::new(failing, items(4)));
    assert_eq!(duplex.readable.next().await.unwrap().unwrap(), 0);
    duplex.writable.write(1).map(drop).unwrap();
    settle().await;
    assert!(is(&duplex.readable.next().await.unwrap().unwrap_err(), "broken"));
    assert!(duplex.readable.next().await.is_none());

    let (out, mut sent) = pass_through::<u32>(items(4));
    let mut duplex = Duplex::new(Readable::from_iter(0..1_000_000), out);
    duplex.writable.fail(Error::msg("behind the last"));
    assert_eq!(duplex.readable.next().await.unwrap().unwrap(), 0, "it has not come out yet");
    assert!(sent.next().await.unwrap().is_err());
    assert!(is(&duplex.readable.next().await.unwrap().unwrap_err(), "behind the last"));
}

/// N114: the reading side does not wait until the destination of the writing side is aborted.
#[tokio::test]
async fn a_failed_writing_side_wakes_the_reading_side_at_once() {
    struct Stuck;
    impl highwater_core::Destination for Stuck {
        type Chunk = u32;

        async fn write(&mut self, _: u32) -> Result<()> {
            Err(Error::msg("broken"))
        }

        async fn abort(&mut self, _: &Error) -> Result<()> {
            std::future::pending().await
        }
    }
    let (_there, here) = pass_through::<u32>(items(4));
    let (mut readable, writable) = Duplex::new(here, Writable::new(Stuck, items(4))).split();
    let reading = task::spawn(async move { readable.next().await });
    settle().await;
    writable.write(1).map(drop).unwrap();
    settle().await;
    let read = reading.now_or_never().expect("at once").unwrap();
    assert!(is(&read.unwrap().unwrap_err(), "broken"));
}

/// N114, N151: a stage between the ends that fails tells both its error.
#[tokio::test]
async fn a_composition_that_fails_tells_its_writer_why() {
    learns("a composition", "even", |tail| async {
        let (head, _kept) = pass_through::<u32>(items(1));
        let mut readable = Duplex::new(tail.try_map(odd), head.clone()).readable;
        let polled = std::iter::repeat_with(|| poll_once(pin!(readable.next())));
        let errors =
            polled.take(4).filter(|next| matches!(next, Poll::Ready(Some(Err(_))))).count();
        assert_eq!(errors, 1);
        assert!(is(&head.error().unwrap(), "even"));
    })
    .await;
}

/// A stage that fails at its third chunk and keeps its source, as one of user code may.
struct Keeps<S>(S, u32);

impl<S: Source + Unpin> Stream for Keeps<S> {
    type Item = Result<S::Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.1 += 1;
        if self.1 > 2 {
            return Poll::Ready(Some(Err(Error::msg("broken"))));
        }
        Pin::new(&mut self.0).poll_next(cx)
    }
}

impl<S: Source + Unpin> Source for Keeps<S> {
    type Chunk = S::Chunk;
}

/// Whoever writes to a stage of user code that fails gets its error, whatever stage of ours drops the source then.
#[tokio::test]
async fn a_writer_learns_the_error_of_a_stage_that_keeps_its_source() {
    async fn learns<S: Source<Chunk = u32> + Send + 'static>(
        what: &str,
        make: impl FnOnce(BoxReadable<u32>) -> Readable<S>,
    ) {
        let (writable, readable) = pass_through(items(8));
        for n in 0..4 {
            writable.send(n).await.unwrap();
        }
        let keeps = readable.stage(StageInfo::new("keeps"), |source| Keeps(source, 0));
        let mut made = make(keeps.boxed()).boxed();
        while made.next().await.is_some_and(|next| next.is_ok()) {}
        let refused = writable.write(9).unwrap_err();
        assert!(is(refused.error(), "broken"), "{what}: {}", refused.error());
        drop(made);
    }
    learns("map", |keeps| keeps.map(|n| n)).await;
    learns("then", |keeps| keeps.then(async |n| Ok(n))).await;
    learns("chain", |keeps| keeps.chain(Readable::empty())).await;
    learns("chained", |keeps| Readable::empty().chain(keeps)).await;
    learns("zip", |keeps| keeps.zip(Readable::from_iter(0..)).map(|(n, _): (_, u32)| n)).await;
    learns("take_until", |keeps| keeps.take_until(std::future::pending::<()>())).await;
    learns("until_error", |keeps| keeps.until_error(drop)).await;
    learns("abort_on", |keeps| keeps.abort_on(CancellationToken::new())).await;
    learns("idle_timeout", |keeps| keeps.idle_timeout(Duration::from_secs(9))).await;
    learns("buffer", |keeps| keeps.buffer(items(8))).await;
    learns("merge", |keeps| merge([keeps])).await;
    learns("tee", |keeps| keeps.tee(1).remove(0)).await;
    learns("parallel_map", |keeps| keeps.parallel_map(2, async |n| Ok(n))).await;
    learns("parallel_map_cpu", |keeps| keeps.parallel_map_cpu(2, Ok)).await;
}

/// The same for a branch that fails by its own policy.
#[tokio::test]
async fn a_writer_learns_the_limit_of_a_branch() {
    let (writable, readable) = pass_through(items(8));
    for n in 0..4 {
        writable.send(n).await.unwrap();
    }
    let full = Branch::new(items(1)).on_full(OnFull::Fail);
    let (_, mut branches) = readable.broadcast([full]);
    let (chunks, error) = all(branches.remove(0)).await;
    assert!(chunks == [0] && error.unwrap().is_limit(), "{chunks:?}");
    assert!(writable.write(9).unwrap_err().error().is_limit());
}
