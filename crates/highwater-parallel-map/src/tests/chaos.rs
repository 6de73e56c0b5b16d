//! Random delays, errors, panics and cancels, beside what must hold whatever they are.

use std::collections::HashSet;

use highwater_core::{Buffered, CancellationToken, Source, destination_fn};

use super::*;

/// What becomes of items.
#[derive(Debug, Clone, Copy)]
struct Fate {
    seed: u64,
    fails: Option<u64>,
    panics: Option<u64>,
    /// The consumer leaves after so many.
    leaves: Option<u64>,
}

impl Fate {
    fn random(seed: u64) -> Self {
        let one = |salt: u64, below: u64| Some(mix(seed, salt) % below).filter(|x| *x < ITEMS);
        Self {
            seed,
            fails: one(1, 3 * ITEMS),
            panics: one(2, 3 * ITEMS),
            leaves: one(3, 3 * ITEMS),
        }
    }

    async fn work(self, item: u64, inside: Inside) -> Result<u64> {
        let _guard = inside.enter();
        sleep(MS * u32::try_from(mix(self.seed, item + 10) % 7).expect("it is below 7")).await;
        assert!(self.panics != Some(item), "as it should");
        if self.fails == Some(item) { Err(Error::msg("as it should")) } else { Ok(item) }
    }

    /// Whether an item does not come to a good end.
    fn is_bad(self, item: u64) -> bool {
        self.fails == Some(item) || self.panics == Some(item)
    }
}

/// Numbers that look random: splitmix64.
fn mix(seed: u64, salt: u64) -> u64 {
    let mut x = (seed ^ salt.rotate_left(32)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What was given before the end, and how that came.
async fn read(mut mapped: Readable<Buffered<u64>>, fate: Fate) -> (Vec<u64>, Option<Error>) {
    let mut given = Vec::new();
    while fate.leaves != Some(given.len() as u64) {
        match mapped.next().await {
            Some(Ok(item)) => given.push(item),
            Some(Err(error)) => {
                assert!(mapped.next().await.is_none(), "{fate:?}");
                return (given, Some(error));
            }
            None => return (given, None),
        }
        if mix(fate.seed, given.len() as u64).is_multiple_of(5) {
            sleep(MS).await;
        }
    }
    (given, None)
}

/// I62, C28, C33, C34: in order, as they come and by key: each item at most once, all of them if nothing is bad, the error
/// is that of a bad one, never more than `n` inside, and afterwards nothing is left.
#[tokio::test(start_paused = true)]
async fn whatever_happens_the_rules_hold() {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let mut seen = (0, 0, 0, 0);
    for seed in 0..300 {
        let (fate, n) = (Fate::random(seed), 1 + usize::try_from(mix(seed, 4) % 9).unwrap());
        let (inside, source) = (Inside::default(), Readable::from_iter(0..ITEMS));
        let counted = inside.clone();
        let work = move |item| fate.work(item, counted.clone());
        let kind = seed % 3;
        let mapped = match kind {
            0 => source.parallel_map(n, work),
            1 => source.parallel_map_unordered(n, work),
            _ => source.parallel_map_by_key(n, |item| item % KEYS, work),
        };
        let (given, error) = read(mapped, fate).await;
        let unique: HashSet<_> = given.iter().collect();
        assert_eq!(unique.len(), given.len(), "twice: {fate:?}");
        assert!(given.iter().all(|item| *item < ITEMS && !fate.is_bad(*item)), "{fate:?}");
        match kind {
            0 => assert!(given.iter().copied().eq(0..given.len() as u64), "order: {fate:?}"),
            1 => {}
            _ => (0..KEYS).for_each(|key| {
                let mut own = given.iter().filter(|item| **item % KEYS == key);
                let all = (key..).step_by(usize::try_from(KEYS).unwrap());
                assert!(all.zip(&mut own).all(|(right, item)| right == *item), "{fate:?}");
            }),
        }
        let left = fate.leaves == Some(given.len() as u64);
        match &error {
            Some(error) => {
                let bad = error.chunk().expect("it has its index");
                assert!(
                    fate.is_bad(bad) && error.is_panic() == (fate.panics == Some(bad)),
                    "{fate:?}"
                );
                assert!(kind != 0 || bad == given.len() as u64, "{fate:?}");
            }
            None => assert!(left || given.len() as u64 == ITEMS, "{} {fate:?}", given.len()),
        }
        assert!(inside.most() <= n, "{} of {n}: {fate:?}", inside.most());
        settle().await;
        assert_eq!(inside.0.0.load(SeqCst), 0, "{fate:?}");
        assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks, "{fate:?}");
        seen.0 += u32::from(error.as_ref().is_some_and(|error| !error.is_panic()));
        seen.1 += u32::from(error.as_ref().is_some_and(Error::is_panic));
        seen.2 += u32::from(left);
        seen.3 += u32::from(given.len() as u64 == ITEMS);
    }
    println!(
        "{} failed, {} panicked, {} were left, {} came to the end",
        seen.0, seen.1, seen.2, seen.3
    );
    assert!(seen.0 > 20 && seen.1 > 20 && seen.2 > 20 && seen.3 > 20, "{seen:?}");
}

/// C28: many that are ready at the same time, on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_come_from_several_threads() {
    let mapped = Readable::from_iter(0..20_000_u64).parallel_map_unordered(64, |x| async move {
        for _ in 0..x % 3 {
            tokio::task::yield_now().await;
        }
        Ok(x)
    });
    let mut all = mapped.to_vec().await.unwrap();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..20_000));
}

