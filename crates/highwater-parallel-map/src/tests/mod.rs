//! The maps under delays, errors, panics and cancels.

mod bounds;
mod chaos;
mod ends;
mod pool;
mod processor;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use highwater_core::record::OnFailure;
use highwater_core::{Error, Readable, Result};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::{ParallelMap, ParallelMapExt as _, WorkerPool};

const MS: Duration = Duration::from_millis(1);

/// A delay for each item that looks random, in milliseconds.
fn delay(x: u64) -> Duration {
    MS * u32::try_from((x * 7919 + 13) % 23).expect("it is below 23")
}

/// Counts how many are inside at the same time.
#[derive(Clone, Default)]
struct Inside(Arc<(AtomicUsize, AtomicUsize)>);

impl Inside {
    fn enter(&self) -> Guard {
        let now = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.fetch_max(now, SeqCst);
        Guard(self.clone())
    }

    fn most(&self) -> usize {
        self.0.1.load(SeqCst)
    }
}

/// Lets every other task do what it can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

struct Guard(Inside);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, SeqCst);
    }
}

/// I62, N154, C25: the order of the input whatever the delays, and never more than n at a time.
#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_of_the_input() {
    for n in [1, 2, 7, 1024] {
        let inside = Inside::default();
        let counted = inside.clone();
        let mapped = Readable::from_iter(0..500_u64).parallel_map(n, move |x| {
            let counted = counted.clone();
            async move {
                let _guard = counted.enter();
                sleep(delay(x)).await;
                Ok(x * 2)
            }
        });
        assert!(mapped.to_vec().await.unwrap().into_iter().eq((0..500).map(|x| x * 2)), "n {n}");
        assert!(inside.most() <= n && (n > 7 || inside.most() == n), "n {n}: {}", inside.most());
    }
}

/// I62: unordered gives the same results, the quick ones first.
#[tokio::test(start_paused = true)]
async fn unordered_results_come_as_they_are_done() {
    let mapped = Readable::from_iter([30, 10, 20]).parallel_map_unordered(3, |x: u32| async move {
        sleep(x * MS).await;
        Ok(x)
    });
    assert_eq!(mapped.to_vec().await.unwrap(), [10, 20, 30]);
    let mapped = Readable::from_iter(0..500).parallel_map_unordered(16, |x| async move {
        sleep(delay(x)).await;
        Ok(x)
    });
    let mut all = mapped.to_vec().await.unwrap();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..500));
}

/// Per key the order of the input, and one at a time.
#[tokio::test(start_paused = true)]
async fn items_with_the_same_key_keep_their_order() {
    let busy = Arc::new(Mutex::new(HashMap::<u64, bool>::new()));
    let watch = Arc::clone(&busy);
    let mapped = Readable::from_iter(0..400_u64).parallel_map_by_key(
        8,
        |x| x % 5,
        move |x| {
            let watch = Arc::clone(&watch);
            async move {
                assert_eq!(
                    watch.lock().unwrap().insert(x % 5, true),
                    Some(false).filter(|_| x >= 5)
                );
                sleep(delay(x)).await;
                watch.lock().unwrap().insert(x % 5, false);
                Ok(x)
            }
        },
    );
    let all = mapped.to_vec().await.unwrap();
    assert_eq!(all.len(), 400);
    for key in 0..5 {
        assert!(all.iter().filter(|x| **x % 5 == key).is_sorted());
    }
}

/// C34, N157: in order, the results before an error come first; nothing is started behind it, and what runs is gone.
/// Shows I62.
#[tokio::test(start_paused = true)]
async fn an_error_comes_in_its_place_and_stops_the_others() {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let mut mapped = Readable::from_iter(0..100_u64).parallel_map(4, move |x| {
        count.fetch_add(1, SeqCst);
        async move {
            if x == 10 {
                return Err(Error::msg("ten"));
            }
            sleep(if x > 10 { Duration::from_secs(3600) } else { delay(x) }).await;
            Ok(x)
        }
    });
    for x in 0..10 {
        assert_eq!(mapped.next().await.unwrap().unwrap(), x);
    }
    let error = mapped.next().await.unwrap().unwrap_err();
    assert_eq!((error.stage(), error.chunk()), (Some("parallel_map"), Some(10)));
    assert!(mapped.next().await.is_none());
    assert!(started.load(SeqCst) <= 14, "{started:?}");
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
}

