//! Rate limits in streams and tasks, under a clock that stands still: I60, C79–C85, F53, F56.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::select_all;
use futures::{Stream, StreamExt};
use highwater::prelude::*;
use highwater::rate_limit::{Limiter, Rate, RateLimit};
use highwater_core::{Readable, task};
use tokio::time::{Instant, advance, sleep, timeout};

use crate::support::{Event, Log, Step, Wakes, poll_once, script, soon};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// I60: in every window no more passed than a burst and what the rate allows in its time.
fn assert_quota(times: &[Instant], per_second: f64, burst: u64) {
    let Some(first) = times.first() else { return };
    let mut least = f64::INFINITY;
    for (before, at) in times.iter().enumerate() {
        let allowed = (*at - *first).as_secs_f64() * per_second;
        least = least.min(before as f64 - allowed);
        let over = before as f64 + 1.0 - allowed - least - burst as f64;
        assert!(over < 1e-6, "{over} over, after {:?}", *at - *first);
    }
}

/// C84, C85: 5 000 items a second for ten seconds: the rate is kept, and so is the quota, by timers of 1 ms.
#[tokio::test(start_paused = true)]
async fn five_thousand_a_second() {
    let limiter = Limiter::new(Rate::per_second(5000));
    let mut items = Readable::from_iter(0..50_000).rate_limit(&limiter);
    let (start, mut times) = (Instant::now(), Vec::new());
    while let Some(item) = items.next().await {
        item.unwrap();
        times.push(Instant::now());
    }
    let elapsed = start.elapsed().as_secs_f64();
    assert!((elapsed - 10.0).abs() < 0.002, "{elapsed}");
    assert_quota(&times, 5000.0, limiter.burst());
    assert_eq!(times.len(), 50_000);
}

/// C79, C81: fifty streams share a limiter: equal shares, never above the quota, and the rate is kept.
#[tokio::test(start_paused = true)]
async fn fifty_streams_share_equally() {
    let limiter = Limiter::new(Rate::per_second(1000)).with_burst(20);
    let streams =
        (0..50).map(|who| Readable::from_iter(0..).map(move |_| who).rate_limit(&limiter));
    let (mut shares, mut times) = (vec![0; 50], Vec::new());
    let (start, mut all) = (Instant::now(), select_all(streams));
    while start.elapsed() < Duration::from_secs(10) {
        let who: usize = all.next().await.unwrap().unwrap();
        times.push(Instant::now());
        shares[who] += 1;
    }
    let (least, most) = (*shares.iter().min().unwrap(), *shares.iter().max().unwrap());
    assert!(most - least <= 1, "{shares:?}");
    assert!((9_999..=10_021).contains(&times.len()), "{}", times.len());
    assert_quota(&times, 1000.0, 20);
}

/// C79, C81, F56: fifty tasks, many of which stop to wait: shares of those that stay differ by less than a factor of two, the
/// quota is kept, and what is not taken is not lost.
#[tokio::test(start_paused = true)]
async fn fifty_tasks_of_which_some_stop_to_wait() {
    let limiter = Limiter::new(Rate::per_second(1000));
    let end = Instant::now() + Duration::from_secs(10);
    let tasks: Vec<_> = (0..50_u64)
        .map(|who| {
            let limiter = limiter.clone();
            task::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    // Ten of them have less patience than their turn takes, which is some 50 ms.
                    let patience = if who < 10 { ms(5 + who * 3) } else { Duration::from_secs(9) };
                    if timeout(patience, limiter.acquire(1)).await.is_ok() {
                        times.push(Instant::now());
                    }
                }
                times
            })
        })
        .collect();
    let mut all = Vec::new();
    let mut shares = Vec::new();
    for task in tasks {
        let times = task.await.unwrap();
        shares.push(times.len());
        all.extend(times);
    }
    all.sort();
    assert_quota(&all, 1000.0, limiter.burst());
    let before = all.iter().filter(|at| **at < end).count();
    assert!((9_900..=10_052).contains(&before), "{before}");
    let (least, most) = (shares[10..].iter().min().unwrap(), shares[10..].iter().max().unwrap());
    assert!(most <= &(least * 2), "{shares:?}");
    assert_eq!(limiter.waiting(), 0);
}

/// F56: a waiter that is dropped at any of its polls has taken nothing and leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn a_waiter_dropped_at_any_poll_has_taken_nothing() {
    for polls in 0..5 {
        let limiter = Limiter::new(Rate::per_second(10)).with_burst(1);
        let start = Instant::now();
        limiter.acquire(1).await;
        {
            let mut dropped = pin!(limiter.acquire(1000));
            for _ in 0..polls {
                assert!(poll_once(dropped.as_mut()).is_pending());
                advance(ms(10)).await;
            }
            assert_eq!(limiter.waiting(), usize::from(polls > 0));
        }
        assert_eq!(limiter.waiting(), 0);
        soon(limiter.acquire(1)).await;
        soon(limiter.acquire(1)).await;
        assert_eq!(start.elapsed(), ms(200), "{polls}");
    }
}

