//! A limit that many share.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker, ready};
use std::time::{Duration, Instant};

use highwater_core::sync::{Mutex, MutexGuard};
use tokio::time::{Sleep, sleep_until};

use crate::Rate;
use crate::bucket::Bucket;
use crate::line::{Line, Turn};

/// A rate, and who has to wait for it: shared by its clones, changeable while it is used.
///
/// In any period of `T` seconds at most `burst + rate × T` passes, whoever asks, however late their timers are. If more is
/// wanted, that is also what passes: the schedule is kept in whole numbers and does not drift, and what late timers have
/// missed is made up for, up to a burst. What is not used is saved up to a burst, and never more.
///
/// Something heavier than the burst passes when nothing is left of what passed before, and all that follows waits until
/// its whole weight has been worked off.
///
/// Those who wait are served in the order in which they asked; many streams that share a limiter get equal shares of
/// turns. Whoever stops to wait has taken nothing. One who does not come when it is its turn (a stream that nobody reads)
/// stays first, but after 50 ms the others no longer wait for it.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_rate_limit::{Limiter, Rate, RateLimitExt};
/// use tokio::time::Instant;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
/// let start = Instant::now();
/// let limiter = Limiter::new(Rate::per_second(10));
/// let a = Readable::from_iter(0..10).rate_limit(&limiter).count();
/// let b = Readable::from_iter(0..10).rate_limit(&limiter).count();
/// let calls = async {
///     for _ in 0..10 {
///         limiter.acquire(1).await;
///     }
///     Ok(10)
/// };
/// assert_eq!(tokio::try_join!(a, b, calls)?, (10, 10, 10));
/// assert_eq!(start.elapsed().as_millis(), 2900);
///
/// limiter.set_rate(Rate::per_second(1000));
/// Readable::from_iter(0..1000).rate_limit(&limiter).count().await?;
/// assert_eq!(start.elapsed().as_millis(), 3900);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Limiter(Arc<Mutex<Shared>>);

struct Shared {
    line: Line,
    /// How to call those who wait, by their tickets; machines cannot be called.
    wakers: BTreeMap<u64, Waker>,
}

impl Limiter {
    /// A limiter with the usual burst: 1, and what passes in 50 ms.
    pub fn new(rate: Rate) -> Self {
        let line = Line::new(Bucket::new(rate));
        Self(Arc::new(Mutex::new(Shared { line, wakers: BTreeMap::new() })))
    }

