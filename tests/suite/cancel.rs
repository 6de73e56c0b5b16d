//! Dropping a `next` loses nothing (I40, C4), and machines that act on time, under a clock that stands still.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::stream;
use highwater_core::stage::Step as Answer;
use highwater_core::{Readable, Result, Source, TimedTransform};
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio::time::{Instant, advance, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Debounce, Event, Log, Pace, Recorder, Step, pend, poll_once, quiet, script, scripts, values,
};

/// Reads with a new `next` for each poll: every one that is pending is dropped.
fn all_by_dropping<T, S>(mut readable: Readable<S>) -> Vec<T>
where
    S: Source<Chunk = T> + Unpin,
{
    let mut all = Vec::new();
    for _ in 0..10_000 {
        match poll_once(pin!(readable.next())) {
            Poll::Ready(Some(item)) => all.push(item.expect("nothing fails")),
            Poll::Ready(None) => return all,
            Poll::Pending => {}
        }
    }
    panic!("it never ends");
}

proptest! {
    /// I40: a future of `then` under way stays in its stage.
    #[test]
    fn then_loses_nothing(steps in scripts(), pauses in 0..4_usize) {
        let readable = quiet(&steps).then(move |x| async move {
            pend(pauses).await;
            Ok(x)
        });
        prop_assert_eq!(all_by_dropping(readable), values(&steps).collect::<Vec<_>>());
    }

    /// I40: neither do the stages that hold.
    #[test]
    fn stages_that_hold_lose_nothing(steps in scripts(), n in 1..5_usize) {
        let all: Vec<_> = values(&steps).collect();
        let expected: Vec<_> = all.chunks(n).map(<[u32]>::to_vec).collect();
        prop_assert_eq!(all_by_dropping(quiet(&steps).chunks(n)), expected);
        let pairs: Vec<_> = all.iter().copied().zip(values(&steps)).collect();
        let mut late = steps.clone();
        late.insert(0, Step::Pending);
        prop_assert_eq!(all_by_dropping(quiet(&steps).zip(quiet(&late))), pairs);
    }
}

/// I40 under the clock: `next` is given 1 ms at a time and dropped; the pauses go on, and every chunk comes.
#[tokio::test(start_paused = true)]
async fn a_timed_machine_loses_nothing() {
    let slow = Readable::from_iter(0..5_u32).then(|x| async move {
        sleep(Duration::from_millis(7)).await;
        Ok(x)
    });
    let mut readable = slow.pipe_timed(Pace::new(Duration::from_millis(10)));
    let (began, mut all, mut dropped) = (Instant::now(), Vec::new(), 0);
    loop {
        match timeout(Duration::from_millis(1), readable.next()).await {
            Ok(Some(chunk)) => all.push(chunk.unwrap()),
            Ok(None) => break,
            Err(_) => dropped += 1,
        }
    }
    assert_eq!(all, [0, 1, 2, 3, 4]);
    assert!(dropped > 30, "{dropped}");
    assert_eq!(began.elapsed(), Duration::from_millis(7 + 4 * 10));
}

/// C78, C84: the last of a burst is given when it has been quiet for long enough, and the last of all at the end.
#[tokio::test(start_paused = true)]
async fn debounce() {
    let (sender, receiver) = mpsc::channel::<u32>(8);
    let source = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let quiet = Duration::from_millis(50);
    let mut readable = Readable::from_stream(source).pinned().pipe_timed(Debounce::new(quiet));
    let began = Instant::now();
    sender.send(1).await.unwrap();
    sender.send(2).await.unwrap();
    assert_eq!(readable.next().await.unwrap().unwrap(), 2);
    assert_eq!(began.elapsed(), quiet);
    sender.send(3).await.unwrap();
    assert!(timeout(Duration::from_millis(30), readable.next()).await.is_err());
    sender.send(4).await.unwrap();
    assert!(timeout(Duration::from_millis(30), readable.next()).await.is_err());
    assert_eq!(readable.next().await.unwrap().unwrap(), 4);
    assert_eq!(began.elapsed(), Duration::from_millis(50 + 30 + 50));
    sender.send(5).await.unwrap();
    drop(sender);
    assert_eq!(readable.next().await.unwrap().unwrap(), 5);
    assert_eq!(began.elapsed(), Duration::from_millis(130));
    assert!(readable.next().await.is_none());
}

/// `NotBefore` holds the source back: it is not even polled before the time has come.
#[tokio::test(start_paused = true)]
async fn not_before_holds_the_source_back() {
    let (log, second) = (Log::default(), Duration::from_secs(1));
    let steps: Vec<_> = (0..4).map(Step::Chunk).collect();
    let mut readable = script(&log, &steps).pipe_timed(Pace::new(second));
    let began = Instant::now();
    for chunk in 0..4_u32 {
        assert_eq!(readable.next().await.unwrap().unwrap(), chunk);
        assert_eq!(began.elapsed(), chunk * second);
        assert_eq!(log.count(Event::Poll), chunk as usize + 1);
        assert!(timeout(second / 2, readable.next()).await.is_err() || chunk == 3);
        // One chunk waits inside; a second one is not taken.
        assert!(log.count(Event::Poll) <= chunk as usize + 2);
    }
}

