//! Ids alone.

use std::fmt;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use highwater_core::stage::{RunsOn, StageInfo};
use highwater_core::task::{Task, spawn};
use highwater_core::{Readable, Result, Source};

use super::{Address, Resource};
use crate::key::MAX_KEY;
use crate::list::Pages;

/// How ids are read: [`Resource::ids_with`](super::Resource::ids_with).
///
/// # Examples
///
/// ```
/// use std::num::NonZero;
/// use highwater_core::{Readable, Result};
/// use highwater_object::{IdOptions, Record, Store};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let letters = Store::memory().resource::<u32>("letters")?;
/// let records = ["a", "b", "c", "d"].map(|id| Record::new(id, 1));
/// Readable::from_iter(records).pipe_to(letters.writer()).await?;
/// let two = NonZero::new(2).expect("not 0");
/// let ids = letters.ids_with(&IdOptions::new().after("a").with_batch_size(two));
/// assert_eq!(ids.to_vec().await?, [vec!["b", "c"], vec!["d"]]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct IdOptions {
    pub(super) batch: NonZero<usize>,
    pub(super) after: Option<String>,
}

impl Default for IdOptions {
    fn default() -> Self {
        Self { batch: NonZero::new(1000).expect("not 0"), after: None }
    }
}

impl IdOptions {
    /// All ids, up to 1000 at a time.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ids of a batch at the most. A store behind a network gives 1000 or fewer whatever is asked for.
    #[must_use]
    pub fn with_batch_size(mut self, most: NonZero<usize>) -> Self {
        self.batch = most;
        self
    }

    /// Only the ids whose keys sort behind that of this one, which need not be there: to go on where it stopped, in a
    /// store that sorts by key. (Keys end with `.json`, so `a-b` is before `a`.)
    #[must_use]
    pub fn after(mut self, id: impl Into<String>) -> Self {
        self.after = Some(id.into());
        self
    }

    /// Bytes that the batch being given and the one ahead have at the most.
    pub(super) fn max_bytes(&self) -> usize {
        self.batch.get().saturating_mul(2 * MAX_KEY)
    }
}

/// The source made by [`Resource::ids`](super::Resource::ids). A batch is never empty.
///
/// # Cancel safety
///
/// Is cancel safe: a batch is given or still there.
pub struct IdRead(State);

enum State {
    /// Nothing was asked for yet.
    New(Result<Pages>),
    /// The next page is on its way.
    Listing(Task<(Pages, Result<Option<Vec<String>>>)>),
    Over,
}

impl<F> Resource<F> {
    /// Reads all ids, in batches of up to 1000, in the order of the store: S3, GCS and Azure sort by key.
    ///
    /// # Backpressure
    ///
    /// One batch is listed ahead, by a task that is spawned when it is first read and ends with it.
    ///
    /// # Errors
    ///
    /// In the stream, behind the ids before it: the store fails for good, or its listing goes round in circles.
    pub fn ids(&self) -> Readable<IdRead> {
        self.ids_with(&IdOptions::new())
    }

    /// [`ids`](Self::ids) with options.
    ///
    /// # Errors
    ///
    /// As [`ids`](Self::ids).
    pub fn ids_with(&self, options: &IdOptions) -> Readable<IdRead> {
        IdRead::readable(&self.address, options)
    }
}

impl IdRead {
    pub(super) fn new(address: &Arc<Address>, options: &IdOptions) -> Self {
        let after = options.after.as_deref().map(|id| address.key(id)).transpose();
        let pages = after.map(|after| Pages::new(Arc::clone(address), after, options.batch.get()));
        Self(State::New(pages))
    }

    pub(super) fn readable(address: &Arc<Address>, options: &IdOptions) -> Readable<Self> {
        let info = StageInfo::new("object::ids")
            .with_runs_on(RunsOn::Task)
            .with_max_bytes(options.max_bytes());
        Readable::from_source(info, Self::new(address, options))
    }

    fn list(mut pages: Pages) -> State {
        State::Listing(spawn(async move {
            let page = pages.next().await;
            (pages, page)
        }))
    }
}

impl Stream for IdRead {
    type Item = Result<Vec<String>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let state = &mut self.get_mut().0;
        loop {
            let error = match std::mem::replace(state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::New(Err(error)) => error,
                State::New(Ok(pages)) => {
                    *state = Self::list(pages);
                    continue;
                }
                State::Listing(mut task) => {
                    let Poll::Ready(page) = Pin::new(&mut task).poll(cx) else {
                        *state = State::Listing(task);
                        return Poll::Pending;
                    };
                    match page {
                        Ok((_, Ok(None))) => return Poll::Ready(None),
                        Ok((pages, Ok(Some(ids)))) => {
                            *state = Self::list(pages);
                            if ids.is_empty() {
                                continue;
                            }
                            return Poll::Ready(Some(Ok(ids)));
                        }
                        Ok((_, Err(error))) => error,
                        Err(stopped) => stopped.into(),
                    }
                }
            };
            return Poll::Ready(Some(Err(error.in_stage("object::ids"))));
        }
    }
}

impl Source for IdRead {
    type Chunk = Vec<String>;
}

impl fmt::Debug for IdRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = matches!(self.0, State::Over);
        f.debug_struct("IdRead").field("over", &over).finish_non_exhaustive()
    }
}
