//! A large object as a stream of bytes.

use std::fmt;
use std::num::NonZero;
use std::ops::Bound;
use std::ops::{Range, RangeBounds};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use highwater_core::stage::{Coop, RunsOn, StageInfo, StageStats};
use highwater_core::task::{Task, spawn};
use highwater_core::{Readable, Result, Source};
use object_store::path::Path;

use crate::fetch::{self, Version};
use crate::store::Store;

/// How a large object is read: [`Store::get_with`].
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_object::{GetOptions, Store};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let store = Store::memory();
/// Readable::once("0123456789").pipe_to(store.put("digits")?).await?;
/// let middle = store.get_with("digits", &GetOptions::new().with_range(3..=5))?;
/// assert_eq!(middle.to_bytes().await?, "345");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct GetOptions {
    part: NonZero<usize>,
    concurrency: NonZero<usize>,
    range: Range<u64>,
}

impl Default for GetOptions {
    fn default() -> Self {
        Self {
            part: NonZero::new(8 * 1024 * 1024).expect("not 0"),
            concurrency: NonZero::new(4).expect("not 0"),
            range: 0..u64::MAX,
        }
    }
}

impl GetOptions {
    /// All of it, 8 MiB per request, four requests at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes per request.
    #[must_use]
    pub fn with_part_size(mut self, bytes: NonZero<usize>) -> Self {
        self.part = bytes;
        self
    }

    /// Requests at once: so many parts are held at the most.
    #[must_use]
    pub fn with_concurrency(mut self, most: NonZero<usize>) -> Self {
        self.concurrency = most;
        self
    }

    /// Only these bytes. What is behind the end of the object is not there; a range that ends before it starts is empty.
    #[must_use]
    pub fn with_range(mut self, bytes: impl RangeBounds<u64>) -> Self {
        let start = match bytes.start_bound() {
            Bound::Included(first) => *first,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match bytes.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => u64::MAX,
        };
        self.range = start..end.max(start);
        self
    }
}

/// The source made by [`Store::get`].
///
/// # Cancel safety
///
/// Is cancel safe: what was fetched is given or still there.
pub struct ObjectRead {
    store: Store,
    key: Path,
    options: GetOptions,
    /// The version that the first answer was of.
    version: Option<Version>,
    /// What is left to be asked for.
    left: Range<u64>,
    parts: FuturesOrdered<Task<Result<(Bytes, Version)>>>,
    /// What is left of the part that is being given.
    rest: Bytes,
    given: u64,
    meter: StageStats,
    coop: Coop,
}

impl Store {
    /// Reads an object of any size: ranges of 8 MiB, four at once, as chunks of at most 256 KiB.
    ///
    /// # Backpressure
    ///
    /// The ranges are fetched by tasks of their own, which are spawned when it is first read and end with it. They go on
    /// while the consumer is busy, so that a slow one is no time-out, until four ranges wait behind the one in work.
    ///
    /// # Errors
    ///
    /// Here: it is not a key. In the stream, with the offset in bytes: it is not there; the store fails for good; the
    /// object was changed while it was read; or what came is not the range that was asked for. No byte is given that was
    /// not checked.
    pub fn get(&self, key: &str) -> Result<Readable<ObjectRead>> {
        self.get_with(key, &GetOptions::new())
    }

    /// [`get`](Self::get) with options.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_with(&self, key: &str, options: &GetOptions) -> Result<Readable<ObjectRead>> {
        Ok(ObjectRead::readable(self.clone(), self.path(key)?, options))
    }
}

impl ObjectRead {
    pub(crate) fn readable(store: Store, key: Path, options: &GetOptions) -> Readable<Self> {
        let holds = options.part.get().saturating_mul(options.concurrency.get() + 1);
        let info = StageInfo::new("object::get").with_runs_on(RunsOn::Task).with_max_bytes(holds);
        let meter = info.meter().clone();
        let source = Self {
            store,
            key,
            options: options.clone(),
            version: None,
            left: options.range.clone(),
            parts: FuturesOrdered::new(),
            rest: Bytes::new(),
            given: 0,
            meter,
            coop: Coop::default(),
        };
        Readable::from_source(info, source)
    }

    /// Has as many parts under way as are allowed: one until the size is known.
    fn ask(&mut self) {
        let most = if self.version.is_some() { self.options.concurrency.get() } else { 1 };
        while self.parts.len() < most && !self.left.is_empty() {
            let part = self.options.part.get() as u64;
            let end = self.left.start.saturating_add(part).min(self.left.end);
            let wanted = self.left.start..end;
            self.left.start = end;
            let (store, key) = (self.store.clone(), self.key.clone());
            let version = self.version.clone();
            self.parts.push_back(spawn(async move {
                fetch::range(&store, &key, wanted, version.as_ref()).await
            }));
        }
    }

    /// The next part; `None` if there is none.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        self.ask();
        let Some(part) = ready!(self.parts.poll_next_unpin(cx)) else { return Poll::Ready(None) };
        match part.unwrap_or_else(|stopped| Err(stopped.into())) {
            Ok((bytes, version)) => {
                if self.version.is_none() {
                    self.left.end = self.left.end.min(version.size());
                    self.version = Some(version);
                }
                // The room of this part is free: the next one is asked for while this one is worked on.
                self.ask();
                Poll::Ready(Some(Ok(bytes)))
            }
            Err(error) => {
                self.left.end = self.left.start;
                self.parts.clear();
                Poll::Ready(Some(Err(error
                    .in_stage("object::get")
                    .at_offset(self.options.range.start + self.given))))
            }
        }
    }
}

impl Stream for ObjectRead {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        ready!(this.coop.poll_ready(cx));
        while this.rest.is_empty() {
            match ready!(this.poll_part(cx)) {
                Some(Ok(part)) => this.rest = part,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let chunk = this.rest.split_to(this.rest.len().min(CHUNK));
        this.coop.spend_bytes(chunk.len());
        this.given += chunk.len() as u64;
        this.meter.publish_bytes(this.given);
        Poll::Ready(Some(Ok(chunk)))
    }
}

impl Source for ObjectRead {
    type Chunk = Bytes;
}

impl fmt::Debug for ObjectRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectRead")
            .field("key", &self.key.as_ref())
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

/// Bytes of a chunk at the most: the size in which files are read, too.
const CHUNK: usize = 256 * 1024;
