//! `Progress`, under paused time.

use bytes::Bytes;
use highwater_core::{Readable, Result, Transform, task};
use tokio::time::{Instant, sleep};

use super::{failing, ms, steady};
use crate::{MeterExt, Progress, Snapshot};

/// Everything of a stream: the updates, and when each came.
async fn watch(
    source: highwater_core::BoxReadable<&'static str>,
    progress: Progress<&'static str>,
    every: u64,
) -> (Result<()>, Vec<(u64, Snapshot)>) {
    let start = Instant::now();
    let updates = progress
        .handle()
        .updates(ms(every))
        .map(move |update| (u64::try_from(start.elapsed().as_millis()).unwrap(), update));
    let read = source.progress(progress).for_each(|_| async { Ok(()) });
    let (read, updates) = tokio::join!(read, updates.to_vec());
    (read.map(drop), updates.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_steady_stream() {
    // Four bytes each 50 ms: 80 bytes per second for one second.
    let progress = Progress::bytes().with_total(80);
    let (read, updates) = watch(steady("abcd", 20, ms(50)), progress, 100).await;
    read.unwrap();
    let times: Vec<u64> = updates.iter().map(|(time, _)| *time).collect();
    assert_eq!(times[..9], [100, 200, 300, 400, 500, 600, 700, 800, 900]);
    // The last one comes at the end, which may be together with the tenth tick.
    assert!(times.len() <= 11 && *times.last().unwrap() == 1000, "{times:?}");
    let (_, half) = &updates[4];
    assert_eq!((half.done(), half.total(), half.elapsed()), (40, Some(80), ms(500)));
    assert!((half.speed() - 80.0).abs() < 8.0, "{}", half.speed());
    assert!((half.fraction().unwrap() - 0.5).abs() < 1e-9);
    let left = half.time_left().unwrap();
    assert!(left > ms(450) && left < ms(550), "{left:?}");
    let (_, last) = updates.last().unwrap();
    assert!(last.is_complete() && last.is_over());
    assert_eq!((last.done(), last.elapsed(), last.time_left()), (80, ms(1000), Some(ms(0))));
    assert!((last.average_speed() - 80.0).abs() < 1e-9);
    assert!(updates.iter().rev().skip(1).all(|(_, update)| !update.is_over()));
}

/// The last one does not wait for its tick, and it is exact although nothing was told before.
#[tokio::test(start_paused = true)]
async fn the_last_update_comes_at_once_and_is_exact() {
    let (read, updates) = watch(steady("abc", 7, ms(1)), Progress::items(), 1_000_000).await;
    read.unwrap();
    let [(7, last)] = updates.as_slice() else { panic!("{updates:?}") };
    assert_eq!((last.done(), last.total(), last.fraction()), (7, None, None));
    assert!(last.is_complete() && last.time_left().is_none_or(|left| left.is_zero()));
}

/// A stream that fails, and one that is dropped: over, but not complete.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_cut_short_is_over_and_not_complete() {
    let progress = Progress::bytes().with_total(12);
    let handle = progress.handle();
    let (read, updates) = watch(failing(), progress, 100).await;
    assert!(read.is_err());
    let [(0, last)] = updates.as_slice() else { panic!("{updates:?}") };
    assert_eq!((last.done(), last.is_over(), last.is_complete()), (8, true, false));
    assert_eq!((handle.done(), handle.is_over(), handle.is_complete()), (8, true, false));

    let progress = Progress::items();
    let mut updates = progress.handle().updates(ms(100));
    let mut source = steady("a", 10, ms(30)).progress(progress);
    source.next().await.unwrap().unwrap();
    drop(source);
    let last = updates.next().await.unwrap().unwrap();
    assert_eq!((last.done(), last.is_over(), last.is_complete()), (1, true, false));
    assert!(updates.next().await.is_none());
}

/// `release` is no end.
#[test]
fn an_upstream_error_is_no_end() {
    let mut progress = Progress::items();
    let handle = progress.handle();
    progress.write(1).unwrap();
    progress.release().unwrap();
    assert!(!handle.is_over());
    progress.end().unwrap();
    assert!(handle.is_complete() && handle.is_over());
    drop(progress);
    assert!(handle.is_complete());
}

/// While nothing passes, the speed falls and the time left grows; nobody has to read the stream for that.
#[tokio::test(start_paused = true)]
async fn a_stream_that_stands_still_slows_down() {
    let progress = Progress::items().with_total(200);
    let mut updates = progress.handle().updates(ms(1000));
    let mut source = steady("a", 100, ms(10)).progress(progress);
    let reading = async {
        for _ in 0..100 {
            source.next().await.unwrap().unwrap();
        }
    };
    let (first, ()) = tokio::join!(updates.next(), reading);
    let mut before = first.unwrap().unwrap();
    assert!((before.speed() - 100.0).abs() < 2.0);
    for _ in 0..20 {
        let now = updates.next().await.unwrap().unwrap();
        assert!(now.speed() < before.speed() && now.time_left() > before.time_left());
        assert_eq!(now.done(), 100);
        before = now;
    }
    assert!(before.speed() < 5.0, "{}", before.speed());
    drop(source);
    assert!(updates.next().await.unwrap().unwrap().is_over());
}

/// The total may come when it is known, and be wrong.
#[tokio::test(start_paused = true)]
async fn the_total_may_come_later() {
    let mut progress = Progress::items();
    let handle = progress.handle();
    let mut updates = handle.updates(ms(100));
    progress.write("a").unwrap();
    let update = updates.next().await.unwrap().unwrap();
    assert_eq!((update.total(), update.fraction(), update.time_left()), (None, None, None));
    handle.set_total(4);
    let update = updates.next().await.unwrap().unwrap();
    assert_eq!((update.total(), update.fraction()), (Some(4), Some(0.25)));
    handle.set_total(0);
    let update = updates.next().await.unwrap().unwrap();
    assert_eq!((update.fraction(), update.time_left()), (Some(1.0), Some(ms(0))));
}

/// Before anything has passed there is no speed, and so no time left to be told: not an error and not a panic.
#[tokio::test(start_paused = true)]
async fn no_speed_is_no_time_left() {
    let progress = Progress::<Bytes>::bytes().with_total(u64::MAX - 1);
    let update = progress.handle().updates(ms(10)).next().await.unwrap().unwrap();
    assert_eq!((update.speed(), update.time_left(), update.average_speed()), (0.0, None, 0.0));
}

/// Nothing out of nothing is all of it.
#[tokio::test(start_paused = true)]
async fn an_empty_stream_is_done_from_the_start() {
    let progress = Progress::<Bytes>::bytes().with_total(0);
    let update = progress.handle().updates(ms(10)).next().await.unwrap().unwrap();
    assert_eq!((update.fraction(), update.time_left()), (Some(1.0), Some(ms(0))));
}

/// Updates that are asked for late are about what passes from then on.
#[tokio::test(start_paused = true)]
async fn the_time_begins_with_the_first_look() {
    let mut progress = Progress::items();
    let mut updates = progress.handle().updates(ms(100));
    for _ in 0..1000 {
        progress.write(()).unwrap();
    }
    sleep(ms(5000)).await;
    let update = updates.next().await.unwrap().unwrap();
    assert_eq!((update.done(), update.elapsed()), (1000, ms(100)));
    assert_eq!((update.speed(), update.average_speed()), (0.0, 0.0));
}

/// A slow reader gets fewer, not later ones, and no burst when it is back.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_fewer() {
    let progress = Progress::<()>::items();
    let mut updates = progress.handle().updates(ms(100));
    updates.next().await.unwrap().unwrap();
    sleep(ms(1050)).await;
    let late = updates.next().await.unwrap().unwrap();
    let next = updates.next().await.unwrap().unwrap();
    assert_eq!(late.elapsed(), ms(1150));
    assert!(next.elapsed() - late.elapsed() >= ms(100), "{:?}", next.elapsed());
}

