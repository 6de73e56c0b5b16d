//! What happens to one item.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use highwater_core::{Error, Result};
use tokio::time::{sleep, timeout};

use crate::load::Load;

/// The settings of a map, for [`parallel_map_with`](crate::ParallelMapExt::parallel_map_with).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_core::{Error, Readable, Result};
/// use highwater_parallel_map::{OnError, ParallelMap, ParallelMapExt as _, Skipped};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let skipped = Skipped::default();
/// let half = |x: u32| async move { if x % 2 == 0 { Ok(x / 2) } else { Err(Error::msg("odd")) } };
/// let map = ParallelMap::new(4, half)
///     .with_timeout(Duration::from_secs(5))
///     .with_retries(2, Duration::from_millis(1))
///     .on_error(OnError::Skip(skipped.clone()));
/// assert_eq!(Readable::from_iter(0..6).parallel_map_with(map).to_vec().await?, [0, 1, 2]);
/// assert_eq!(skipped.count(), 3);
/// # Ok(()) }
/// ```
#[must_use]
pub struct ParallelMap<T, F> {
    pub(crate) n: usize,
    pub(crate) ordered: bool,
    f: Arc<F>,
    timeout: Option<Duration>,
    retry: Option<Retry<T>>,
    on_error: OnError,
    pub(crate) load: Option<Load<T>>,
}

struct Retry<T> {
    pauses: ExponentialBuilder,
    copy: fn(&T) -> T,
}

/// What becomes of the stream when an item has failed for good.
#[non_exhaustive]
pub enum OnError {
    /// It ends with the error.
    Fail,
    /// It goes on without the item, which is counted.
    Skip(Skipped),
    /// It goes on without the item; the function gets the error, which has the item's index.
    DeadLetter(Box<dyn FnMut(Error) + Send>),
}

/// Counts the items that were skipped.
#[derive(Debug, Clone, Default)]
pub struct Skipped(Arc<AtomicU64>);

impl Skipped {
    /// How many so far.
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl<T, F> ParallelMap<T, F> {
    /// At the most `n` items at a time, in order.
    ///
    /// # Panics
    ///
    /// With an `n` of 0. More than 1024 counts as 1024.
    #[track_caller]
    pub fn new(n: usize, f: F) -> Self {
        Self {
            n: checked(n),
            ordered: true,
            f: Arc::new(f),
            timeout: None,
            retry: None,
            on_error: OnError::Fail,
            load: None,
        }
    }

    /// Gives the results as they come.
    pub fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// Starts no item while those that are started and not given weigh `limit` or more, in what `weigh` counts, such as
    /// bytes. The last one started may go over it, as with a high-water mark.
    pub fn with_max_weight(
        mut self,
        limit: usize,
        weigh: impl Fn(&T) -> usize + Send + 'static,
    ) -> Self {
        self.load = Some(Load::new(limit, Box::new(weigh)));
        self
    }

    /// How long one attempt may take; then it is dropped, and fails with an
    /// [`is_timeout`](highwater_core::Error::is_timeout) error.
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// How often an item is tried again after it failed, and how long to wait before the first time. Each wait is twice
    /// the one before, up to 60 s (or `first_pause`, if that is longer). Jitter makes each of them up to twice as long,
    /// so that items that failed together are not tried again together.
    pub fn with_retries(mut self, times: u32, first_pause: Duration) -> Self
    where
        T: Clone,
    {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(first_pause)
            .with_max_delay(first_pause.max(LONGEST_PAUSE))
            .with_max_times(usize::try_from(times).unwrap_or(usize::MAX))
            .with_jitter();
        self.retry = Some(Retry { pauses, copy: T::clone });
        self
    }

    /// What becomes of the stream when an item has failed for good. A panic always ends it.
    pub fn on_error(mut self, policy: OnError) -> Self {
        self.on_error = policy;
        self
    }
}

impl<T, F, Fut, U> ParallelMap<T, F>
where
    F: Fn(T) -> Fut,
    Fut: Future<Output = Result<U>>,
{
    /// The work on one item.
    pub(crate) fn work(&self, item: T) -> impl Future<Output = Result<U>> + use<T, F, Fut, U> {
        let (f, limit) = (Arc::clone(&self.f), self.timeout);
        let retry = self.retry.as_ref().map(|retry| (retry.pauses, retry.copy));
        async move {
            let f = &*f;
            let Some((pauses, copy)) = retry else {
                return once(f, item, limit).await;
            };
            let attempt = move || once(f, copy(&item), limit);
            attempt.retry(pauses).sleep(sleep).await
        }
    }
}

impl<T, F> ParallelMap<T, F> {
    /// Whether an item that fails ends the stream.
    pub(crate) fn fails(&self) -> bool {
        matches!(self.on_error, OnError::Fail)
    }

    /// What the stream gives for a result: `None` for an item that is left out.
    pub(crate) fn judge<U>(&mut self, result: Result<U>) -> Result<Option<U>> {
        match (result, &mut self.on_error) {
            (Ok(done), _) => Ok(Some(done)),
            (Err(error), _) if error.is_panic() => Err(error),
            (Err(error), OnError::Fail) => Err(error),
            (Err(_), OnError::Skip(skipped)) => {
                skipped.0.fetch_add(1, Relaxed);
                Ok(None)
            }
            (Err(error), OnError::DeadLetter(tell)) => {
                let told = catch_unwind(AssertUnwindSafe(|| tell(error)));
                told.map(|()| None).map_err(|payload| Error::panic(&*payload))
            }
        }
    }
}

async fn once<T, U, Fut>(f: &impl Fn(T) -> Fut, item: T, limit: Option<Duration>) -> Result<U>
where
    Fut: Future<Output = Result<U>>,
{
    match limit {
        None => f(item).await,
        Some(limit) => timeout(limit, f(item))
            .await
            .unwrap_or_else(|_| Err(Error::timeout(format!("an item took longer than {limit:?}")))),
    }
}

/// # Panics
///
/// With 0.
#[track_caller]
pub(crate) fn checked(n: usize) -> usize {
    assert!(n > 0, "a map of 0 items at a time would never do anything");
    n.min(MOST)
}

const MOST: usize = 1024;
/// The longest wait before an item is tried again, without jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl<T, F> fmt::Debug for ParallelMap<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParallelMap")
            .field("n", &self.n)
            .field("ordered", &self.ordered)
            .field("timeout", &self.timeout)
            .field("on_error", &self.on_error)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "Fail",
            Self::Skip(_) => "Skip",
            Self::DeadLetter(_) => "DeadLetter",
        })
    }
}
