//! Merge: fairness, cost, ends, and inputs that come and go.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use futures::{FutureExt, Stream, stream};
use highwater_core::{Error, HighWaterMark, Readable, pass_through, task};
use highwater_test::Wakes;
use tokio::task::coop;
use tokio::time::sleep;

use super::{MS, Random, Watch, failing, slow, soon};
use crate::{merge, merge_with_handle};

/// C86: inputs that are always ready get equal shares.
#[tokio::test]
async fn ready_inputs_have_equal_shares() {
    for inputs in [1, 2, 3, 50] {
        let merged = merge((0..inputs).map(|input| Readable::from_iter(std::iter::repeat(input))));
        let taken = merged.take(inputs * 100).to_vec().await.unwrap();
        for input in 0..inputs {
            assert_eq!(taken.iter().filter(|x| **x == input).count(), 100, "of {inputs}");
        }
    }
}

/// C87: idle inputs are polled at the start, and never again, however much comes by: the cost of a chunk does not depend on how many there are.
#[tokio::test]
async fn idle_inputs_are_not_polled() {
    let polls = Arc::new(AtomicUsize::new(0));
    let idle = (0..10_000).map(|_| {
        let polls = Arc::clone(&polls);
        let idle = stream::poll_fn(move |_| {
            polls.fetch_add(1, SeqCst);
            Poll::<Option<u64>>::Pending
        });
        Readable::from_stream(idle).boxed()
    });
    let mut merged = merge(idle.chain([Readable::from_iter(0..50_000).boxed()]));
    assert_eq!(merged.next().await.unwrap().unwrap(), 0);
    // One look at each; a second one where the budget of the task ran out, once in about 128.
    let looks = polls.load(SeqCst);
    assert!((10_000..10_200).contains(&looks), "{looks}");
    assert_eq!(merged.take(49_999).to_vec().await.unwrap().len(), 49_999);
    assert_eq!(polls.load(SeqCst), looks);
}

/// An input that is woken though it is ready anyway has no more turns than the others.
/// Shows F5.
#[tokio::test]
async fn a_wake_too_many_gives_no_turn() {
    let eager = stream::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Ready(Some(0))
    });
    let calm = Readable::from_iter(std::iter::repeat(1)).boxed();
    let merged = merge([Readable::from_stream(eager).boxed(), calm]).take(200).to_vec();
    assert_eq!(merged.await.unwrap().into_iter().sum::<i32>(), 100);
}

/// An input that wakes itself while it is polled is looked at again, though the task does not wait yet.
#[tokio::test(start_paused = true)]
async fn an_input_that_wakes_itself_has_another_turn() {
    let giving_way = |left: u32| {
        let (mut left, mut polls) = (left, 0);
        Readable::from_stream(stream::poll_fn(move |cx| {
            polls += 1;
            if polls % 2 == 1 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            left = left.saturating_sub(1);
            Poll::Ready((left > 0).then_some(left))
        }))
    };
    let merged = merge([giving_way(4), giving_way(6)]).to_vec();
    let merged = soon(merged).await.unwrap();
    assert_eq!(merged.len(), 8);
}

/// No wake is lost that comes from another thread at whatever moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_are_woken_from_other_threads() {
    let (mut inputs, mut writing) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (writable, readable) = pass_through(HighWaterMark::items(1));
        inputs.push(readable);
        writing.push(task::spawn(async move {
            for n in 0..5000_u32 {
                writable.send(n).await.unwrap();
            }
            writable.end();
        }));
    }
    // On a task of its own, so that it is on another thread than most of the writers.
    let merged = task::spawn(merge(inputs).count());
    let merged = tokio::time::timeout(MS * 60_000, merged).await.expect("it is woken");
    assert_eq!(merged.unwrap().unwrap(), 20_000);
    for task in writing {
        task.await.unwrap();
    }
}

/// C88, N123: the end comes when all have ended, in whatever order, and none at once without inputs.
#[tokio::test(start_paused = true)]
async fn a_merge_ends_after_all_its_inputs() {
    for (first, second) in [(3, 50), (50, 3), (0, 5), (0, 0)] {
        let merged = merge([slow(first, 1), slow(second, 2)]).to_vec().await.unwrap();
        assert_eq!(merged.len() as u64, first + second);
    }
    assert!(merge(Vec::<Readable<Empty>>::new()).to_vec().await.unwrap().is_empty());
}

type Empty = highwater_core::source::FromIter<std::vec::IntoIter<u8>>;

/// C88: the sizes that inputs announce are not added up.
#[test]
fn sizes_of_inputs_do_not_overflow() {
    let merged = merge([0, 1].map(|x| Readable::from_iter(std::iter::repeat(x))));
    assert_eq!(merged.size_hint(), (0, None));
}

