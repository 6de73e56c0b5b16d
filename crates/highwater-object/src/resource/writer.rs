//! Records, written several at once.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZero;
use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use highwater_core::record::{Failed, FailurePolicy, ItemCounts, OnFailure};
use highwater_core::task::{Task, spawn};
use highwater_core::{Destination, Error, Result};
use object_store::ObjectStoreExt;
use tokio::task::JoinError;

use super::{Address, Resource};
use crate::error::failed;
use crate::put::GRACE;
use crate::record::{Encode, Record};

/// The destination made by [`Resource::writer`](super::Resource::writer): records in, one object each.
///
/// A record is written whole or not at all, and replaces the one that had its id. Records with one id must not be in one
/// batch: which of them stays is not said. They are written 16 at once, by tasks of their own that are spawned by `write`
/// and end with it.
///
/// # Backpressure
///
/// A write takes records in until there is a batch of 128 that have not arrived, and then waits for one of them. Up to
/// 16 of the batch are under way. A `flush` waits until all of the batch are under way; a `flush` or `finish` behind
/// that, until they have arrived.
///
/// # Cancel safety
///
/// What a `write` has accepted is kept here, not in its future. An abort, and a drop, stop the records under way: each of
/// them is there whole, or not at all. Those that did not get under way are [`unwritten`](Self::take_unwritten). Only an
/// abort that comes when the last records are under way waits for them, for 10 s at the most: if all are written, the
/// pipeline has succeeded, and if no answer comes, the error is a [timeout](Error::is_timeout).
///
/// # Errors
///
/// A record that cannot be written is given to the policy of [`on_failure`](Self::on_failure), together with the error. By
/// default that is the end: no further record gets under way, those that are arrive or fail (and are `suppressed` then),
/// and the error has the record in it, for `error.downcast_ref::<Failed<Record<T>>>()`.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_core::record::{Failed, OnFailure};
/// use highwater_object::{Record, Store};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let squares = Store::memory().resource::<u32>("squares")?;
/// let records = || ["1", "2", "", "4"].map(|id| Record::new(id, id.parse().unwrap_or(0)));
///
/// let error = Readable::from_iter(records()).pipe_to(squares.writer()).await.unwrap_err();
/// let failed = error.downcast_ref::<Failed<Record<u32>>>().expect("the record");
/// assert_eq!(failed.item(), &Record::new("", 0));
///
/// let policy = OnFailure::handle(|failed| Ok(println!("{failed}: {}", failed.error())));
/// let going_on = squares.writer().on_failure(policy);
/// let counts = going_on.counts();
/// Readable::from_iter(records()).pipe_to(going_on).await?;
/// assert_eq!((counts.succeeded(), counts.failed()), (3, 1));
/// # Ok(()) }
/// ```
pub struct RecordWrite<F: Encode> {
    address: Arc<Address>,
    limit: u64,
    batch: usize,
    concurrency: usize,
    failures: FailurePolicy<Record<F::Value>>,
    /// Accepted, and not under way.
    waiting: VecDeque<Record<F::Value>>,
    under_way: FuturesUnordered<Task<Put<F::Value>>>,
    /// Whether all records have been accepted.
    finishing: bool,
    over: bool,
}

/// How a record fared.
type Put<T> = Result<(), Failed<Record<T>>>;

impl<F: Encode> Resource<F> {
    /// Writes records, 16 at once: see [`RecordWrite`].
    pub fn writer(&self) -> RecordWrite<F> {
        RecordWrite::new(Arc::clone(&self.address), self.limit)
    }
}

impl<F: Encode> RecordWrite<F> {
    pub(super) fn new(address: Arc<Address>, limit: u64) -> Self {
        Self {
            address,
            limit,
            batch: 128,
            concurrency: 16,
            failures: FailurePolicy::default(),
            waiting: VecDeque::new(),
            under_way: FuturesUnordered::new(),
            finishing: false,
            over: false,
        }
    }

    /// Records taken in before a write waits, those under way included: 128.
    #[must_use]
    pub fn with_batch_size(mut self, records: NonZero<usize>) -> Self {
        self.batch = records.get();
        self
    }

    /// Records under way at once: 16, if the batch has so many.
    #[must_use]
    pub fn with_concurrency(mut self, most: NonZero<usize>) -> Self {
        self.concurrency = most.get();
        self
    }

