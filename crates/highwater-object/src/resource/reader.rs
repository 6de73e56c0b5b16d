//! Records, fetched ahead.

use std::fmt;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use highwater_core::record::{Failed, FailurePolicy, ItemCounts, OnFailure};
use highwater_core::stage::{Pace, RunsOn, StageInfo, StageStats};
use highwater_core::task::{Task, spawn};
use highwater_core::{Error, Readable, Result, Source};
use tokio::task::JoinError;

use super::{Address, IdOptions, IdRead, Resource};
use crate::fetch;
use crate::record::{Decode, Record};

/// How records are read: [`Resource::reader_with`](super::Resource::reader_with).
///
/// # Examples
///
/// ```
/// use std::num::NonZero;
/// use highwater_core::{Readable, Result};
/// use highwater_core::record::OnFailure;
/// use highwater_object::{ReaderOptions, Store};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let store = Store::memory();
/// for (key, text) in [("n/a.json", "1"), ("n/b.json", "not JSON"), ("n/c.json", "3")] {
///     Readable::once(text).pipe_to(store.put(key)?).await?;
/// }
/// let many = NonZero::new(64).expect("not 0");
/// let go_on = OnFailure::handle(|failed| {
///     assert_eq!(failed.item(), "b");
///     Ok(())
/// });
/// let options = ReaderOptions::new().with_concurrency(many).on_failure(go_on);
/// let read = store.resource::<u32>("n")?.reader_with(options).map(|record| record.value);
/// assert_eq!(read.to_vec().await?, [1, 3]);
/// # Ok(()) }
/// ```
pub struct ReaderOptions {
    ids: IdOptions,
    concurrency: NonZero<usize>,
    any_order: bool,
    failures: FailurePolicy<String>,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            ids: IdOptions::new(),
            concurrency: NonZero::new(16).expect("not 0"),
            any_order: false,
            failures: FailurePolicy::default(),
        }
    }
}

impl ReaderOptions {
    /// All records, 16 at once, in the order of their ids; the first that cannot be read is the end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records fetched at once: so many are held at the most.
    #[must_use]
    pub fn with_concurrency(mut self, most: NonZero<usize>) -> Self {
        self.concurrency = most;
        self
    }

    /// Gives each record as soon as it is there. In order, all wait for the slowest of those fetched at once.
    #[must_use]
    pub fn any_order(mut self) -> Self {
        self.any_order = true;
        self
    }

    /// Only the records behind this one: [`IdOptions::after`].
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Self {
        self.ids = self.ids.after(id);
        self
    }

    /// Ids listed at a time: 1000. Two pages of them are held.
    #[must_use]
    pub fn with_page_size(mut self, most: NonZero<usize>) -> Self {
        self.ids = self.ids.with_batch_size(most);
        self
    }

    /// Sets the policy for a record that cannot be read, which gets the id of the record, in the place of the record.
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure<String>) -> Self {
        self.failures.set(policy);
        self
    }

    /// The records that were read and that failed, readable while they are read.
    pub fn counts(&self) -> ItemCounts {
        self.failures.counts()
    }
}

highwater_core::debug_fields!(ReaderOptions, ids, concurrency, any_order);

/// The source made by [`Resource::reader`](super::Resource::reader).
///
/// # Cancel safety
///
/// Is cancel safe: what was fetched is given or still there.
pub struct RecordRead<F: Decode> {
    address: Arc<Address>,
    limit: u64,
    concurrency: usize,
    failures: FailurePolicy<String>,
    ids: Ids,
    under_way: UnderWay<F::Value>,
    meter: StageStats,
    pace: Pace,
}

/// The ids to be fetched.
enum Ids {
    /// Those of a page, and then those behind it.
    Left(std::vec::IntoIter<String>, IdRead),
    /// There are no more, for this reason if any, which comes behind the records under way.
    Over(Option<Error>),
}

type Fetch<T> = Task<Result<Record<T>, Failed<String>>>;

enum UnderWay<T> {
    InOrder(FuturesOrdered<Fetch<T>>),
    AnyOrder(FuturesUnordered<Fetch<T>>),
}

impl<F: Decode> Resource<F> {
    /// Reads all records, 16 at once, in the order of [`ids`](Self::ids).
    ///
    /// A record that is written or removed meanwhile is read or not; one that is removed between its listing and its
    /// turn is a failed read.
    ///
    /// # Backpressure
    ///
    /// The records are fetched by tasks of their own, which are spawned when it is first read and end with it. They go
    /// on while the consumer is busy, until 16 records wait for it.
    ///
    /// # Errors
    ///
    /// In the stream, behind the records before it: a record cannot be read (the id is inside, as [`Failed<String>`](highwater_core::record::Failed)),
    /// unless [`ReaderOptions::on_failure`] goes on; or the ids cannot be.
    pub fn reader(&self) -> Readable<RecordRead<F>> {
        self.reader_with(ReaderOptions::new())
    }

