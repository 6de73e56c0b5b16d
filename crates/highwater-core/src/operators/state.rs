//! What remembers: a state, a count, a group.

use std::marker::PhantomData;
use std::num::NonZeroUsize;

use crate::error::Result;
use crate::transform::Transform;

/// Carries a state along: [`Readable::scan`](crate::Readable::scan).
pub struct Scan<I, St, F> {
    state: St,
    f: F,
    over: bool,
    chunk: PhantomData<fn(I)>,
}

debug_fields!(Scan<I, St, F>);

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

    fn max_bytes(&self) -> Option<usize> {
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

    /// What has come of the group that is not whole yet.
    #[inline]
    pub fn held(&self) -> &[I] {
        &self.held
    }

    /// The items that were taken and not given, so that none is lost of a stream that is given up.
    pub fn into_remainder(self) -> Vec<I> {
        let mut items = self.whole.unwrap_or_default();
        items.extend(self.held);
        items
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
        // Looked at for every chunk: most often there is nothing to take, and then nothing is written either.
        Ok(if self.whole.is_some() { self.whole.take() } else { None })
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
