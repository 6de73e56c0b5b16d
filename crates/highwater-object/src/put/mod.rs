//! A large object as a destination.

mod plan;
mod upload;

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::num::NonZero;

use bytes::{Bytes, BytesMut};
use highwater_core::task::{Task, spawn};
use highwater_core::{Destination, Error, Result};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::error::failed;
use crate::store::Store;
use plan::Plan;
pub(crate) use upload::GRACE;
use upload::{Beginning, Upload};

/// The destination made by [`Store::put`]: bytes in, one object at the end.
///
/// Nothing can be seen of the object before `finish`, and then all of it; one that was there before stays until then. What
/// fits into one part of 8 MiB is one request. More is a multipart upload: 32 MiB are under way at once, by tasks of their
/// own that end with it, and the length need not be known. After every 1000 parts the next ones are 8 MiB larger, so
/// that 430 GiB fit into the 10 000 parts that S3 allows; [`with_part_size`](Self::with_part_size) makes room for more.
///
/// A part is in memory until it has arrived, and is sent again from there.
///
/// # Backpressure
///
/// A write waits for room among the parts under way. A `flush` sends nothing: a part has its size.
///
/// # Cancel safety
///
/// What a `write` has accepted is kept here, not in its future: if one is dropped, the rest goes on with what is called
/// next. An upload that fails, is aborted, or is dropped leaves nothing behind:
///
/// - After an error or an abort, the pipeline waits until the parts under way have arrived, for 10 s at the most, and
///   the store has forgotten all parts.
/// - The last request, which makes the object, cannot be taken back. An abort beside it waits for its answer, for 10 s at the
///   most: if the object is written, the pipeline has succeeded. If no answer comes, the error is a
///   [timeout](Error::is_timeout) which says that the outcome is not known.
/// - Dropped in between, it is undone by a task of the [`Store`], which nothing but the end of the runtime ends;
///   [`Store::settled`] waits for it.
///
/// A process that is killed, or a network that is gone for good, leaves parts behind that cost money: have the bucket
/// delete them by itself, with a rule for incomplete multipart uploads
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html>). So does an
/// answer to the request that begins an upload if it gets lost on the way: the store has begun one of which nobody knows
/// the name.
///
/// # Errors
///
/// From `write` and `finish`: the store fails for good, or says that it is done and then that it is not; or the object is
/// longer than 10 000 parts.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_object::Store;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let store = Store::memory();
/// let failing = Readable::from_iter(["half of", "it"]).try_map(|text| Ok(format!("{}", text.parse::<u32>()?)));
/// assert!(failing.pipe_to(store.put("object")?).await.is_err());
/// assert_eq!(store.info("object").await?, None);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ObjectWrite<T = Bytes> {
    store: Store,
    key: Path,
    plan: Plan,
    concurrency: usize,
    state: State,
    /// What was accepted and not gathered yet.
    rest: VecDeque<Bytes>,
    /// The part that is gathered.
    part: BytesMut,
    chunk: PhantomData<fn(T)>,
}

/// ```text
///  Gathering --a part is full--> Beginning --> Sending <----an error----+
///      |                            |             |                     |
///      |                            |             +--finish--------> Committing --> Committed
///      +-----------finish----------------------------------------------^
///      +-----------abort------------+-------------+--> Over
/// ```
#[derive(Debug)]
enum State {
    /// It may fit into one request.
    Gathering,
    Beginning(Beginning),
    Sending(Upload),
    /// The last request is under way: it cannot be taken back.
    Committing(Task<Ended>),
    /// The object is there, and nobody has been told yet.
    Committed,
    Over,
}

/// How the last request went, and the upload that it was to complete, to be undone if it failed.
type Ended = (Option<Upload>, Result<()>);

impl Store {
    /// Writes an object of any size, of which nothing can be seen before it is whole.
    ///
    /// See [`ObjectWrite`] for its limits and for what it leaves behind.
    ///
    /// # Errors
    ///
    /// It is not a key.
    pub fn put<T>(&self, key: &str) -> Result<ObjectWrite<T>> {
        Ok(ObjectWrite::new(self.clone(), self.path(key)?))
    }
}