    /// Sets the policy for a record that cannot be written.
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure<Record<F::Value>>) -> Self {
        self.failures.set(policy);
        self
    }

    /// The records that were written and that failed, readable while it runs.
    ///
    /// At the end, and after an error of its own, every record that was accepted is counted, as one or the other, or is
    /// [unwritten](Self::take_unwritten). After an abort, those that were under way are not.
    pub fn counts(&self) -> ItemCounts {
        self.failures.counts()
    }

    /// After an error or an abort: the records that were accepted and did not get under way, in their order.
    pub fn take_unwritten(&mut self) -> Vec<Record<F::Value>> {
        std::mem::take(&mut self.waiting).into()
    }

    /// Gets as many records under way as are allowed.
    fn send(&mut self) -> Result<()> {
        while self.under_way.len() < self.concurrency.min(self.batch) {
            let Some(record) = self.waiting.pop_front() else { return Ok(()) };
            match F::encode(&record.value).and_then(|bytes| within(self.limit, bytes)) {
                Ok(bytes) => {
                    let put = put(Arc::clone(&self.address), record, bytes);
                    self.under_way.push(spawn(put));
                }
                Err(error) => self.fail(not_written(record, error))?,
            }
        }
        Ok(())
    }

    /// Waits for one of those under way; `false` if there is none.
    async fn arrive(&mut self) -> Result<bool> {
        let Some(put) = self.under_way.next().await else { return Ok(false) };
        self.note(put).map(|()| true)
    }

    /// Notes those that have arrived meanwhile.
    fn reap(&mut self) -> Result<()> {
        while let Some(Some(put)) = self.under_way.next().now_or_never() {
            self.note(put)?;
        }
        Ok(())
    }

    fn note(&mut self, put: Result<Put<F::Value>, JoinError>) -> Result<()> {
        match put? {
            Ok(()) => {
                self.failures.good();
                Ok(())
            }
            Err(failed) => self.fail(failed),
        }
    }

    fn fail(&mut self, failed: Failed<Record<F::Value>>) -> Result<()> {
        self.failures.failed(|| failed, Error::from)
    }

    /// Until no more than so many wait and so many are left in all.
    async fn drain(&mut self, waiting: usize, left: usize) -> Result<()> {
        let result = async {
            loop {
                self.reap()?;
                self.send()?;
                let all = self.waiting.len() + self.under_way.len();
                if self.waiting.len() <= waiting && all <= left {
                    return Ok(());
                }
                self.arrive().await?;
            }
        };
        match result.await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.stop(error).await),
        }
    }

    /// Waits for the last ones, but not for ever; an error if all have arrived.
    async fn outcome(&mut self) -> Result<()> {
        match tokio::time::timeout(GRACE, self.drain(0, 0)).await {
            Ok(Ok(())) => Err(Error::committed()),
            Ok(failed) => failed,
            Err(_) => {
                let (records, seconds) = (self.under_way.len(), GRACE.as_secs());
                Err(Error::timeout(format!(
                    "the store did not answer within {seconds} s; whether the last {records} records were written is not known"
                )))
            }
        }
    }

    /// Waits for those under way, so that it is known which of them were written.
    async fn stop(&mut self, mut error: Error) -> Error {
        self.over = true;
        loop {
            match self.arrive().await {
                Ok(true) => {}
                Ok(false) => return error,
                Err(later) => error = error.suppress(later),
            }
        }
    }
}

fn within(limit: u64, bytes: bytes::Bytes) -> Result<bytes::Bytes> {
    if bytes.len() as u64 > limit {
        let what = format!("a record of {} bytes; {limit} are allowed", bytes.len());
        return Err(Error::limit(what));
    }
    Ok(bytes)
}

fn not_written<T>(record: Record<T>, error: Error) -> Failed<Record<T>> {
    let message = format!("record `{}` was not written", record.id.escape_debug());
    Failed::new(record, error).with_message(message)
}

async fn put<T>(address: Arc<Address>, record: Record<T>, bytes: bytes::Bytes) -> Put<T> {
    let sent = async {
        let key = address.key(&record.id)?;
        address.store.guard(&key).await?;
        let put = address.store.place.objects.put(&key, bytes.into()).await;
        put.map(drop).map_err(|error| failed(format_args!("write `{key}`"), error))
    };
    match sent.await {
        Ok(()) => Ok(()),
        Err(error) => Err(not_written(record, error)),
    }
}

impl<F: Encode> Destination for RecordWrite<F> {
    type Chunk = Record<F::Value>;

    async fn open(&mut self) -> Result<()> {
        if self.over { Err(Error::write_after_end()) } else { Ok(()) }
    }

    async fn write(&mut self, record: Record<F::Value>) -> Result<()> {
        if self.over {
            return Err(Error::write_after_end());
        }
        self.waiting.push_back(record);
        self.drain(usize::MAX, self.batch - 1).await
    }

    async fn flush(&mut self) -> Result<()> {
        self.drain(0, 0).await
    }

    async fn on_idle(&mut self) -> Result<()> {
        self.drain(0, usize::MAX).await
    }

    async fn finish(&mut self) -> Result<()> {
        self.finishing = true;
        self.drain(0, 0).await?;
        self.over = true;
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        let last = self.finishing && !self.over && self.waiting.is_empty();
        let outcome = if last { self.outcome().await } else { Ok(()) };
        self.over = true;
        self.under_way.clear();
        outcome
    }

    fn name(&self) -> &'static str {
        "object::writer"
    }
}

impl<F: Encode> fmt::Debug for RecordWrite<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordWrite")
            .field("prefix", &self.address.prefix.as_ref())
            .field("waiting", &self.waiting.len())
            .field("under_way", &self.under_way.len())
            .finish_non_exhaustive()
    }
}
