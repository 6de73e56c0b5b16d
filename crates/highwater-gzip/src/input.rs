//! The chunk in work.

use bytes::{Buf, Bytes};

/// What is left of a chunk, and where it stands in the stream.
#[derive(Debug, Default)]
pub(crate) struct Input {
    rest: Bytes,
    offset: u64,
}

impl Input {
    /// Takes the next chunk; the one before was used up.
    pub(crate) fn refill(&mut self, chunk: Bytes) {
        self.rest = chunk;
    }

    /// What is left.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.rest
    }

    pub(crate) fn first(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Where the first byte of what is left stands in the stream.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn advance(&mut self, count: usize) {
        self.rest.advance(count);
        self.offset += count as u64;
    }

    /// Moves what there is to the front of `space`, and says how much it was.
    pub(crate) fn fill(&mut self, space: &mut [u8]) -> usize {
        let count = space.len().min(self.rest.len());
        space[..count].copy_from_slice(&self.rest[..count]);
        self.advance(count);
        count
    }

    /// Gives what is left away. An empty slice of a chunk would keep the chunk in memory: nothing is left of it.
    pub(crate) fn take(&mut self) -> Bytes {
        self.offset += self.rest.len() as u64;
        std::mem::take(&mut self.rest)
    }
}