impl<T> ObjectWrite<T> {
    pub(crate) fn new(store: Store, key: Path) -> Self {
        Self {
            store,
            key,
            plan: Plan::new(8 * MIB),
            concurrency: 4,
            state: State::Gathering,
            rest: VecDeque::new(),
            part: BytesMut::new(),
            chunk: PhantomData,
        }
    }

    /// Bytes of the first part: 8 MiB. The last of 10 000 has ten times as many.
    ///
    /// # Panics
    ///
    /// Below 5 MiB, the least that S3 takes, and above 512 MiB, of which ten times is the most.
    #[track_caller]
    #[must_use]
    pub fn with_part_size(mut self, bytes: usize) -> Self {
        assert!(
            (5 * MIB..=512 * MIB).contains(&bytes),
            "a part has 5 MiB to 512 MiB, not {bytes} bytes"
        );
        self.plan = Plan::new(bytes);
        self
    }

    /// How many parts of the first size are under way at once: 4. Of larger parts as many as have the same number of
    /// bytes, but at least one.
    #[must_use]
    pub fn with_concurrency(mut self, parts: NonZero<usize>) -> Self {
        self.concurrency = parts.get();
        self
    }

    /// Parts of a size that no store takes.
    #[cfg(test)]
    pub(crate) fn in_parts_of(bytes: usize, put: Self) -> Self {
        Self { plan: Plan::new(bytes), ..put }
    }

    /// Whether it takes nothing more.
    fn is_closed(&self) -> bool {
        matches!(self.state, State::Committing(_) | State::Committed | State::Over)
    }

    /// Bytes under way at the most, unless one part has more.
    fn most_under_way(&self) -> usize {
        self.plan.first().saturating_mul(self.concurrency)
    }

    /// Gathers what was accepted, and sends each part that is full as soon as it is known not to be the last.
    async fn gather(&mut self) -> Result<()> {
        while let Some(mut chunk) = self.rest.pop_front() {
            let room = self.plan.size() - self.part.len();
            if room == 0 && !chunk.is_empty() {
                self.rest.push_front(chunk);
                self.send().await?;
                continue;
            }
            let piece = chunk.split_to(chunk.len().min(room));
            self.part.extend_from_slice(&piece);
            if !chunk.is_empty() {
                self.rest.push_front(chunk);
            }
        }
        Ok(())
    }

    /// Sends the part that was gathered. If it is dropped while it waits, the part is still there.
    async fn send(&mut self) -> Result<()> {
        let room = self.most_under_way().saturating_sub(self.part.len());
        let upload = self.upload().await?;
        upload.wait(room).await?;
        let number = self.plan.take()?;
        let next = BytesMut::with_capacity(self.plan.size());
        let part = std::mem::replace(&mut self.part, next).freeze();
        self.upload().await?.send(number, part);
        Ok(())
    }

    /// The upload, begun if there is none yet.
    async fn upload(&mut self) -> Result<&mut Upload> {
        if matches!(self.state, State::Gathering) {
            self.state = State::Beginning(Upload::begin(&self.store.place, &self.key));
        }
        if let State::Beginning(beginning) = &mut self.state {
            let begun = beginning.await.map_err(|_| Error::premature_close());
            match begun.and_then(|begun| begun) {
                Ok(upload) => self.state = State::Sending(upload),
                Err(error) => {
                    self.state = State::Over;
                    return Err(error);
                }
            }
        }
        match &mut self.state {
            State::Sending(upload) => Ok(upload),
            _ => Err(Error::write_after_end()),
        }
    }