/// C30, C31: what the function uses lives as long as anyone works with it; a pipeline that is aborted is over only when
/// nobody does any more.
/// Shows F59.
#[tokio::test(start_paused = true)]
async fn a_pipeline_that_is_aborted_waits_for_its_items() {
    let (inside, stop) = (Inside::default(), CancellationToken::new());
    let resource = Arc::new(Guarded(inside.clone()));
    let (counted, cancel) = (inside.clone(), stop.clone());
    let mapped = Readable::from_iter(0..).parallel_map(4, move |x: u64| {
        let (guard, resource) = (counted.enter(), Arc::clone(&resource));
        async move {
            sleep(MS).await;
            drop((guard, resource));
            Ok(x)
        }
    });
    let taken = destination_fn(move |x: u64| {
        if x == 20 {
            cancel.cancel();
        }
        async { Ok(()) }
    });
    let error = mapped.pipe_to(taken).abort_on(stop).run().await.unwrap_err();
    assert!(error.is_aborted(), "{error:?}");
    assert_eq!(inside.0.0.load(SeqCst), 0);
}

/// Something that must not be dropped while it is used.
struct Guarded(Inside);

impl Drop for Guarded {
    fn drop(&mut self) {
        assert_eq!(self.0.0.0.load(SeqCst), 0, "somebody still works with it");
    }
}

/// C35: items at the end that are left out do not keep the end away.
#[tokio::test(start_paused = true)]
async fn items_left_out_at_the_end_are_an_end() {
    let early = |x: u64| async move { if x < 3 { Ok(x) } else { Err(Error::msg("late")) } };
    for unordered in [false, true] {
        let map = ParallelMap::new(4, early).on_failure(OnFailure::Skip);
        let map = if unordered { map.unordered() } else { map };
        let counts = map.counts();
        let mut given = Readable::from_iter(0..10).parallel_map_with(map).to_vec().await.unwrap();
        given.sort_unstable();
        assert_eq!(given, [0, 1, 2]);
        assert_eq!((counts.succeeded(), counts.failed()), (3, 7));
    }
}

/// F59: who has tried often enough fails with the last error and the index, once.
#[tokio::test(start_paused = true)]
async fn retries_come_to_an_end() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&attempts);
    let never = move |x: u64| {
        let attempt = count.fetch_add(usize::from(x == 2), SeqCst);
        async move { if x == 2 { Err(Error::msg(format!("attempt {attempt}"))) } else { Ok(x) } }
    };
    let started = Instant::now();
    let map = ParallelMap::new(2, never).with_retries(2, 10 * MS);
    let error = Readable::from_iter(0..9).parallel_map_with(map).to_vec().await.unwrap_err();
    assert!(error.to_string().starts_with("attempt 2"), "{error}");
    assert_eq!((error.chunk(), attempts.load(SeqCst)), (Some(2), 3));
    // 10 and 20 ms, each of them up to twice as long; the clock of Tokio counts whole milliseconds.
    assert!((30 * MS..=62 * MS).contains(&started.elapsed()), "{:?}", started.elapsed());
}

/// I10: with nobody to take results, no more is read than is worked on and waits.
#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_away_holds_the_source() {
    for n in [1, 3, 16] {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&pulled);
        let source = Readable::from_iter((0_u64..).inspect(move |_| {
            count.fetch_add(1, SeqCst);
        }));
        let mut mapped = bounded(source, n);
        mapped.next().await.unwrap().unwrap();
        sleep(Duration::from_secs(1)).await;
        let pulled = pulled.load(SeqCst);
        assert!(pulled > n && pulled <= 2 * n + 2, "{pulled} with {n} at a time");
    }
}

fn bounded<S>(source: Readable<S>, n: usize) -> Readable<Buffered<u64>>
where
    S: Source<Chunk = u64> + Send + 'static,
{
    source.parallel_map(n, |x| async move { Ok(x) })
}

const ITEMS: u64 = 60;
const KEYS: u64 = 4;