/// C33, F60: a panic is an error with the item's index.
#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_with_its_index() {
    let panics = |x: u64| async move {
        assert!(x != 3, "three");
        Ok(x)
    };
    let error = Readable::from_iter(0..10).parallel_map(2, panics).to_vec().await.unwrap_err();
    assert_eq!((error.is_panic(), error.chunk()), (true, Some(3)));
    let panics = |x: u64| if x == 70 { panic!("seventy") } else { Ok(x) };
    let error = Readable::from_iter(0..200).parallel_map_cpu(2, panics).to_vec().await.unwrap_err();
    assert_eq!(
        (error.is_panic(), error.chunk(), error.stage()),
        (true, Some(70), Some("parallel_map_cpu"))
    );
}

/// An error of the source comes behind the items before it.
#[tokio::test(start_paused = true)]
async fn an_error_of_the_source_comes_behind_the_items_before_it() {
    let source = || {
        Readable::from_iter(0..20_u64)
            .try_map(|x| if x < 9 { Ok(x) } else { Err(Error::msg("nine")) })
    };
    for unordered in [false, true] {
        let map = ParallelMap::new(4, |x| async move {
            sleep(delay(x)).await;
            Ok(x)
        });
        let mut mapped = source().parallel_map_with(if unordered { map.unordered() } else { map });
        let mut given = 0;
        while mapped.next().await.unwrap().is_ok() {
            given += 1;
        }
        assert_eq!(given, 9);
        assert!(mapped.next().await.is_none());
    }
}

/// C23: work goes on while the consumer is busy: 350 ms in all, and not 100 ms of work after each 100 ms of consuming.
#[tokio::test(start_paused = true)]
async fn work_goes_on_while_the_consumer_is_busy() {
    let started = Instant::now();
    let mut mapped = Readable::from_iter(0..3).parallel_map(1, |x: u32| async move {
        sleep(100 * MS).await;
        Ok(x)
    });
    while let Some(x) = mapped.next().await {
        x.unwrap();
        sleep(50 * MS).await;
    }
    assert_eq!(started.elapsed(), 350 * MS);
}

/// C22, F25: a lock that items and consumer share is no deadlock.
#[tokio::test(start_paused = true)]
async fn a_lock_shared_with_the_consumer_is_no_deadlock() {
    let lock = Arc::new(tokio::sync::Mutex::new(()));
    let shared = Arc::clone(&lock);
    let mut mapped = Readable::from_iter(0..20).parallel_map(2, move |x: u32| {
        let shared = Arc::clone(&shared);
        async move {
            let _held = shared.lock().await;
            sleep(MS).await;
            Ok(x)
        }
    });
    let mut next = 0;
    while let Some(x) = mapped.next().await {
        assert_eq!(x.unwrap(), next);
        next += 1;
        let _held = lock.lock().await;
        sleep(3 * MS).await;
    }
    assert_eq!(next, 20);
}

/// C32, I42: a map that is dropped leaves no task.
#[tokio::test(start_paused = true)]
async fn dropping_it_cancels_everything() {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let inside = Inside::default();
    let counted = inside.clone();
    let mut mapped = Readable::from_iter(0..).parallel_map(8, move |x: u64| {
        let guard = counted.enter();
        async move {
            sleep(if x == 0 { MS } else { Duration::from_secs(3600) }).await;
            drop(guard);
            Ok(x)
        }
    });
    assert_eq!(mapped.next().await.unwrap().unwrap(), 0);
    drop(mapped);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(inside.0.0.load(SeqCst), 0);
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
}

/// F59: a time limit per attempt; retries with pauses that double, and jitter; what fails for good by policy.
#[tokio::test(start_paused = true)]
async fn an_item_may_be_limited_retried_and_left_out() {
    let never = |x: u32| async move {
        if x == 1 {
            std::future::pending::<()>().await;
        }
        Ok(x)
    };
    let map = ParallelMap::new(2, never).with_timeout(10 * MS);
    let error = Readable::from_iter(0..3).parallel_map_with(map).to_vec().await.unwrap_err();
    assert_eq!((error.is_timeout(), error.chunk()), (true, Some(1)));

    let attempts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&attempts);
    let flaky = move |x: u32| {
        let attempt = count.fetch_add(1, SeqCst);
        async move { if attempt < 3 { Err(Error::msg("not yet")) } else { Ok(x) } }
    };
    let started = Instant::now();
    let map = ParallelMap::new(1, flaky).with_retries(3, 10 * MS);
    assert_eq!(Readable::once(7).parallel_map_with(map).to_vec().await.unwrap(), [7]);
    assert_eq!(attempts.load(SeqCst), 4);
    // 10, 20 and 40 ms, each of them up to twice as long; the clock of Tokio counts whole milliseconds.
    assert!((70 * MS..=143 * MS).contains(&started.elapsed()), "{:?}", started.elapsed());

    let odd = |x: u64| async move { if x % 2 == 1 { Err(Error::msg("odd")) } else { Ok(x) } };
    let map = ParallelMap::new(3, odd).on_failure(OnFailure::Skip);
    let counts = map.counts();
    assert_eq!(Readable::from_iter(0..6).parallel_map_with(map).to_vec().await.unwrap(), [0, 2, 4]);
    assert_eq!((counts.succeeded(), counts.failed()), (3, 3));

    let dead = Arc::new(Mutex::new(Vec::new()));
    let letters = Arc::clone(&dead);
    let policy = OnFailure::handle(move |failed| {
        letters.lock().unwrap().push(failed);
        Ok(())
    });
    let map = ParallelMap::new(3, odd).with_retries(1, MS).on_failure(policy);
    assert_eq!(Readable::from_iter(0..6).parallel_map_with(map).to_vec().await.unwrap(), [0, 2, 4]);
    let told = dead.lock().unwrap();
    let told: Vec<_> =
        told.iter().map(|failed| (*failed.item(), failed.index(), failed.attempt())).collect();
    assert_eq!(told, [(1, Some(1), 2), (3, Some(3), 2), (5, Some(5), 2)]);
}

