//! What comes before an end, and what does not come behind it.

use futures::FutureExt as _;
use highwater_core::{BoxReadable, Buffered};

use super::*;

type Map = fn(BoxReadable<u64>, Inside) -> Readable<Buffered<u64>>;

/// Item 0 fails after a moment; the others run for ever.
async fn first_fails(x: u64, inside: Inside) -> Result<u64> {
    let _guard = inside.enter();
    if x > 0 {
        std::future::pending::<()>().await;
    }
    sleep(MS).await;
    Err(Error::msg("the first"))
}

/// C34: the error comes when no item runs any more. So many run that a runtime looks at the reader before it has dropped
/// them all.
#[tokio::test(start_paused = true)]
async fn an_error_comes_when_no_item_runs_any_more() {
    let maps: [Map; 3] = [
        |source, inside| source.parallel_map(500, move |x| first_fails(x, inside.clone())),
        |source, inside| {
            source.parallel_map_unordered(500, move |x| first_fails(x, inside.clone()))
        },
        |source, inside| {
            source.parallel_map_by_key(500, |x| *x, move |x| first_fails(x, inside.clone()))
        },
    ];
    for map in maps {
        let inside = Inside::default();
        let mut mapped = map(Readable::from_iter(0..1000).boxed(), inside.clone());
        assert_eq!(mapped.next().await.unwrap().unwrap_err().chunk(), Some(0));
        assert_eq!((inside.0.0.load(SeqCst), inside.most()), (0, 500));
    }
}

/// C34, I62: an item that has failed is not given before its turn, but from then on nothing is started.
#[tokio::test(start_paused = true)]
async fn nothing_is_started_behind_an_item_that_has_failed() {
    for panics in [false, true] {
        let started = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&started);
        let mut mapped = Readable::from_iter(0..100_u64).parallel_map(4, move |x| {
            count.fetch_add(1, SeqCst);
            async move {
                assert!(x != 3 || !panics, "as it should");
                if x == 3 {
                    return Err(Error::msg("as it should"));
                }
                sleep(MS * u32::try_from(x + 1).unwrap()).await;
                Ok(x)
            }
        });
        for x in 0..3 {
            assert_eq!(mapped.next().await.unwrap().unwrap(), x);
        }
        assert_eq!(mapped.next().await.unwrap().unwrap_err().chunk(), Some(3));
        assert_eq!(started.load(SeqCst), 4);
    }
}

/// An item that fails and is left out starts the next as ever.
#[tokio::test(start_paused = true)]
async fn an_item_that_is_left_out_stops_nothing() {
    let fails = |x: u64| async move { if x < 50 { Err(Error::msg("left out")) } else { Ok(x) } };
    let map = ParallelMap::new(4, fails).on_failure(OnFailure::Skip);
    let counts = map.counts();
    let given = Readable::from_iter(0..60).parallel_map_with(map).to_vec().await.unwrap();
    assert!(given.into_iter().eq(50..60) && counts.failed() == 50);
}

/// The next item of a key is not started behind an item of another key that has failed, though its result comes first.
#[tokio::test(start_paused = true)]
async fn the_next_of_a_key_is_not_started_behind_a_failure() {
    let (started, both) = (Arc::new(Mutex::new(Vec::new())), Arc::new(tokio::sync::Notify::new()));
    let (begun, wait) = (Arc::clone(&started), Arc::clone(&both));
    // Items 0 to 2 fill the output, behind which the driver then waits; 4 has the key of 3.
    let key = |x: &u64| if *x == 4 { 3 } else { *x };
    let mut mapped = Readable::from_iter(0..9).parallel_map_by_key(3, key, move |x| {
        begun.lock().unwrap().push(x);
        let wait = Arc::clone(&wait);
        async move {
            if x >= 3 {
                wait.notified().await;
            }
            if x == 5 { Err(Error::msg("as it should")) } else { Ok(x) }
        }
    });
    assert!(mapped.next().now_or_never().is_none());
    settle().await;
    assert_eq!(*started.lock().unwrap(), [0, 1, 2, 3, 5]);
    both.notify_waiters();
    settle().await;
    assert_eq!(*started.lock().unwrap(), [0, 1, 2, 3, 5]);
    for x in 0..4 {
        assert_eq!(mapped.next().await.unwrap().unwrap(), x);
    }
    assert_eq!(mapped.next().await.unwrap().unwrap_err().chunk(), Some(5));
}

/// C33: items before a panic of the source, or of a function that sees the item, come first; the panic is blamed on the
/// stage that it comes from.
#[tokio::test(start_paused = true)]
async fn items_before_a_panic_of_the_source_come_first() {
    let broken = || {
        let nine = |x: u64| if x < 9 { x } else { panic!("nine") };
        Readable::from_iter(0..20).map(nine).boxed()
    };
    let whole = || Readable::from_iter(0..20).boxed();
    let weigh = |x: &u64| if *x < 9 { 1 } else { panic!("nine") };
    let slow = |x| async move {
        sleep(delay(x)).await;
        Ok(x)
    };
    let weighed = ParallelMap::new(4, slow).with_max_weight(100, weigh);
    let key = |x: &u64| if *x < 9 { x % 3 } else { panic!("nine") };
    let maps = [
        ("map", broken().parallel_map(4, slow)),
        ("map", broken().parallel_map_unordered(4, slow)),
        ("map", broken().parallel_map_by_key(4, |x| x % 3, slow)),
        ("map", broken().parallel_map_cpu(4, Ok)),
        ("parallel_map", whole().parallel_map_with(weighed)),
        ("parallel_map_by_key", whole().parallel_map_by_key(4, key, slow)),
    ];
    for (stage, mut mapped) in maps {
        let mut given = Vec::new();
        let error = loop {
            match mapped.next().await.unwrap() {
                Ok(x) => given.push(x),
                Err(error) => break error,
            }
        };
        given.sort_unstable();
        assert!(given.into_iter().eq(0..9), "{stage}");
        assert_eq!((error.is_panic(), error.stage()), (true, Some(stage)));
        assert!(error.to_string().contains("nine"), "{error}");
    }
}

/// A function for dead letters that panics ends the stream with that, when no item runs any more.
#[tokio::test(start_paused = true)]
async fn a_panic_of_the_dead_letters_is_an_error() {
    let inside = Inside::default();
    let counted = inside.clone();
    let policy = OnFailure::handle(|_| panic!("no letters"));
    let map = ParallelMap::new(500, move |x| first_fails(x, counted.clone())).on_failure(policy);
    let mut mapped = Readable::from_iter(0..1000).parallel_map_with(map);
    let error = mapped.next().await.unwrap().unwrap_err();
    assert!(error.is_panic() && error.to_string().contains("no letters"), "{error}");
    assert_eq!((inside.0.0.load(SeqCst), inside.most()), (0, 500));
}