    /// Sends the last request, by a task of its own: a call that is dropped must not leave its outcome unknown.
    async fn commit(&mut self) -> Result<()> {
        if !matches!(self.state, State::Gathering) {
            if !self.part.is_empty() {
                self.send().await?;
            }
            self.upload().await?.wait(0).await?;
        }
        self.state = State::Committing(match std::mem::replace(&mut self.state, State::Over) {
            State::Sending(mut upload) => spawn(async move {
                let completed = upload.complete().await;
                (Some(upload), completed)
            }),
            _ => {
                let (store, key, object) =
                    (self.store.clone(), self.key.clone(), self.part.split().freeze());
                spawn(async move { (None, put_whole(&store, &key, object).await) })
            }
        });
        Ok(())
    }

    /// Waits for the last request if it is under way. An upload that it did not complete can be undone.
    async fn settle(&mut self) -> Result<()> {
        let State::Committing(task) = &mut self.state else { return Ok(()) };
        let (state, result) = match task.await {
            Ok((_, Ok(()))) => (State::Committed, Ok(())),
            Ok((Some(upload), Err(error))) => (State::Sending(upload), Err(error)),
            Ok((None, Err(error))) => (State::Over, Err(error)),
            Err(error) => (State::Over, Err(error.into())),
        };
        self.state = state;
        result
    }

    /// Waits for the last request, but not for ever; an error if it has succeeded.
    async fn outcome(&mut self) -> Result<()> {
        match tokio::time::timeout(GRACE, self.settle()).await {
            Ok(Ok(())) if matches!(self.state, State::Committed) => Err(Error::committed()),
            Ok(settled) => settled,
            Err(_) => {
                // An upload that goes with it is undone by the store.
                self.state = State::Over;
                let (key, seconds) = (&self.key, GRACE.as_secs());
                Err(Error::timeout(format!(
                    "the store did not answer within {seconds} s; whether `{key}` was written is not known"
                )))
            }
        }
    }
}

/// One request for all of it.
async fn put_whole(store: &Store, key: &Path, object: Bytes) -> Result<()> {
    let put = store.place.objects.put(key, object.into()).await;
    put.map_err(|error| failed(format_args!("write `{key}`"), error))?;
    Ok(())
}

impl<T> Destination for ObjectWrite<T>
where
    T: Into<Bytes> + AsRef<[u8]> + Send,
{
    type Chunk = T;

    async fn open(&mut self) -> Result<()> {
        if self.is_closed() {
            return Err(Error::write_after_end());
        }
        self.store.guard(&self.key).await
    }

    fn accept(&mut self, chunk: T) -> Result<Option<T>> {
        let room = self.plan.size() - self.part.len();
        if self.is_closed() || !self.rest.is_empty() || chunk.as_ref().len() > room {
            return Ok(Some(chunk));
        }
        self.part.extend_from_slice(chunk.as_ref());
        Ok(None)
    }

    async fn write(&mut self, chunk: T) -> Result<()> {
        if self.is_closed() {
            return Err(Error::write_after_end());
        }
        self.rest.push_back(chunk.into());
        self.gather().await
    }

    async fn finish(&mut self) -> Result<()> {
        if matches!(self.state, State::Over) {
            return Err(Error::write_after_end());
        }
        if !self.is_closed() {
            self.gather().await?;
            self.commit().await?;
        }
        self.settle().await?;
        self.state = State::Over;
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        (self.rest, self.part) = (VecDeque::new(), BytesMut::new());
        if let State::Beginning(_) = self.state {
            // One that did not begin is not there to be undone.
            drop(self.upload().await);
        }
        let outcome = self.outcome().await;
        let undone = match &mut self.state {
            State::Sending(upload) => upload.undo().await,
            _ => Ok(()),
        };
        self.state = State::Over;
        outcome.and(undone)
    }

    fn weight(&self, chunk: &T) -> usize {
        chunk.as_ref().len()
    }

    fn max_bytes(&self) -> Option<usize> {
        let largest = self.plan.largest();
        Some(self.most_under_way().max(largest).saturating_add(largest))
    }

    fn name(&self) -> &'static str {
        "object::put"
    }
}

const MIB: usize = 1024 * 1024;
