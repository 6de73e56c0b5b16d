//! The machines behind the methods of [`Readable`](crate::Readable).
//!
//! Each is a [`Transform`] of its own, so that it can be put into a [`Chain`](crate::Chain) or driven without a stream.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroUsize;

use crate::{Error, Result, Transform};

macro_rules! opaque_debug {
    ($name:ident < $($parameter:ident),* >) => {
        impl<$($parameter),*> fmt::Debug for $name<$($parameter),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

/// One chunk in, one chunk out: [`Readable::map`](crate::Readable::map).
pub struct Map<I, F> {
    f: F,
    chunk: PhantomData<fn(I)>,
}

opaque_debug!(Map<I, F>);

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

    fn holds(&self) -> Option<usize> {
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

opaque_debug!(TryMap<I, F>);

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

    fn holds(&self) -> Option<usize> {
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

opaque_debug!(Filter<I, F>);

impl<I, F: FnMut(&I) -> bool> Filter<I, F> {
    /// Asks `f` about each chunk.
    pub fn new(f: F) -> Self {
        Self { f, chunk: PhantomData }
    }
}

impl<I, F: FnMut(&I) -> bool> Transform for Filter<I, F> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        Ok(if (self.f)(&chunk) { Some(chunk) } else { None })
    }

    fn holds(&self) -> Option<usize> {
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

opaque_debug!(FilterMap<I, F>);

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

    fn holds(&self) -> Option<usize> {
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

impl<I, It: IntoIterator, F> fmt::Debug for FlatMap<I, It, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatMap").finish_non_exhaustive()
    }
}

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

    fn holds(&self) -> Option<usize> {
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

opaque_debug!(Inspect<I, F>);

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

    fn holds(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "inspect"
    }
}

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

    fn holds(&self) -> Option<usize> {
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

    fn holds(&self) -> Option<usize> {
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

opaque_debug!(TakeWhile<I, F>);

impl<I, F: FnMut(&I) -> bool> TakeWhile<I, F> {
    /// Asks `f` about each chunk until it says no.
    pub fn new(f: F) -> Self {
        Self { f, over: false, chunk: PhantomData }
    }
}

impl<I, F: FnMut(&I) -> bool> Transform for TakeWhile<I, F> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        self.over = self.over || !(self.f)(&chunk);
        Ok(if self.over { None } else { Some(chunk) })
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.over
    }

    fn holds(&self) -> Option<usize> {
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

opaque_debug!(SkipWhile<I, F>);

impl<I, F: FnMut(&I) -> bool> SkipWhile<I, F> {
    /// Asks `f` about each chunk until it says no.
    pub fn new(f: F) -> Self {
        Self { f, passing: false, chunk: PhantomData }
    }
}

impl<I, F: FnMut(&I) -> bool> Transform for SkipWhile<I, F> {
    type Input = I;
    type Output = I;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<I>> {
        self.passing = self.passing || !(self.f)(&chunk);
        Ok(if self.passing { Some(chunk) } else { None })
    }

    fn holds(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "skip_while"
    }
}

/// Carries a state along: [`Readable::scan`](crate::Readable::scan).
pub struct Scan<I, St, F> {
    state: St,
    f: F,
    over: bool,
    chunk: PhantomData<fn(I)>,
}

opaque_debug!(Scan<I, St, F>);

impl<I, St, F> Scan<I, St, F> {
    /// Calls `f` with the state and each chunk, until it gives `None`.
    pub fn new<O>(state: St, f: F) -> Self
    where
        F: FnMut(&mut St, I) -> Option<O>,
    {
        Self { state, f, over: false, chunk: PhantomData }
    }
}

impl<I, St, O, F: FnMut(&mut St, I) -> Option<O>> Transform for Scan<I, St, F> {
    type Input = I;
    type Output = O;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<O>> {
        let output = (self.f)(&mut self.state, chunk);
        self.over = output.is_none();
        Ok(output)
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.over
    }

    fn name(&self) -> &'static str {
        "scan"
    }
}

/// Numbers the chunks from 0: [`Readable::enumerate`](crate::Readable::enumerate).
#[derive(Debug, Clone)]
pub struct Enumerate<I> {
    next: u64,
    chunk: PhantomData<fn(I)>,
}

impl<I> Enumerate<I> {
    /// Starts at 0.
    pub fn new() -> Self {
        Self { next: 0, chunk: PhantomData }
    }
}

impl<I> Default for Enumerate<I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I> Transform for Enumerate<I> {
    type Input = I;
    type Output = (u64, I);

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<(u64, I)>> {
        let number = self.next;
        self.next += 1;
        Ok(Some((number, chunk)))
    }

    fn holds(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "enumerate"
    }
}

/// Groups chunks into vectors: [`Readable::chunks`](crate::Readable::chunks).
#[derive(Debug, Clone)]
pub struct Chunks<I> {
    size: NonZeroUsize,
    held: Vec<I>,
    whole: Option<Vec<I>>,
}

impl<I> Chunks<I> {
    /// Groups of `size`; the last one may be smaller.
    pub fn new(size: NonZeroUsize) -> Self {
        Self { size, held: Vec::new(), whole: None }
    }
}

impl<I> Transform for Chunks<I> {
    type Input = I;
    type Output = Vec<I>;

    #[inline]
    fn write(&mut self, chunk: I) -> Result<Option<Vec<I>>> {
        self.held.push(chunk);
        if self.held.len() < self.size.get() {
            return Ok(None);
        }
        // The next group is likely as large: it starts with room, but not with more than a few pages.
        let next = Vec::with_capacity(self.size.get().min(GROUP_ROOM));
        Ok(Some(std::mem::replace(&mut self.held, next)))
    }

    #[inline]
    fn read(&mut self) -> Result<Option<Vec<I>>> {
        Ok(self.whole.take())
    }

    fn end(&mut self) -> Result<()> {
        self.release()
    }

    /// Gives the items held, so that none is lost before an upstream error.
    fn release(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        self.whole = Some(held).filter(|held| !held.is_empty());
        Ok(())
    }

    fn name(&self) -> &'static str {
        "chunks"
    }
}

/// Items for which a new group has room from its start.
const GROUP_ROOM: usize = 1024;

/// Fails when more than a number of chunks has passed; what the bounded collectors are made of.
pub(crate) fn check_limit(held: usize, limit: usize, unit: &str) -> Result<()> {
    if held <= limit {
        return Ok(());
    }
    Err(Error::limit(format!("more than {limit} {unit} to collect")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive<M: Transform>(
        machine: &mut M,
        input: impl IntoIterator<Item = M::Input>,
    ) -> Vec<M::Output> {
        let mut given = Vec::new();
        for chunk in input {
            if machine.is_done() {
                break;
            }
            given.extend(machine.write(chunk).expect("writes"));
            while let Some(output) = machine.read().expect("reads") {
                given.push(output);
            }
        }
        if !machine.is_done() {
            machine.end().expect("ends");
            while let Some(output) = machine.read().expect("reads") {
                given.push(output);
            }
        }
        given
    }

    #[test]
    fn one_to_one_and_one_to_none() {
        assert_eq!(drive(&mut Map::new(|x: u8| x + 1), 0..3), [1, 2, 3]);
        assert_eq!(drive(&mut Filter::new(|x: &u8| x % 2 == 0), 0..5), [0, 2, 4]);
        assert_eq!(drive(&mut FilterMap::new(|x: u8| x.checked_sub(1)), 0..3), [0, 1]);
        assert_eq!(drive(&mut Enumerate::new(), ["a", "b"]), [(0, "a"), (1, "b")]);
    }

    #[test]
    fn one_to_many_holds_one() {
        let mut machine = FlatMap::new(|x: u64| 0..x);
        assert_eq!(drive(&mut machine, [2, 0, 3]), [0, 1, 0, 1, 2]);
        assert_eq!(machine.write(u64::MAX).expect("the first of very many"), Some(0));
    }

    #[test]
    fn those_that_stop() {
        assert_eq!(drive(&mut Take::new(2), 0..9), [0, 1]);
        assert!(Take::<u8>::new(0).is_done());
        assert_eq!(drive(&mut Skip::new(2), 0..4), [2, 3]);
        assert_eq!(drive(&mut TakeWhile::new(|x: &u8| *x != 3), [1, 3, 1]), [1]);
        assert_eq!(drive(&mut SkipWhile::new(|x: &u8| *x != 3), [1, 3, 1]), [3, 1]);
        let sums = |sum: &mut u8, x: u8| {
            *sum += x;
            Some(*sum).filter(|sum| *sum < 9)
        };
        assert_eq!(drive(&mut Scan::new(0, sums), [1, 2, 3, 4, 5]), [1, 3, 6]);
    }

    #[test]
    fn groups_and_their_remainder() {
        let three = NonZeroUsize::new(3).expect("not zero");
        assert_eq!(drive(&mut Chunks::new(three), 0..7), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        assert_eq!(drive(&mut Chunks::new(three), 0..3), [vec![0, 1, 2]]);
        assert!(drive(&mut Chunks::<u8>::new(three), []).is_empty());
    }
}
