//! What passes a part of the stream.

use std::marker::PhantomData;

use super::Verdict;
use crate::error::Result;
use crate::transform::Transform;

/// Passes the first chunks, then wants no more: [`Readable::take`](crate::Readable::take).
#[derive(Debug, Clone)]
pub struct Take<I> {
    left: usize,
    chunk: PhantomData<fn(I)>,
}

impl<I> Take<I> {
    /// Passes `n` chunks.
    pub fn new(n: usize) -> Self {
        Self { left: n, chunk: PhantomData }
    }
}

impl<I> Transform for Take<I> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        Ok(Some(chunk))
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.left == 0
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "take"
    }
}

/// Leaves out the first chunks: [`Readable::skip`](crate::Readable::skip).
#[derive(Debug, Clone)]
pub struct Skip<I> {
    left: usize,
    chunk: PhantomData<fn(I)>,
}

impl<I> Skip<I> {
    /// Leaves out `n` chunks.
    pub fn new(n: usize) -> Self {
        Self { left: n, chunk: PhantomData }
    }
}

impl<I> Transform for Skip<I> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        if self.left == 0 {
            return Ok(Some(chunk));
        }
        self.left -= 1;
        Ok(None)
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "skip"
    }
}

/// Passes chunks up to the first that the closure refuses: [`Readable::take_while`](crate::Readable::take_while).
pub struct TakeWhile<I, F> {
    f: F,
    over: bool,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(TakeWhile<I, F>);

impl<I, F> TakeWhile<I, F> {
    /// Asks `f` about each chunk until it says no.
    pub fn new<V: Verdict>(f: F) -> Self
    where
        F: FnMut(&I) -> V,
    {
        Self { f, over: false, chunk: PhantomData }
    }
}

impl<I, V: Verdict, F: FnMut(&I) -> V> Transform for TakeWhile<I, F> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        self.over = self.over || !(self.f)(&chunk).verdict()?;
        Ok(if self.over { None } else { Some(chunk) })
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.over
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "take_while"
    }
}

/// Leaves out chunks up to the first that the closure refuses: [`Readable::skip_while`](crate::Readable::skip_while).
pub struct SkipWhile<I, F> {
    f: F,
    passing: bool,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(SkipWhile<I, F>);

impl<I, F> SkipWhile<I, F> {
    /// Asks `f` about each chunk until it says no.
    pub fn new<V: Verdict>(f: F) -> Self
    where
        F: FnMut(&I) -> V,
    {
        Self { f, passing: false, chunk: PhantomData }
    }
}

impl<I, V: Verdict, F: FnMut(&I) -> V> Transform for SkipWhile<I, F> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        self.passing = self.passing || !(self.f)(&chunk).verdict()?;
        Ok(if self.passing { Some(chunk) } else { None })
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "skip_while"
    }
}
