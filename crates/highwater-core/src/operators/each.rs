//! What looks at one chunk at a time.

use std::marker::PhantomData;

use super::Verdict;
use crate::error::Result;
use crate::transform::{Offer, Transform};

/// One chunk in, one chunk out: [`Readable::map`](crate::Readable::map).
pub struct Map<I, F> {
    f: F,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(Map<I, F>);

impl<I, F> Map<I, F> {
    /// Calls `f` for each chunk.
    pub fn new<O>(f: F) -> Self
    where
        F: FnMut(I) -> O,
    {
        Self { f, chunk: PhantomData }
    }
}

impl<I, O, F: FnMut(I) -> O> Transform for Map<I, F> {
    type Input = I;
    type Output = O;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<O>> {
        Ok(Some((self.f)(chunk)))
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "map"
    }
}

/// As [`Map`], with a closure that may fail: [`Readable::try_map`](crate::Readable::try_map).
pub struct TryMap<I, F> {
    f: F,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(TryMap<I, F>);

impl<I, F> TryMap<I, F> {
    /// Calls `f` for each chunk; its error ends the stream.
    pub fn new<O>(f: F) -> Self
    where
        F: FnMut(I) -> Result<O>,
    {
        Self { f, chunk: PhantomData }
    }
}

impl<I, O, F: FnMut(I) -> Result<O>> Transform for TryMap<I, F> {
    type Input = I;
    type Output = O;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<O>> {
        (self.f)(chunk).map(Some)
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "try_map"
    }
}

/// Passes what the closure approves: [`Readable::filter`](crate::Readable::filter).
pub struct Filter<I, F> {
    f: F,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(Filter<I, F>);

impl<I, F> Filter<I, F> {
    /// Asks `f` about each chunk.
    pub fn new<V: Verdict>(f: F) -> Self
    where
        F: FnMut(&I) -> V,
    {
        Self { f, chunk: PhantomData }
    }
}

impl<I, V: Verdict, F: FnMut(&I) -> V> Transform for Filter<I, F> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        Ok(self.offer(chunk)?.output())
    }

    #[inline]
    fn offer(&mut self, chunk: I) -> Result<Offer<I, I>> {
        Ok(match (self.f)(&chunk).verdict()? {
            true => Offer::Taken(Some(chunk)),
            false => Offer::Refused(chunk),
        })
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "filter"
    }
}

/// Map and filter in one: [`Readable::filter_map`](crate::Readable::filter_map).
pub struct FilterMap<I, F> {
    f: F,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(FilterMap<I, F>);

impl<I, F> FilterMap<I, F> {
    /// Calls `f` for each chunk and passes what it gives.
    pub fn new<O>(f: F) -> Self
    where
        F: FnMut(I) -> Option<O>,
    {
        Self { f, chunk: PhantomData }
    }
}

impl<I, O, F: FnMut(I) -> Option<O>> Transform for FilterMap<I, F> {
    type Input = I;
    type Output = O;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<O>> {
        Ok((self.f)(chunk))
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "filter_map"
    }
}

/// One chunk in, any number out, one held at a time: [`Readable::flat_map`](crate::Readable::flat_map).
pub struct FlatMap<I, It: IntoIterator, F> {
    f: F,
    current: Option<It::IntoIter>,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(FlatMap<I, It: IntoIterator, F>);

impl<I, It: IntoIterator, F: FnMut(I) -> It> FlatMap<I, It, F> {
    /// Calls `f` for each chunk and gives what its iterator gives.
    pub fn new(f: F) -> Self {
        Self { f, current: None, chunk: PhantomData }
    }
}

impl<I, It: IntoIterator, F: FnMut(I) -> It> Transform for FlatMap<I, It, F> {
    type Input = I;
    type Output = It::Item;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<It::Item>> {
        self.current = Some((self.f)(chunk).into_iter());
        self.read()
    }

    #[inline]
    fn read(&mut self) -> Result<Option<It::Item>> {
        let next = self.current.as_mut().and_then(Iterator::next);
        if next.is_none() {
            self.current = None;
        }
        Ok(next)
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "flat_map"
    }
}

/// Looks at each chunk: [`Readable::inspect`](crate::Readable::inspect).
pub struct Inspect<I, F> {
    f: F,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(Inspect<I, F>);

impl<I, F: FnMut(&I)> Inspect<I, F> {
    /// Shows each chunk to `f`.
    pub fn new(f: F) -> Self {
        Self { f, chunk: PhantomData }
    }
}

impl<I, F: FnMut(&I)> Transform for Inspect<I, F> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        (self.f)(&chunk);
        Ok(Some(chunk))
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "inspect"
    }
}