/// Every chunk once, in the order of its input, whatever the delays; inputs come while it runs.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_each_input_keeps_its_order() {
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let (inputs, each) = (1 + random.below(20), 1 + random.below(40));
        let (handle, merged) = merge_with_handle(20);
        let adding = task::spawn(async move {
            for input in 0..inputs {
                sleep(random.pause()).await;
                handle.add(slow(each, seed + input).map(move |n| (input, n))).unwrap();
            }
        });
        let all = merged.to_vec().await.unwrap();
        adding.await.unwrap();
        for input in 0..inputs {
            let of_input = all.iter().filter(|(from, _)| *from == input).map(|(_, n)| *n);
            assert!(of_input.eq(0..each), "seed {seed}, input {input}");
        }
        assert_eq!(all.len() as u64, inputs * each);
    }
}

/// An error comes in its place, ends the merge, and drops the other inputs; nothing is taken any more.
#[tokio::test]
async fn the_first_error_ends_the_merge() {
    let watch = Watch::default();
    let (handle, mut merged) = merge_with_handle(4);
    handle.add(failing(3)).unwrap();
    handle.add(watch.source().map(|_| 100).boxed()).unwrap();
    let mut of_failing = Vec::new();
    let error = loop {
        match merged.next().await.unwrap() {
            Ok(100) => {}
            Ok(n) => of_failing.push(n),
            Err(error) => break error,
        }
    };
    assert_eq!((of_failing, error.stage()), (vec![0, 1, 2], Some("try_map")));
    assert!(watch.is_dropped());
    assert!(merged.next().await.is_none());
    let refused = handle.add(failing(0)).unwrap_err();
    assert!(refused.error().is_premature_close());
    assert!(refused.into_input().next().await.unwrap().is_err());
}

/// An input that is removed is dropped, the others go on; one that has ended cannot be removed.
#[tokio::test]
async fn inputs_are_removed_while_it_runs() {
    let watch = Watch::default();
    let (handle, mut merged) = merge_with_handle(2);
    let endless = handle.add(watch.source().boxed()).unwrap();
    let short = handle.add(Readable::from_iter([1000]).boxed()).unwrap();
    assert!(Error::from(handle.add(Readable::from_iter([0]).boxed()).unwrap_err()).is_limit());
    for _ in 0..5 {
        merged.next().await.unwrap().unwrap();
    }
    assert!(!handle.remove(short), "it has ended");
    assert!(handle.remove(endless) && !handle.remove(endless));
    assert_eq!(handle.inputs(), 0);
    assert!(merged.next().now_or_never().is_none(), "the handle may add one still");
    assert!(watch.is_dropped());
    handle.add(Readable::from_iter([7]).boxed()).unwrap();
    assert_eq!(merged.next().await.unwrap().unwrap(), 7);
    drop(handle);
    assert!(merged.next().await.is_none());
}

/// A merge that waits is woken by each thing that a handle asks for, and by the last handle that is dropped; otherwise it
/// sleeps.
#[test]
fn a_merge_that_waits_hears_of_its_handles() {
    let idle = || Readable::from_stream(stream::pending::<u64>());
    let (handle, mut merged) = merge_with_handle(8);
    let (waker, wakes) = Wakes::waker();
    let mut poll =
        || pin!(merged.next()).poll(&mut Context::from_waker(&waker)).map(|next| next.is_none());
    let mut sleeps = |woken| {
        assert_eq!(wakes.count(), woken);
        assert!(poll().is_pending() && poll().is_pending());
        assert_eq!(wakes.count(), woken, "it wakes itself");
    };
    sleeps(0);
    let id = handle.add(idle()).unwrap();
    sleeps(1);
    assert!(handle.remove(id));
    sleeps(2);
    let other = handle.clone();
    drop(handle);
    sleeps(3);
    drop(other);
    assert_eq!((wakes.count(), poll()), (4, Poll::Ready(true)));
}

/// A merge that yields because the budget of its task is spent wakes the task, although it listens to no input by then.
#[tokio::test]
async fn a_merge_that_yields_wakes_its_task() {
    let spends = stream::poll_fn(|cx| {
        while let Poll::Ready(unit) = coop::poll_proceed(cx) {
            unit.made_progress();
        }
        Poll::<Option<u64>>::Pending
    });
    let mut merged = merge([Readable::from_stream(spends)]);
    let (waker, wakes) = Wakes::waker();
    assert!(pin!(merged.next()).poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(wakes.count(), 1);
}

/// It takes no inputs.
#[test]
#[should_panic(expected = "a merge of 0 inputs")]
fn a_merge_of_no_inputs_is_a_mistake() {
    drop(merge_with_handle::<Empty>(0));
}