/// F56: who waits behind somebody that goes away is called, once, and passes as if that one had never been there.
#[tokio::test(start_paused = true)]
async fn who_waits_behind_somebody_that_goes_away_is_called() {
    let limiter = Limiter::new(Rate::per_second(10)).with_burst(1);
    let start = Instant::now();
    limiter.acquire(1).await;
    let mut large = Box::pin(limiter.acquire(10_000));
    let (mut second, mut third) = (pin!(limiter.acquire(1)), pin!(limiter.acquire(1)));
    let ((waker, wakes), (other, others)) = (Wakes::waker(), Wakes::waker());
    assert!(poll_once(large.as_mut()).is_pending());
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(third.as_mut().poll(&mut Context::from_waker(&other)).is_pending());
    assert_eq!((wakes.count(), others.count()), (0, 0));
    drop(large);
    assert_eq!((wakes.count(), others.count()), (1, 0));
    soon(second).await;
    assert_eq!((start.elapsed(), others.count()), (ms(100), 1));
    soon(third).await;
    assert_eq!(start.elapsed(), ms(200));
}

/// C80: idleness saves up a burst and no more; the bucket goes on filling after any number of bursts.
#[tokio::test(start_paused = true)]
async fn idleness_saves_up_one_burst() {
    let limiter = Limiter::new(Rate::per_second(1000)).with_burst(10);
    for idle in [1, 1000, 1_000_000_000] {
        let passed = (0..1000).take_while(|_| limiter.try_acquire(1)).count();
        assert!(passed <= 10);
        advance(Duration::from_secs(idle)).await;
        assert_eq!((0..1000).take_while(|_| limiter.try_acquire(1)).count(), 10, "{idle}");
    }
}

/// C82, F53: a chunk that is heavier than the burst passes, and those behind it have to wait for its weight; others that
/// share the limiter wait for it as well, and no longer.
#[tokio::test(start_paused = true)]
async fn a_chunk_heavier_than_the_burst_passes_and_is_worked_off() {
    let limiter = Limiter::new(Rate::per_second(100)).with_burst(10).saved_up();
    let weighed = RateLimit::weighed(&limiter, |weight: &u64| *weight);
    let mut readable = Readable::from_iter([5_u64, 500, 1]).pipe_timed(weighed);
    let start = Instant::now();
    assert_eq!(soon(readable.next()).await.unwrap().unwrap(), 5);
    assert_eq!(soon(readable.next()).await.unwrap().unwrap(), 500);
    assert_eq!(start.elapsed(), ms(50));
    soon(limiter.acquire(10)).await;
    assert_eq!(start.elapsed(), ms(50) + ms(5000));
    assert_eq!(soon(readable.next()).await.unwrap().unwrap(), 1);
    assert_eq!(start.elapsed(), ms(50) + ms(5010));
}

/// C83: the hint of a size counts the item that waits.
#[tokio::test(start_paused = true)]
async fn the_hint_of_a_size_counts_what_is_held() {
    let mut readable = Readable::from_iter([1, 2]).rate_limit(Rate::per_day(1));
    assert_eq!(readable.next().await.unwrap().unwrap(), 1);
    assert!(poll_once(pin!(readable.next())).is_pending());
    // The source is empty now, and one item is to come.
    let (least, most) = Stream::size_hint(&readable);
    assert!(least <= 1 && most.is_none_or(|most| most >= 1), "{least} {most:?}");
    assert_eq!(soon(readable.next()).await.unwrap().unwrap(), 2);
    assert!(readable.next().await.is_none());
    assert_eq!(Stream::size_hint(&readable), (0, Some(0)));
}