    /// How much may pass at once after a pause, in items or bytes.
    ///
    /// It is also what is made up for when a timer is late. Tokio's are exact to a millisecond, so with a burst of less
    /// than what passes in a few milliseconds, or of 1 at any rate, somewhat less passes than the rate says.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn with_burst(self, burst: u64) -> Self {
        self.set_burst(burst);
        self
    }

    /// Begins with a whole burst saved up, if it is not in use yet. Without it nothing is saved up at the start, so a
    /// program that is restarted again and again does not exceed the rate.
    #[must_use]
    pub fn saved_up(self) -> Self {
        self.lock().line.bucket().save_up();
        self
    }

    /// Waits until `weight` may pass: 1 for an item, or so many bytes. Nothing of it needs to be given back.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: a future that is dropped before it resolves has taken nothing, but it loses its place in the
    /// line.
    ///
    /// # Panics
    ///
    /// If it has to wait and there is no Tokio runtime with time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use highwater_rate_limit::{Limiter, Rate};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let limiter = Limiter::new(Rate::per_minute(1));
    /// limiter.acquire(1).await;
    /// let second = tokio::time::timeout(Duration::from_secs(59), limiter.acquire(1));
    /// assert!(second.await.is_err());
    /// let third = tokio::time::timeout(Duration::from_secs(1), limiter.acquire(1));
    /// assert!(third.await.is_ok());
    /// # }
    /// ```
    pub async fn acquire(&self, weight: u64) {
        tokio::task::coop::consume_budget().await;
        let mut place = Place::new(self.clone());
        let mut timer = pin!(None::<Sleep>);
        poll_fn(|cx| {
            loop {
                let Turn::Wait(at) = place.ask_or_be_called(weight, cx.waker()) else {
                    return Poll::Ready(());
                };
                let at = tokio::time::Instant::from_std(at);
                match timer.as_mut().as_pin_mut() {
                    Some(timer) => timer.reset(at),
                    None => timer.set(Some(sleep_until(at))),
                }
                ready!(timer.as_mut().as_pin_mut().expect("it was set above").poll(cx));
            }
        })
        .await;
    }

    /// Passes if that is possible now, and says so.
    #[must_use = "false means that it may not pass"]
    pub fn try_acquire(&self, weight: u64) -> bool {
        self.change(|shared| {
            let mut ticket = None;
            let turn = shared.line.ask(&mut ticket, weight, now(), Duration::MAX);
            shared.line.leave(ticket);
            (turn == Turn::Pass, None)
        })
    }

    /// Goes on with another rate. What has passed so far is not forgotten. Who waits next is told: a future of
    /// [`acquire`](Self::acquire) at once, a stream within 100 ms, and 1 ms for each that waits.
    pub fn set_rate(&self, rate: Rate) {
        self.change(|shared| (shared.line.bucket().set_rate(rate, now()), None));
    }

    /// Goes on with another [burst](Self::with_burst), whatever the rate is.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn set_burst(&self, burst: u64) {
        assert!(burst > 0, "a burst of 0 lets nothing pass");
        self.change(|shared| (shared.line.bucket().set_burst(burst), None));
    }

    /// The rate.
    pub fn rate(&self) -> Rate {
        self.lock().line.bucket().rate()
    }

    /// The most that passes at once.
    pub fn burst(&self) -> u64 {
        self.lock().line.bucket().burst()
    }

    /// How many wait; those that did not come when it was their turn are not counted.
    pub fn waiting(&self) -> usize {
        self.lock().line.len()
    }

    /// Changes something, and calls the first in the line if it may pass sooner for it. No waker is called, cloned or
    /// dropped under the lock: that is foreign code.
    fn change<R>(&self, change: impl FnOnce(&mut Shared) -> (R, Option<Waker>)) -> R {
        let mut shared = self.lock();
        let (result, retired) = change(&mut shared);
        let late = shared.line.is_late();
        let called = late.and_then(|ticket| shared.wakers.remove(&ticket));
        drop(shared);
        drop(retired);
        if let Some(waker) = called {
            waker.wake();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // No foreign code runs under the lock, so what a panic leaves behind is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Rate> for Limiter {
    fn from(rate: Rate) -> Self {
        Self::new(rate)
    }
}

/// The same limiter, shared.
impl From<&Self> for Limiter {
    fn from(limiter: &Self) -> Self {
        limiter.clone()
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shared = self.lock();
        let waiting = shared.line.len();
        let bucket = shared.line.bucket();
        f.debug_struct("Limiter")
            .field("rate", &format_args!("{}", bucket.rate()))
            .field("burst", &bucket.burst())
            .field("waiting", &waiting)
            .finish()
    }
}

/// A place in the line, which is left when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    limiter: Limiter,
    ticket: Option<u64>,
}

impl Place {
    pub(crate) fn new(limiter: Limiter) -> Self {
        Self { limiter, ticket: None }
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// Asks to pass at `now`. It cannot be called, so it has to ask again soon if somebody else can change anything.
    pub(crate) fn ask(&mut self, weight: u64, now: Instant) -> Turn {
        let is_alone = Arc::strong_count(&self.limiter.0) == 1;
        self.limiter.change(|shared| {
            let crowd = u32::try_from(shared.line.len()).unwrap_or(u32::MAX);
            let soon = SOON.saturating_add(Duration::from_millis(1).saturating_mul(crowd));
            let patience = if is_alone { Duration::MAX } else { soon };
            (shared.line.ask(&mut self.ticket, weight, now, patience.min(YEAR)), None)
        })
    }

    /// Asks to pass, or to be called when that is possible earlier than it was told.
    fn ask_or_be_called(&mut self, weight: u64, waker: &Waker) -> Turn {
        let waker = waker.clone();
        self.limiter.change(|shared| {
            let old = self.ticket.and_then(|ticket| shared.wakers.remove(&ticket));
            // The clock is read under the lock, so that it does not seem to go back.
            let turn = shared.line.ask(&mut self.ticket, weight, now(), YEAR);
            let retired = match self.ticket {
                Some(ticket) => {
                    shared.wakers.insert(ticket, waker);
                    old
                }
                None => Some(waker),
            };
            (turn, retired)
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        self.limiter.change(|shared| {
            shared.line.leave(Some(ticket));
            ((), shared.wakers.remove(&ticket))
        });
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// After how long a machine asks again that somebody else could change.
const SOON: Duration = Duration::from_millis(100);
/// After how long anybody asks again, because no clock goes on for ever.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