    /// [`reader`](Self::reader) with options.
    ///
    /// # Errors
    ///
    /// As [`reader`](Self::reader).
    pub fn reader_with(&self, options: ReaderOptions) -> Readable<RecordRead<F>> {
        RecordRead::readable(&self.address, self.limit, options)
    }
}

impl<F: Decode> RecordRead<F> {
    pub(super) fn readable(
        address: &Arc<Address>,
        limit: u64,
        options: ReaderOptions,
    ) -> Readable<Self> {
        let concurrency = options.concurrency.get();
        let records = usize::try_from(limit).unwrap_or(usize::MAX).saturating_mul(concurrency);
        let holds = records.saturating_add(options.ids.max_bytes());
        let info =
            StageInfo::new("object::reader").with_runs_on(RunsOn::Task).with_max_bytes(holds);
        let meter = info.meter().clone();
        let under_way = if options.any_order {
            UnderWay::AnyOrder(FuturesUnordered::new())
        } else {
            UnderWay::InOrder(FuturesOrdered::new())
        };
        let source = Self {
            address: Arc::clone(address),
            limit,
            concurrency,
            failures: options.failures,
            ids: Ids::Left(Vec::new().into_iter(), IdRead::new(address, &options.ids)),
            under_way,
            meter,
            pace: Pace::default(),
        };
        Readable::from_source(info, source)
    }

    /// Has as many records under way as are allowed, as far as their ids are known.
    fn ask(&mut self, cx: &mut Context<'_>) {
        while self.under_way.len() < self.concurrency {
            let Ids::Left(page, pages) = &mut self.ids else { return };
            if let Some(id) = page.next() {
                let fetch = fetch::<F>(Arc::clone(&self.address), id, self.limit);
                self.under_way.push(spawn(fetch));
                continue;
            }
            match Pin::new(pages).poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(ids))) => *page = ids.into_iter(),
                Poll::Ready(end) => self.ids = Ids::Over(end.and_then(Result::err)),
            }
        }
    }

    /// Stops everything.
    fn end(&mut self) {
        self.ids = Ids::Over(None);
        self.under_way.clear();
    }
}

impl<F: Decode> Stream for RecordRead<F> {
    type Item = Result<Record<F::Value>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            ready!(this.pace.poll_step(cx));
            this.ask(cx);
            let result = match (this.under_way.poll_next(cx), &mut this.ids) {
                (Poll::Ready(Some(result)), _) => result,
                (Poll::Ready(None), Ids::Over(error)) => return Poll::Ready(error.take().map(Err)),
                // The ids have the waker.
                (Poll::Ready(None), Ids::Left(..)) | (Poll::Pending, _) => {
                    return this.pace.note(Poll::Pending);
                }
            };
            let error = match result {
                Ok(Ok(record)) => {
                    // The room of this one is free: another is fetched while this one is worked on.
                    this.ask(cx);
                    this.failures.good();
                    return Poll::Ready(Some(Ok(record)));
                }
                Ok(Err(failed)) => {
                    let policy = || this.failures.failed(|| failed, Error::from);
                    match this.meter.watch(policy) {
                        Ok(()) => continue,
                        Err(error) => error,
                    }
                }
                Err(stopped) => stopped.into(),
            };
            this.end();
            return Poll::Ready(Some(Err(error.in_stage("object::reader"))));
        }
    }
}

impl<F: Decode> Source for RecordRead<F> {
    type Chunk = Record<F::Value>;
}

async fn fetch<F: Decode>(
    address: Arc<Address>,
    id: String,
    limit: u64,
) -> Result<Record<F::Value>, Failed<String>> {
    let value = async {
        let key = address.key(&id)?;
        F::decode(fetch::whole(&address.store, &key, limit).await?)
    };
    match value.await {
        Ok(value) => Ok(Record { id, value }),
        Err(error) => {
            let message = format!("record `{}` was not read", id.escape_debug());
            Err(Failed::new(id, error).with_message(message))
        }
    }
}

impl<T> UnderWay<T> {
    fn len(&self) -> usize {
        match self {
            Self::InOrder(fetches) => fetches.len(),
            Self::AnyOrder(fetches) => fetches.len(),
        }
    }

    fn push(&mut self, fetch: Fetch<T>) {
        match self {
            Self::InOrder(fetches) => fetches.push_back(fetch),
            Self::AnyOrder(fetches) => fetches.push(fetch),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::InOrder(fetches) => fetches.clear(),
            Self::AnyOrder(fetches) => fetches.clear(),
        }
    }

    #[expect(clippy::type_complexity, reason = "a fetch that was stopped, failed or done")]
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Result<Record<T>, Failed<String>>, JoinError>>> {
        match self {
            Self::InOrder(fetches) => fetches.poll_next_unpin(cx),
            Self::AnyOrder(fetches) => fetches.poll_next_unpin(cx),
        }
    }
}

impl<F: Decode> fmt::Debug for RecordRead<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordRead")
            .field("prefix", &self.address.prefix.as_ref())
            .field("under_way", &self.under_way.len())
            .finish_non_exhaustive()
    }
}
