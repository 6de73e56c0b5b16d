//! What happens to one item.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use highwater_core::record::{Failed, FailurePolicy, ItemCounts, OnFailure};
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
/// use highwater_core::record::OnFailure;
/// use highwater_parallel_map::{ParallelMap, ParallelMapExt as _};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let half = |x: u32| async move { if x % 2 == 0 { Ok(x / 2) } else { Err(Error::msg("odd")) } };
/// let map = ParallelMap::new(4, half)
///     .with_timeout(Duration::from_secs(5))
///     .with_retries(2, Duration::from_millis(1))
///     .on_failure(OnFailure::Skip);
/// let counts = map.counts();
/// assert_eq!(Readable::from_iter(0..6).parallel_map_with(map).to_vec().await?, [0, 1, 2]);
/// assert_eq!((counts.succeeded(), counts.failed()), (3, 3));
/// # Ok(()) }
/// ```
#[must_use]
pub struct ParallelMap<T, F> {
    pub(crate) n: usize,
    pub(crate) ordered: bool,
    f: Arc<F>,
    timeout: Option<Duration>,
    pauses: Option<ExponentialBuilder>,
    /// Copies an item that may be needed once more: for a retry, or for a handler.
    copy: Option<fn(&T) -> T>,
    failures: FailurePolicy<T>,
    pub(crate) load: Option<Load<T>>,
}

/// What becomes of an item.
pub(crate) type Outcome<T, U> = Result<U, Failure<T>>;

/// An item whose last attempt failed.
pub(crate) struct Failure<T> {
    error: Error,
    item: Option<T>,
    attempt: u32,
}

impl<T, F> ParallelMap<T, F> {
    /// At the most `n` items at a time, in order.
    ///
    /// # Panics
    ///
    /// With an `n` of 0.
    #[track_caller]
    pub fn new(n: usize, f: F) -> Self {
        Self {
            n: checked(n),
            ordered: true,
            f: Arc::new(f),
            timeout: None,
            pauses: None,
            copy: None,
            failures: FailurePolicy::default(),
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
        self.pauses = Some(pauses);
        self.copy = Some(T::clone);
        self
    }

    /// Sets the policy for an item whose last attempt failed. A panic always ends the stream.
    ///
    /// For [`OnFailure::Handle`] a copy of each item is kept while its function runs. An item that cannot be copied can be
    /// put into an `Arc`.
    pub fn on_failure(mut self, policy: OnFailure<T>) -> Self
    where
        T: Clone,
    {
        if matches!(policy, OnFailure::Handle(_)) {
            self.copy = Some(T::clone);
        }
        self.failures.set(policy);
        self
    }

    /// The items that succeeded and failed, readable while the map runs and afterwards.
    pub fn counts(&self) -> ItemCounts {
        self.failures.counts()
    }

    /// Whether an item that fails ends the stream.
    pub(crate) fn fails(&self) -> bool {
        self.failures.fails()
    }

    /// What the stream gives for an outcome: `None` for an item that is left out. An outer error is a task that was lost.
    pub(crate) fn judge<U>(
        &mut self,
        index: u64,
        outcome: Result<Outcome<T, U>>,
    ) -> Result<Option<U>> {
        let failure = match outcome {
            Ok(Ok(done)) => {
                self.failures.good();
                return Ok(Some(done));
            }
            Ok(Err(failure)) => failure,
            Err(lost) => return Err(self.failures.end(lost.at_chunk(index))),
        };
        let Failure { error, item, attempt } = failure;
        let error = error.at_chunk(index);
        if self.fails() || error.is_panic() {
            return Err(self.failures.end(error));
        }
        let failed = || {
            let item = item.expect("a copy is kept for a handler");
            Failed::new(item, error).with_index(index).with_attempt(attempt)
        };
        let end = |failed: Failed<T>| failed.into_parts().1;
        catch_unwind(AssertUnwindSafe(|| self.failures.failed(failed, end)))
            .unwrap_or_else(|payload| Err(Error::panic(&*payload)))
            .map(|()| None)
    }
}

impl<T, F, Fut, U> ParallelMap<T, F>
where
    F: Fn(T) -> Fut,
    Fut: Future<Output = Result<U>>,
{
    /// The work on one item.
    pub(crate) fn work(&self, item: T) -> impl Future<Output = Outcome<T, U>> + use<T, F, Fut, U> {
        let (f, limit, pauses, copy) = (Arc::clone(&self.f), self.timeout, self.pauses, self.copy);
        async move {
            let Some(copy) = copy else {
                let failure = |error| Failure { error, item: None, attempt: 1 };
                return once(&*f, item, limit).await.map_err(failure);
            };
            let mut pauses = pauses.map(ExponentialBuilder::build).into_iter().flatten();
            let mut attempt = 1;
            loop {
                let given = copy(&item);
                let error = match once(&*f, given, limit).await {
                    Ok(done) => return Ok(done),
                    Err(error) => error,
                };
                let Some(pause) = pauses.next() else {
                    return Err(Failure { error, item: Some(item), attempt });
                };
                sleep(pause).await;
                attempt += 1;
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
    assert!(n > 0, "the number of items at a time must be greater than 0");
    n
}

/// The longest wait before an item is tried again, without jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

highwater_core::debug_fields!(ParallelMap<T, F>, n, ordered, timeout, failures);