/// What waits holds the source back, and neither the end nor an error overtakes it.
#[tokio::test(start_paused = true)]
async fn what_waits_holds_everything_back() {
    let log = Log::default();
    let steps = [Step::Chunk(1), Step::Chunk(2), Step::Chunk(3), Step::Error];
    let mut readable = script(&log, &steps).rate_limit(Rate::per_second(1));
    let start = Instant::now();
    for chunk in 1..=3 {
        assert_eq!(readable.next().await.unwrap().unwrap(), chunk);
        assert_eq!(start.elapsed(), Duration::from_secs(u64::from(chunk) - 1));
        assert_eq!(log.count(Event::Poll), chunk as usize);
    }
    assert_eq!(readable.next().await.unwrap().unwrap_err().stage(), Some("script"));
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

/// A change of the rate reaches those who wait: tasks at once, streams soon; slower as well as faster.
#[tokio::test(start_paused = true)]
async fn a_change_of_the_rate_reaches_those_who_wait() {
    let limiter = Limiter::new(Rate::per_day(1)).with_burst(1);
    let start = Instant::now();
    limiter.acquire(1).await;
    let mut waiting = pin!(limiter.acquire(1));
    assert!(poll_once(waiting.as_mut()).is_pending());
    advance(Duration::from_secs(10)).await;
    limiter.set_rate(Rate::per_second(1));
    soon(waiting).await;
    let expected = Duration::from_secs(11) - Duration::from_secs(10) / 86_400;
    assert!(start.elapsed().abs_diff(expected) < ms(2), "{:?}", start.elapsed());

    limiter.set_rate(Rate::per_day(1));
    let mut stream = Readable::from_iter(0..3).rate_limit(&limiter);
    let waiting = task::spawn(async move {
        assert_eq!(stream.next().await.unwrap().unwrap(), 0);
        (Instant::now(), stream)
    });
    sleep(Duration::from_secs(60)).await;
    assert_eq!(limiter.waiting(), 1);
    limiter.set_rate(Rate::per_second(1000));
    let changed = Instant::now();
    let (passed, mut stream) = soon(waiting).await.unwrap();
    assert!(passed - changed <= ms(102), "{:?}", passed - changed);

    limiter.set_rate(Rate::per_minute(1));
    assert_eq!(soon(stream.next()).await.unwrap().unwrap(), 1);
    assert!(passed.elapsed() > Duration::from_secs(59));
}

/// A stream that nobody reads does not stop the others that share its limiter.
#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_reads_stops_nobody() {
    let limiter = Limiter::new(Rate::per_second(100)).with_burst(1);
    let mut unread = Readable::from_iter(0..).rate_limit(&limiter);
    unread.next().await.unwrap().unwrap();
    assert!(poll_once(pin!(unread.next())).is_pending());
    let start = Instant::now();
    let read = Readable::from_iter(0..100).rate_limit(&limiter).count();
    assert_eq!(soon(read).await.unwrap(), 100);
    assert!(start.elapsed() < ms(1000 + 100), "{:?}", start.elapsed());
    assert_eq!(soon(unread.next()).await.unwrap().unwrap(), 1);
}

/// Bytes come out as they went in, however they are cut, at their rate.
#[tokio::test(start_paused = true)]
async fn bytes_at_their_rate() {
    let chunks: Vec<_> = (0..100_usize).map(|n| vec![n.to_le_bytes()[0]; n * 37 % 1000]).collect();
    let all = chunks.concat();
    let limiter = Limiter::new(Rate::per_second(1000)).with_burst(100);
    let start = Instant::now();
    let limited =
        Readable::from_iter(chunks.into_iter().map(Bytes::from)).rate_limit_bytes(&limiter);
    let given = limited.inspect(|piece| assert!(piece.len() <= 100)).to_bytes().await.unwrap();
    assert_eq!(given, all);
    let seconds = start.elapsed().as_secs_f64();
    let expected = all.len() as f64 / 1000.0;
    assert!((seconds - expected).abs() < 0.15, "{seconds} {expected}");
}

/// Rates of which one turn takes much longer than any timer is late are kept to the item, for ever.
#[tokio::test(start_paused = true)]
async fn three_a_day_for_a_year() {
    let start = Instant::now();
    let mut items = Readable::from_iter(0..1096_u32).rate_limit(Rate::per_day(3)).enumerate();
    while let Some(item) = items.next().await {
        let (number, _) = item.unwrap();
        let late = start.elapsed().saturating_sub(Duration::from_secs(8 * 3600 * number));
        assert!(late <= ms(1), "{number} is {late:?} late");
    }
    assert!(start.elapsed() >= Duration::from_secs(365 * 86_400));
}

/// No wake-up is lost between threads: tasks that share a limiter all come to an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_on_many_threads_come_to_an_end() {
    let limiter = Limiter::new(Rate::per_second(1_000_000)).with_burst(100);
    let tasks: Vec<_> = (0..16)
        .map(|who| {
            let limiter = limiter.clone();
            task::spawn(async move {
                if who % 2 == 0 {
                    return Readable::from_iter(0..500).rate_limit(&limiter).count().await.unwrap();
                }
                for n in 0..500 {
                    // Some stop to wait while others are called.
                    if n % 7 == 0 {
                        drop(timeout(Duration::ZERO, limiter.acquire(50)).await);
                    }
                    limiter.acquire(1).await;
                }
                500
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 500);
    }
    assert_eq!(limiter.waiting(), 0);
}

/// A task that acquires without ever having to wait lets others run.
#[tokio::test]
async fn acquiring_without_waiting_gives_way() {
    let limiter = Limiter::new(Rate::per_second(u64::MAX));
    let endless = async {
        loop {
            limiter.acquire(1).await;
        }
    };
    let mut endless: Pin<Box<dyn Future<Output = ()>>> = Box::pin(endless);
    let mut polled = false;
    futures::future::poll_fn(|cx| {
        assert!(endless.as_mut().poll(cx).is_pending());
        if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    sleep(Duration::ZERO).await;
}