/// F59: items that failed together are not tried again together, and no pause grows without bound.
#[tokio::test(start_paused = true)]
async fn retries_are_spread_and_their_pauses_capped() {
    let started = Instant::now();
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    let never = move |_: u32| {
        seen.lock().unwrap().push(started.elapsed());
        async { Err::<u32, _>(Error::msg("never")) }
    };
    let second = Duration::from_secs(1);
    let map = ParallelMap::new(32, never).with_retries(1, second).on_failure(OnFailure::Skip);
    Readable::from_iter(0..32).parallel_map_with(map).to_vec().await.unwrap();
    let mut again = times.lock().unwrap().split_off(32);
    again.sort_unstable();
    again.dedup();
    assert!(again.len() > 16, "32 items were tried again at {again:?}");

    let (started, never) = (Instant::now(), |_: u32| async { Err::<u32, _>(Error::msg("never")) });
    let map = ParallelMap::new(1, never).with_retries(100, second);
    Readable::once(0).parallel_map_with(map).to_vec().await.unwrap_err();
    assert!(started.elapsed() <= 100 * 2 * 60 * second + second, "{:?}", started.elapsed());
}

/// C24, F61: as many run at a time as are asked for.
#[tokio::test(start_paused = true)]
async fn thousands_at_a_time_are_thousands() {
    let inside = Inside::default();
    let counted = inside.clone();
    let mapped = Readable::from_iter(0..6000_u64).parallel_map(5000, move |x| {
        let guard = counted.enter();
        async move {
            sleep(MS).await;
            drop(guard);
            Ok(x)
        }
    });
    assert!(mapped.to_vec().await.unwrap().into_iter().eq(0..6000));
    assert_eq!(inside.most(), 5000);
}

/// Each item is worked on once, no more at a time than are asked for, and the report says how many there were.
#[tokio::test(start_paused = true)]
async fn for_each_in_parallel_works_on_every_item() {
    let (inside, sum) = (Inside::default(), Arc::new(AtomicUsize::new(0)));
    let (counted, added) = (inside.clone(), Arc::clone(&sum));
    let add = move |x: u64| {
        let (guard, sum) = (counted.enter(), Arc::clone(&added));
        async move {
            sleep(delay(x)).await;
            sum.fetch_add(usize::try_from(x).expect("a small number"), SeqCst);
            drop(guard);
            Ok(())
        }
    };
    let report = Readable::from_iter(0..100).parallel_for_each(7, add).await.unwrap();
    assert_eq!((sum.load(SeqCst), inside.most(), report.chunks_in()), (4950, 7, 100));
}

/// An error stops the others: nothing is started behind it, and nothing runs any more when it is told.
#[tokio::test(start_paused = true)]
async fn an_error_of_for_each_in_parallel_stops_the_others() {
    let (inside, started) = (Inside::default(), Arc::new(AtomicUsize::new(0)));
    let (counted, starts) = (inside.clone(), Arc::clone(&started));
    let third_fails = move |x: u64| {
        let guard = counted.enter();
        starts.fetch_add(1, SeqCst);
        async move {
            let _guard = guard;
            if x == 2 {
                sleep(MS).await;
                return Err(Error::msg("third"));
            }
            std::future::pending().await
        }
    };
    let error = Readable::from_iter(0..100).parallel_for_each(4, third_fails).await.unwrap_err();
    assert_eq!((error.to_string().contains("third"), error.chunk()), (true, Some(2)));
    assert_eq!((started.load(SeqCst), inside.0.0.load(SeqCst)), (4, 0));

    let failing = Readable::from_iter(0..3)
        .try_map(|x| if x < 1 { Ok(x) } else { Err(Error::msg("source")) });
    let error = failing.parallel_for_each(2, |_: u64| async { Ok(()) }).await.unwrap_err();
    assert!(error.to_string().contains("source"), "{error}");
}

