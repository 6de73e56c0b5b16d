//! Reading to the end: one value of many chunks.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use crate::destination::destination_fn;
use crate::error::Result;
use crate::observe::Report;
use crate::operators::{Verdict, check_limit};
use crate::readable::{Readable, Source};

/// Reading to the end. Each takes the readable, and drops its source when the answer is known.
///
/// None of them is cancel safe in the sense that it could be taken up again: what it has gathered is dropped with it.
impl<S: Source> Readable<S> {
    /// Hands each chunk to `f` until it breaks off, and gives what it broke off with; `None` at the end.
    async fn visit<B>(
        self,
        mut f: impl FnMut(S::Chunk) -> ControlFlow<B, Option<S::Chunk>>,
    ) -> Result<Option<B>> {
        let mut source = pin!(self.handed_over());
        poll_fn(|cx| source.as_mut().poll_each(cx, &mut f)).await.transpose()
    }

    /// The same with a function whose error ends it.
    async fn try_visit(self, mut f: impl FnMut(S::Chunk) -> Result<()>) -> Result<()> {
        let failed = self.visit(|chunk| f(chunk).map_or_else(Break, |()| Continue(None))).await?;
        failed.map_or(Ok(()), Err)
    }

    /// All chunks, at the most 1 million ([`to_vec_limit`](Self::to_vec_limit) for another number).
    ///
    /// # Errors
    ///
    /// That of the stream, or [`is_limit`](crate::Error::is_limit).
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was gathered is lost.
    pub async fn to_vec(self) -> Result<Vec<S::Chunk>> {
        self.to_vec_limit(MOST_ITEMS).await
    }

    /// All chunks, at the most `limit`.
    ///
    /// # Errors
    ///
    /// That of the stream, or [`is_limit`](crate::Error::is_limit).
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was gathered is lost.
    pub async fn to_vec_limit(self, limit: usize) -> Result<Vec<S::Chunk>> {
        let mut all = Vec::new();
        self.try_visit(|chunk| {
            check_limit(all.len() + 1, limit, "items")?;
            all.push(chunk);
            Ok(())
        })
        .await?;
        Ok(all)
    }

    /// All chunks, however many there are. Memory has no bound.
    ///
    /// # Errors
    ///
    /// That of the stream.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was gathered is lost.
    pub async fn to_vec_unlimited(self) -> Result<Vec<S::Chunk>> {
        self.to_vec_limit(usize::MAX).await
    }

    /// All bytes as one, at the most 64 MiB ([`to_bytes_limit`](Self::to_bytes_limit) for another number).
    ///
    /// # Errors
    ///
    /// That of the stream, or [`is_limit`](crate::Error::is_limit).
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was gathered is lost.
    pub async fn to_bytes(self) -> Result<Bytes>
    where
        S::Chunk: AsRef<[u8]>,
    {
        self.to_bytes_limit(MOST_BYTES).await
    }

    /// All bytes as one, at the most `limit` bytes.
    ///
    /// # Errors
    ///
    /// That of the stream, or [`is_limit`](crate::Error::is_limit).
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was gathered is lost.
    pub async fn to_bytes_limit(self, limit: usize) -> Result<Bytes>
    where
        S::Chunk: AsRef<[u8]>,
    {
        let mut all = BytesMut::new();
        self.try_visit(|chunk| {
            let chunk = chunk.as_ref();
            check_limit(all.len().saturating_add(chunk.len()), limit, "bytes")?;
            all.extend_from_slice(chunk);
            Ok(())
        })
        .await?;
        Ok(all.freeze())
    }

    /// All bytes as one, however many there are. Memory has no bound.
    ///
    /// # Errors
    ///
    /// That of the stream.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was gathered is lost.
    pub async fn to_bytes_unlimited(self) -> Result<Bytes>
    where
        S::Chunk: AsRef<[u8]>,
    {
        self.to_bytes_limit(usize::MAX).await
    }

    /// Calls an async closure for each chunk, one after the other: a pipeline to
    /// [`destination_fn`](crate::destination_fn).
    ///
    /// # Errors
    ///
    /// That of the stream, or of the closure.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: the chunk in work is lost.
    pub async fn for_each<F, Fut>(self, f: F) -> Result<Report>
    where
        F: FnMut(S::Chunk) -> Fut + Send,
        Fut: Future<Output = Result<()>> + Send,
        S::Chunk: Send,
    {
        self.pipe_to(destination_fn(f)).run().await
    }

