//! Batches, windows, debounce and sampling in streams, under a clock that stands still: I61, C70–C77, C84, F58.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::stream;
use highwater::batch::{Batch, Debounce, SampleLatest, Window};
use highwater::prelude::*;
use highwater_core::{Error, Readable, Source, destination_fn};
use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::support::{
    Event, Log, Step, drain, failing_scripts, poll_once, quiet, script, soon, values,
};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Numbers that come after these pauses, in milliseconds.
fn paused(pauses: impl IntoIterator<Item = u64>) -> Readable<impl Source<Chunk = u32> + Unpin> {
    let numbers = Readable::from_iter((0_u32..).zip(pauses.into_iter().collect::<Vec<_>>()));
    numbers.then(|(number, pause)| async move {
        sleep(ms(pause)).await;
        Ok(number)
    })
}

/// All that comes, and when, in milliseconds from now.
async fn timed<T, S>(mut readable: Readable<S>) -> Vec<(u128, T)>
where
    S: Source<Chunk = T> + Unpin,
{
    let (start, mut given) = (Instant::now(), Vec::new());
    while let Some(item) = soon(readable.next()).await {
        given.push((start.elapsed().as_millis(), item.unwrap()));
    }
    given
}

/// C70: behind a source that is always ready, and takes 1 ms per item, no item waits longer than it may.
#[tokio::test(start_paused = true)]
async fn a_batch_is_not_late_behind_an_always_ready_source() {
    let start = Instant::now();
    let busy = stream::poll_fn(move |_| {
        // The clock moves in the first poll of `advance`; what it waits for is only a turn of the others.
        assert!(poll_once(pin!(advance(ms(1)))).is_pending());
        Poll::Ready(Some(start.elapsed()))
    });
    let mut batches = Readable::from_stream(busy).batch(1_000_000, ms(10));
    for _ in 0..200 {
        let batch = batches.next().await.unwrap().unwrap();
        assert_eq!(start.elapsed() - batch[0], ms(10));
        assert_eq!(batch.len(), 11);
    }
}

/// C71, C75, C76, C84: deadline after deadline with an idle source: each batch is given once, at its time.
#[tokio::test(start_paused = true)]
async fn deadlines_that_pass_again_and_again() {
    let pauses = [0, 0, 30, 0, 5, 100, 9, 10, 11, 0];
    let given = timed(paused(pauses).batch(10, ms(10))).await;
    let expected = [
        (10, vec![0, 1]),
        (40, vec![2, 3, 4]),
        (145, vec![5, 6]),
        (164, vec![7]),
        (165, vec![8, 9]),
    ];
    assert_eq!(given, expected);
}

/// C72: all of it can be built, and dropped, where there is no runtime.
#[test]
fn no_runtime_is_needed_to_build_it() {
    let (source, second) = (|| Readable::from_iter(0..3_u32), Duration::from_secs(1));
    drop(source().batch(2, second).map(|batch| batch.len()));
    drop(source().debounce(second));
    drop(source().sample(second));
    drop(source().window(Window::tumbling(second, || 0, |n, _| *n += 1)));
    drop(source().batch(2, second).pipe_to(destination_fn(|_| async { Ok(()) })));
}

/// C73: given up at any moment, what was given, the remainder, and what the source still has are everything.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_of_a_stream_that_is_given_up() {
    for give_up in 0..60 {
        let mut source = paused([0, 3, 7, 1, 1, 1, 20, 0, 8, 2]);
        let mut batch = Batch::new().with_max_items(3).with_max_age(ms(6));
        let mut all = Vec::new();
        let lent = async {
            let mut batches = source.by_ref().pipe_timed(&mut batch);
            while let Some(batch) = batches.next().await {
                all.extend(batch.unwrap());
            }
        };
        drop(timeout(ms(give_up), lent).await);
        all.extend(batch.into_remainder());
        all.extend(source.to_vec().await.unwrap());
        assert_eq!(all, (0..10).collect::<Vec<_>>(), "after {give_up} ms");
    }
}