/// I33, F4: spurious polls of a machine that waits neither speed it up nor slow it down.
#[tokio::test(start_paused = true)]
async fn spurious_polls_do_not_move_the_clock() {
    let mut readable =
        Readable::from_iter(0..3_u32).pipe_timed(Pace::new(Duration::from_millis(100)));
    let began = Instant::now();
    for chunk in 0..3 {
        for _ in 0..20 {
            if chunk > 0 {
                assert!(poll_once(pin!(readable.next())).is_pending());
            }
        }
        assert_eq!(readable.next().await.unwrap().unwrap(), chunk);
    }
    assert_eq!(began.elapsed(), Duration::from_millis(200));
}

/// Gives how many chunks came in each interval.
#[derive(Debug)]
struct Window {
    interval: Duration,
    ends: Option<std::time::Instant>,
    count: u32,
}

impl TimedTransform for Window {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, _: u32, now: std::time::Instant) -> Result<Option<u32>> {
        self.ends.get_or_insert(now + self.interval);
        self.count += 1;
        Ok(None)
    }

    fn read(&mut self, now: std::time::Instant) -> Result<Answer<u32>> {
        let Some(ends) = self.ends else { return Ok(Answer::NeedsInput) };
        if now < ends {
            return Ok(Answer::NeedsInputOr(ends));
        }
        self.ends = None;
        Ok(Answer::Output(std::mem::take(&mut self.count)))
    }
}

/// C70: a deadline is kept by a source that is always ready. Each chunk takes 1 ms and none is ever pending.
#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_with_an_always_ready_source() {
    let busy = stream::poll_fn(|_| {
        // The clock moves in the first poll of `advance`; what it waits for is only a turn of the others.
        assert!(poll_once(pin!(advance(Duration::from_millis(1)))).is_pending());
        Poll::Ready(Some(0_u32))
    });
    let window = Window { interval: Duration::from_millis(10), ends: None, count: 0 };
    let counts = Readable::from_stream(busy).pipe_timed(window).take(500).to_vec().await.unwrap();
    // The window opens with its first chunk and holds those that came in the 10 ms behind it.
    assert_eq!(counts, [11; 500]);
}

/// C71, C72: an idle source lets a deadline pass, and nothing is given that holds nothing.
#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_with_an_idle_source() {
    let window = Window { interval: Duration::from_millis(10), ends: None, count: 0 };
    let idle = [Step::Chunk(1), Step::Chunk(1), Step::Forever];
    let mut readable = quiet(&idle).pipe_timed(window);
    let began = Instant::now();
    assert_eq!(readable.next().await.unwrap().unwrap(), 2);
    assert_eq!(began.elapsed(), Duration::from_millis(10));
    assert!(timeout(Duration::from_secs(9), readable.next()).await.is_err());
}

/// N102, I49 for timed machines: what is held comes at the end, and before an error, without waiting for its time.
#[tokio::test(start_paused = true)]
async fn a_timed_machine_releases_what_it_holds() {
    let hour = Duration::from_secs(3600);
    for (end, fails) in [(vec![], false), (vec![Step::Error], true)] {
        let mut steps = vec![Step::Chunk(1), Step::Chunk(2)];
        steps.extend(end);
        let mut readable = quiet(&steps).pipe_timed(Debounce::new(hour));
        let began = Instant::now();
        assert_eq!(readable.next().await.unwrap().unwrap(), 2);
        assert_eq!(readable.next().await.is_some_and(|item| item.is_err()), fails);
        assert!(readable.next().await.is_none());
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}

/// I38 for timed machines: after an error nothing is pending, whatever the machine still waits for.
#[tokio::test(start_paused = true)]
async fn a_timed_machine_stays_over_after_its_error() {
    let mut readable = quiet(&[Step::Chunk(1)]).pipe_timed(FailsAndWaits(None));
    assert!(readable.next().await.unwrap().is_err());
    let next = poll_once(pin!(readable.next()));
    assert!(matches!(next, Poll::Ready(None)), "{next:?}");
}

/// Fails, and then asks to be asked later.
#[derive(Debug)]
struct FailsAndWaits(Option<std::time::Instant>);

impl TimedTransform for FailsAndWaits {
    type Input = u32;
    type Output = u32;

    fn write(&mut self, _: u32, now: std::time::Instant) -> Result<Option<u32>> {
        self.0 = Some(now + Duration::from_secs(1));
        Err(highwater_core::Error::msg("failed"))
    }

    fn read(&mut self, _: std::time::Instant) -> Result<Answer<u32>> {
        Ok(self.0.map_or(Answer::NeedsInput, Answer::NotBefore))
    }
}

/// I45: an abort does not wait for the time of a machine that holds a chunk back.
#[tokio::test(start_paused = true)]
async fn an_abort_does_not_wait_for_a_timer() {
    let (log, token) = (Log::default(), CancellationToken::new());
    let source =
        quiet(&[Step::Chunk(1), Step::Chunk(2)]).pipe_timed(Pace::new(Duration::from_secs(3600)));
    let pipeline = source.pipe_to(Recorder::new(&log)).abort_on(token.clone());
    let mut running = pin!(pipeline.run());
    assert!(poll_once(running.as_mut()).is_pending());
    token.cancel();
    assert!(running.await.unwrap_err().is_aborted());
    assert_eq!(log.calls(), "open, write 1, flush, abort");
}