    /// Folds the chunks into a value.
    ///
    /// # Errors
    ///
    /// That of the stream.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: the value so far is lost.
    #[expect(clippy::missing_panics_doc, reason = "the value is always put back")]
    pub async fn fold<A>(self, init: A, mut f: impl FnMut(A, S::Chunk) -> A) -> Result<A> {
        let mut source = pin!(self.handed_over());
        let mut value = Some(init);
        // One poll for as long as chunks come: the value stays in registers, not in the future.
        poll_fn(|cx| {
            let mut so_far = value.take();
            let polled = source.as_mut().poll_each(cx, |chunk| {
                so_far = so_far.take().map(|so_far| f(so_far, chunk));
                Continue::<Infallible, _>(None)
            });
            value = so_far;
            polled
        })
        .await
        .transpose()?;
        Ok(value.expect("it is put back"))
    }

    /// Folds the chunks into a value with a function that may fail.
    ///
    /// # Errors
    ///
    /// That of the stream, or of `f`.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: the value so far is lost.
    #[expect(clippy::missing_panics_doc, reason = "the value is put back unless `f` fails")]
    pub async fn try_fold<A>(
        self,
        init: A,
        mut f: impl FnMut(A, S::Chunk) -> Result<A>,
    ) -> Result<A> {
        let mut value = Some(init);
        self.try_visit(|chunk| {
            value = value.take().map(|so_far| f(so_far, chunk)).transpose()?;
            Ok(())
        })
        .await?;
        Ok(value.expect("it is put back unless `f` fails"))
    }

    /// Folds the chunks into a value with an async closure, called for one chunk after the other.
    ///
    /// # Errors
    ///
    /// That of the stream, or of `f`.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: the value so far is lost.
    pub async fn fold_async<A, Fut>(
        self,
        init: A,
        mut f: impl FnMut(A, S::Chunk) -> Fut,
    ) -> Result<A>
    where
        Fut: Future<Output = Result<A>>,
    {
        let mut source = pin!(self.handed_over());
        let mut value = init;
        while let Some(chunk) = poll_fn(|cx| source.as_mut().poll_next(cx)).await {
            value = f(value, chunk?).await?;
        }
        Ok(value)
    }

    /// The first chunk for which an async closure resolves to true; reads no further. With `is_some()` it is Node's `some`.
    ///
    /// # Errors
    ///
    /// That of the stream, if it comes before the answer, or of `f`.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was read is lost.
    pub async fn find_async<Fut>(self, f: impl FnMut(&S::Chunk) -> Fut) -> Result<Option<S::Chunk>>
    where
        Fut: Future<Output = Result<bool>>,
    {
        let mut found = pin!(self.handed_over().filter_async(f));
        poll_fn(|cx| found.as_mut().poll_next(cx)).await.transpose()
    }

    /// Folds the chunks into one of them; `None` if there is none.
    ///
    /// # Errors
    ///
    /// That of the stream.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: the value so far is lost.
    pub async fn reduce(
        self,
        mut f: impl FnMut(S::Chunk, S::Chunk) -> S::Chunk,
    ) -> Result<Option<S::Chunk>> {
        self.fold(None, |value, chunk| match value {
            Some(value) => Some(f(value, chunk)),
            None => Some(chunk),
        })
        .await
    }

    /// Whether `f` approves any chunk; reads no further than to the first. False if there is none.
    ///
    /// # Errors
    ///
    /// That of the stream, if it comes before the answer.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was read is lost.
    #[doc(alias = "some")]
    pub async fn any<V: Verdict>(self, mut f: impl FnMut(&S::Chunk) -> V) -> Result<bool> {
        Ok(self.find(|chunk| f(chunk)).await?.is_some())
    }

    /// Whether `f` approves all chunks; reads no further than to the first it refuses. True if there is none.
    ///
    /// # Errors
    ///
    /// That of the stream, if it comes before the answer.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was read is lost.
    #[doc(alias = "every")]
    pub async fn all<V: Verdict>(self, mut f: impl FnMut(&S::Chunk) -> V) -> Result<bool> {
        Ok(self.find(|chunk| f(chunk).verdict().map(|verdict| !verdict)).await?.is_none())
    }

    /// The first chunk that `f` approves; reads no further.
    ///
    /// # Errors
    ///
    /// That of the stream, if it comes before the answer.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was read is lost.
    pub async fn find<V: Verdict>(
        self,
        mut f: impl FnMut(&S::Chunk) -> V,
    ) -> Result<Option<S::Chunk>> {
        let found = self.visit(|chunk| match f(&chunk).verdict() {
            Ok(false) => Continue(Some(chunk)),
            Ok(true) => Break(Ok(chunk)),
            Err(error) => Break(Err(error)),
        });
        found.await?.transpose()
    }

    /// How many chunks there are.
    ///
    /// # Errors
    ///
    /// That of the stream.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: the count so far is lost.
    pub async fn count(self) -> Result<u64> {
        self.fold(0, |count, _| count + 1).await
    }
}

/// What [`Readable::to_vec`] gathers at the most.
const MOST_ITEMS: usize = 1_000_000;
/// What [`Readable::to_bytes`] gathers at the most.
const MOST_BYTES: usize = 64 * 1024 * 1024;