/// C24, F61: no items at a time is a mistake.
#[test]
#[should_panic(expected = "the number of items at a time must be greater than 0")]
fn none_at_a_time_is_a_mistake() {
    drop(Readable::from_iter(0..3).parallel_map(0, |x: u32| async move { Ok(x) }));
}

/// C29: an error with one at a time, and with a full output, hangs nobody.
#[tokio::test(start_paused = true)]
async fn an_error_behind_a_full_output_hangs_nobody() {
    let fails = |x: u32| async move { if x < 3 { Ok(x) } else { Err(Error::msg("full")) } };
    let mut mapped = Readable::from_iter(0..10).parallel_map(1, fails);
    assert_eq!(mapped.next().await.unwrap().unwrap(), 0);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(mapped.next().await.unwrap().unwrap(), 1);
    assert_eq!(mapped.next().await.unwrap().unwrap(), 2);
    assert!(mapped.next().await.unwrap().is_err());
}

/// C35: what is done in a gap of demand is given after it.
#[tokio::test(start_paused = true)]
async fn what_is_done_while_nobody_asks_is_given_later() {
    let mut mapped = Readable::from_iter(0..10).parallel_map(4, |x: u64| async move {
        sleep(delay(x)).await;
        Ok(x)
    });
    for x in 0..10 {
        sleep(Duration::from_secs(1)).await;
        assert_eq!(mapped.next().await.unwrap().unwrap(), x);
    }
    assert!(mapped.next().await.is_none());
}

/// F62: on the pool, in order, however the batches fall; an error in its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_for_the_processor_comes_in_order() {
    for n in [1, 2, 5] {
        let mapped = Readable::from_iter(0..10_000_u64).parallel_map_cpu(n, |x| Ok(x * 3));
        assert!(mapped.to_vec().await.unwrap().into_iter().eq((0..10_000).map(|x| x * 3)));
        let fails = |x: u64| if x == 777 { Err(Error::msg("no")) } else { Ok(x) };
        let mut mapped = Readable::from_iter(0..10_000).parallel_map_cpu(n, fails);
        for x in 0..777 {
            assert_eq!(mapped.next().await.unwrap().unwrap(), x);
        }
        assert_eq!(mapped.next().await.unwrap().unwrap_err().chunk(), Some(777));
        assert!(mapped.next().await.is_none());
    }
}

/// A pool runs so many at a time, the others wait; a panic is an error; it can be used again after it was drained.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_runs_so_many_at_a_time() {
    let (pool, inside) = (WorkerPool::new(3), Inside::default());
    for _ in 0..2 {
        let all = (0..50).map(|x| {
            let (pool, inside) = (pool.clone(), inside.clone());
            async move {
                pool.run(move || {
                    let _guard = inside.enter();
                    std::thread::yield_now();
                    Ok::<_, Error>(x)
                })
                .await
            }
        });
        let results: Result<Vec<i32>> = futures::future::join_all(all).await.into_iter().collect();
        assert!(results.unwrap().into_iter().eq(0..50));
        pool.drained().await;
        assert_eq!(pool.queued(), 0);
    }
    assert!(inside.most() <= 3);
    let panicked: Result<()> = pool.run(|| panic!("a job")).await;
    assert!(panicked.unwrap_err().is_panic());
}

/// The items under way weigh no more than the limit and one of them; a heavy one goes alone.
#[tokio::test(start_paused = true)]
async fn items_are_bounded_by_weight() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, peak) = (Arc::clone(&now), Arc::clone(&most));
    let weight = |x: &u64| usize::try_from(x % 10).expect("it is small");
    let map = ParallelMap::new(100, move |x: u64| {
        let (count, peak) = (Arc::clone(&count), Arc::clone(&peak));
        async move {
            let before = count.fetch_add(weight(&x), SeqCst);
            peak.fetch_max(before + weight(&x), SeqCst);
            sleep(delay(x)).await;
            count.fetch_sub(weight(&x), SeqCst);
            Ok(x)
        }
    });
    let mapped = Readable::from_iter(0..300).parallel_map_with(map.with_max_weight(20, weight));
    assert!(mapped.to_vec().await.unwrap().into_iter().eq(0..300));
    assert!((20..29).contains(&most.load(SeqCst)), "{most:?}");
    // A limit of nothing lets them go one by one.
    let map = ParallelMap::new(100, |x: u64| async move { Ok(x) }).with_max_weight(0, |_| 1);
    let alone = Readable::from_iter(0..10).parallel_map_with(map).to_vec().await.unwrap();
    assert!(alone.into_iter().eq(0..10));
}