/// C77: a slow consumer gets what is due when it asks, and nothing more than that is read from the source.
#[tokio::test(start_paused = true)]
async fn a_slow_consumer_is_not_read_ahead_for() {
    let log = Log::default();
    let steps: Vec<_> = (0..10).map(Step::Chunk).collect();
    let mut batches = script(&log, &steps).batch(3, ms(10));
    let mut sizes = Vec::new();
    while let Some(batch) = batches.next().await {
        sizes.push(batch.unwrap().len());
        assert!(log.count(Event::Poll) <= sizes.iter().sum::<usize>() + 1);
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(sizes, [3, 3, 3, 1]);
}

/// F58, I49: half a batch reaches the destination before the error that interrupts it, without waiting for its time.
#[tokio::test(start_paused = true)]
async fn half_a_batch_comes_before_the_error() {
    let start = Instant::now();
    let steps = [Step::Chunk(1), Step::Chunk(2), Step::Chunk(3), Step::Error];
    let written = std::sync::Mutex::new(Vec::new());
    let to = destination_fn(|batch: Vec<u32>| {
        written.lock().unwrap().push(batch);
        async { Ok(()) }
    });
    let result = quiet(&steps).batch(2, Duration::from_secs(3600)).pipe_to(to).run().await;
    assert_eq!(result.unwrap_err().stage(), Some("script"));
    assert_eq!(*written.lock().unwrap(), [vec![1, 2], vec![3]]);
    assert_eq!(start.elapsed(), Duration::ZERO);

    let window = Window::tumbling(ms(5), || 0, |n, _| *n += 1);
    let (windows, error) = drain(quiet(&steps).window(window));
    assert_eq!((windows[0].value, windows[0].whole, windows.len()), (3, false, 1));
    assert!(error.is_some());
}

/// I50: a late item fails the stage, which says at which of its items.
#[tokio::test(start_paused = true)]
async fn a_late_item_is_blamed_on_the_window() {
    let window = Window::tumbling(ms(10), || 0, |n, _| *n += 1).with_time_of(|at: &u64| ms(*at));
    let (windows, error) = drain(Readable::from_iter([5, 25, 31, 9, 40]).window(window));
    let counted: Vec<_> = windows.iter().map(|window| (window.value, window.whole)).collect();
    assert_eq!(counted, [(1, true), (1, true), (1, false)]);
    let error: Error = error.unwrap();
    assert!(error.is_corrupt());
    assert_eq!((error.stage(), error.chunk()), (Some("window"), Some(3)));
}

/// C84: windows by arrival end on time though nothing comes.
#[tokio::test(start_paused = true)]
async fn windows_end_on_time() {
    let window = Window::sliding(ms(20), ms(10), || 0, |n, _: u32| *n += 1, |a, b| *a += *b);
    let windows = paused([7, 0, 9, 100]).window(window).map(|w| (w.items, w.whole));
    // The first item comes after 7 ms, and is the time 0 of the windows.
    let expected = [(17, (3, true)), (27, (3, true)), (116, (1, false)), (116, (1, false))];
    assert_eq!(timed(windows).await, expected);
}

/// C84: debounce and sample in a stream.
#[tokio::test(start_paused = true)]
async fn debounce_and_sample() {
    let pauses = || paused([0, 3, 3, 50, 3, 3, 3, 3, 3]);
    let quiet = Debounce::new(ms(10)).with_max_wait(ms(12));
    let given = timed(pauses().pipe_timed(quiet)).await;
    assert_eq!(given, [(12, 2), (68, 6), (71, 8)]);
    assert_eq!(timed(pauses().sample(ms(10))).await, [(10, 2), (60, 4), (70, 7), (71, 8)]);
    assert_eq!(timed(pauses().pipe_timed(SampleLatest::new(ms(40)))).await, [(40, 2), (71, 8)]);
}

proptest! {
    /// I61: batches put together are the input, whatever the sizes and pauses, up to an error and at the end.
    #[test]
    fn batches_put_together_are_the_input(steps in failing_scripts(), n in 1..6_usize) {
        let (batches, error) = drain(quiet(&steps).batch(n, Duration::MAX));
        let all: Vec<_> = values(&steps).collect();
        let expected: Vec<_> = all.chunks(n).map(<[u32]>::to_vec).collect();
        prop_assert_eq!(batches, expected);
        prop_assert_eq!(error.is_some(), steps.contains(&Step::Error));
    }
}
