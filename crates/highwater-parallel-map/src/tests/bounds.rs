//! How much is taken, and how much runs at the same time.

use highwater_core::BoxReadable;

use super::*;

/// More numbers from 0 than may be taken, and how many were.
fn counted() -> (BoxReadable<u64>, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let numbers = (0..1000).inspect(move |_| {
        count.fetch_add(1, SeqCst);
    });
    (Readable::from_iter(numbers).boxed(), taken)
}

/// I10: items that wait for their key count, so that a source with one key does not end up in memory.
#[tokio::test(start_paused = true)]
async fn items_that_wait_for_their_key_are_bounded() {
    for n in [1, 4, 16] {
        let (source, taken) = counted();
        let mut mapped = source.parallel_map_by_key(
            n,
            |_| 0,
            |x| async move {
                sleep(10 * MS).await;
                Ok(x)
            },
        );
        for expected in 0..5 {
            assert_eq!(mapped.next().await.unwrap().unwrap(), expected);
            settle().await;
            let held = taken.load(SeqCst) - usize::try_from(expected).unwrap();
            assert!(held <= n + 1, "{held} were taken and not given, with {n} at a time");
        }
    }
}

/// Items of different keys run at the same time, as many as there are keys or places.
#[tokio::test(start_paused = true)]
async fn different_keys_run_at_the_same_time() {
    for (keys, n, at_once) in [(4, 4, 4), (4, 8, 4), (8, 4, 4), (1, 8, 1)] {
        let inside = Inside::default();
        let counted = inside.clone();
        let started = Instant::now();
        let work = move |x| {
            let counted = counted.clone();
            async move {
                let _guard = counted.enter();
                sleep(10 * MS).await;
                Ok(x)
            }
        };
        let mapped = Readable::from_iter(0..40_u64).parallel_map_by_key(n, move |x| x % keys, work);
        assert_eq!(mapped.to_vec().await.unwrap().len(), 40);
        assert_eq!(inside.most(), at_once, "{keys} keys, {n} places");
        let rounds = 40 / u32::try_from(at_once).unwrap();
        assert_eq!(started.elapsed(), 10 * MS * rounds, "{keys} keys, {n} places");
    }
}

/// An item weighs until its result is given: one that is done waits behind the first, and is still held.
#[tokio::test(start_paused = true)]
async fn an_item_weighs_until_its_result_is_given() {
    let (source, taken) = counted();
    let first_is_slow = |x: u64| async move {
        sleep(if x == 0 { 100 * MS } else { MS }).await;
        Ok(x)
    };
    let map = ParallelMap::new(100, first_is_slow).with_max_weight(20, |_| 5);
    let mut mapped = source.parallel_map_with(map);
    assert!(tokio::time::timeout(99 * MS, mapped.next()).await.is_err());
    assert_eq!(taken.load(SeqCst), 4);
    for x in 0..8 {
        assert_eq!(mapped.next().await.unwrap().unwrap(), x);
    }
}
