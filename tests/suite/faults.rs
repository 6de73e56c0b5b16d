//! Faults of the matrix in docs/RELIABILITY.md that belong to no single part.

use std::pin::pin;
use std::task::Context;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use highwater::batch::BatchExt;
use highwater::lines::LinesExt;
use highwater::parallel_map::{ParallelMap, ParallelMapExt};
use highwater::sql::{self, Database};
use highwater_core::observe::Stall;
use highwater_core::{BoxReadable, HighWaterMark, Readable, destination_fn, pass_through};
use highwater_test::{Tokens, Wakes};

/// F5: 100 000 writes between two polls of the reader wake it once, because a waker is used up by its wake.
#[test]
fn many_writes_between_two_polls_wake_the_reader_once() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(1).with_hard(usize::MAX));
    let (waker, wakes) = Wakes::waker();
    assert!(pin!(readable.next()).poll(&mut Context::from_waker(&waker)).is_pending());
    for n in 0..100_000 {
        let _room = writable.write(n).unwrap();
    }
    assert_eq!(wakes.count(), 1);
}

/// F13: a million chunks of no bytes are no end and no line, and are passed over in one go.
#[tokio::test]
async fn a_million_empty_chunks_are_neither_an_end_nor_a_line() {
    let empty = Readable::from_iter((0..1_000_000).map(|_| Bytes::new()));
    let chunks = empty.chain(Readable::once(Bytes::from("last")));
    let lines = chunks.lines().map(|line| line.to_vec()).to_vec().await.unwrap();
    assert_eq!(lines, [b"last"]);
}

/// F18, I46: a runtime that is shut down takes a pipeline with it, at each of its steps: nothing panics, and nothing of it
/// is left.
#[test]
fn a_runtime_that_is_shut_down_drops_its_pipelines() {
    for steps in 0..20 {
        let tokens = Tokens::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let chunks = {
            let tokens = tokens.clone();
            (0..10).map(move |n| tokens.token(n))
        };
        let slow = destination_fn(|chunk| async move {
            tokio::task::yield_now().await;
            drop(chunk);
            Ok(())
        });
        let running = runtime.block_on(async {
            let source = Readable::from_iter(chunks).buffer(HighWaterMark::items(2));
            let running = source.pipe_to(slow).spawn();
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
            running
        });
        runtime.shutdown_background();
        drop(running);
        assert_eq!(tokens.alive(), 0, "after {steps} steps");
    }
}

/// F26: a thousand stages in boxes are polled and dropped on the 2 MiB of stack that a worker of Tokio has.
#[test]
fn a_thousand_boxed_stages_fit_on_the_stack_of_a_worker() {
    let worker = thread::Builder::new().stack_size(2 << 20);
    let deep = worker.spawn(|| {
        let source: BoxReadable<u32> = Readable::from_iter(0..3).boxed();
        let deep = (0..1000).fold(source, |source, _| source.map(|n| n + 1).boxed());
        futures::executor::block_on(deep.to_vec())
    });
    let all = deep.unwrap().join().expect("the stack is deep enough");
    assert_eq!(all.unwrap(), [1000, 1001, 1002]);
}

/// F29: limits of the longest duration never end anything, and none of them panics.
#[tokio::test(start_paused = true)]
async fn the_longest_durations_are_as_good_as_no_limit() {
    const LONG: Duration = Duration::MAX;
    let slow = Readable::from_iter(0..4_u32).then(|n| async move {
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        Ok(n)
    });
    let limited = slow.first_timeout(LONG).idle_timeout(LONG).total_timeout(LONG);
    let batches = limited
        .parallel_map_with(ParallelMap::new(2, |n| async move { Ok(n) }).with_timeout(LONG))
        .debounce(Duration::ZERO)
        .batch(2, LONG);
    let (to, all) = tokio::sync::mpsc::channel(4);
    let stalled = |stall: &Stall| panic!("{stall}");
    batches.pipe_to(to).stall_after(LONG, stalled).with_close_timeout(LONG).run().await.unwrap();
    assert_eq!(all.len(), 2);

    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(folder.path().join("file")).with_wait_timeout(LONG);
    let rows = sql::rows::<(i64,)>(&database, "select 1");
    assert!(rows.count().await.is_err(), "there is no such file, which is said");
}