/// Everybody who looks gets all of it, from wherever.
#[tokio::test(start_paused = true)]
async fn several_look_at_once() {
    let progress = Progress::bytes();
    let look = |every| task::spawn(progress.handle().updates(ms(every)).to_vec());
    let (often, seldom) = (look(10), look(100));
    let read = steady("abcd", 20, ms(10)).progress(progress).count().await.unwrap();
    let (often, seldom) = (often.await.unwrap().unwrap(), seldom.await.unwrap().unwrap());
    assert_eq!((read, often.last().unwrap().done(), seldom.last().unwrap().done()), (20, 80, 80));
    assert!(often.len() >= 20 && seldom.len() <= 3);
}

/// Once it is over, each one who asks is told so once.
#[tokio::test(start_paused = true)]
async fn who_comes_too_late_gets_the_last_one() {
    let progress = Progress::items();
    let handle = progress.handle();
    Readable::from_iter(0..3).progress(progress).count().await.unwrap();
    let updates = handle.updates(ms(100)).to_vec().await.unwrap();
    assert_eq!(updates.len(), 1);
    assert!(updates[0].is_complete() && updates[0].done() == 3);
}

#[test]
fn what_is_counted() {
    let mut bytes = Progress::bytes();
    let mut items = Progress::items();
    let mut weighed = Progress::weighed(|chunk: &&str| chunk.len() * 10);
    let handles = [bytes.handle(), items.handle(), weighed.handle()];
    for chunk in ["", "abc", "de"] {
        assert_eq!(bytes.write(chunk).unwrap(), Some(chunk));
        assert_eq!(items.write(chunk).unwrap(), Some(chunk));
        assert_eq!(weighed.write(chunk).unwrap(), Some(chunk));
    }
    assert_eq!(handles.map(|handle| handle.done()), [5, 3, 50]);
    let mut huge = Progress::weighed(|_: &()| usize::MAX);
    let handle = huge.handle();
    huge.write(()).unwrap();
    huge.write(()).unwrap();
    assert_eq!(handle.done(), u64::MAX);
}

#[tokio::test(start_paused = true)]
async fn it_prints() {
    let mut progress = Progress::items().with_total(400);
    let mut updates = progress.handle().updates(ms(1000));
    let before = updates.next().await.unwrap().unwrap();
    assert_eq!(before.to_string(), "0 of 400 (0 %), 0 per second");
    for _ in 0..399 {
        progress.write(()).unwrap();
    }
    let almost = updates.next().await.unwrap().unwrap().to_string();
    assert!(
        almost.starts_with("399 of 400 (99 %), ") && almost.ends_with(", 1 s left"),
        "{almost}"
    );
    progress.end().unwrap();
    let last = updates.next().await.unwrap().unwrap().to_string();
    assert!(last.ends_with(" per second"), "{last}");
}

/// F54, and I61's far future: neither a busy loop nor an overflow.
#[tokio::test(start_paused = true)]
async fn the_longest_time_between_updates() {
    let progress = Progress::<()>::items();
    let mut updates = progress.handle().updates(std::time::Duration::MAX);
    assert!(tokio::time::timeout(ms(1_000_000), updates.next()).await.is_err());
    drop(progress);
    assert!(updates.next().await.unwrap().unwrap().is_over());
}

#[test]
#[should_panic = "there must be time between two samples"]
fn no_time_between_updates_is_a_mistake() {
    drop(Progress::<()>::items().handle().updates(ms(0)));
}
