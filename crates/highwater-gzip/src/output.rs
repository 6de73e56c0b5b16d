//! Chunks of output.

use bytes::Bytes;

/// Gathers what an engine makes into chunks of at most 64 KiB.
///
/// A full chunk is given away as it is. What is asked for before is copied out, so that a few bytes do not keep a large
/// buffer in memory, and the buffer goes on to be filled.
#[derive(Debug, Default)]
pub(crate) struct Output {
    buffer: Vec<u8>,
    /// How much of it was given before it was full.
    given: usize,
}

impl Output {
    /// The most bytes of a chunk.
    pub(crate) const CHUNK: usize = 64 * 1024;

    /// The buffer to append to, up to its capacity: one with room for at most `most` bytes, if a new one is begun.
    pub(crate) fn room(&mut self, most: usize) -> &mut Vec<u8> {
        let capacity = most.min(Self::CHUNK);
        if self.buffer.is_empty() && self.buffer.capacity() != capacity {
            self.buffer = Vec::with_capacity(capacity);
        }
        &mut self.buffer
    }

    /// How many bytes the buffer still takes; 0 as well where none was begun.
    pub(crate) fn left(&self) -> usize {
        self.buffer.capacity() - self.buffer.len()
    }

    /// Whether the buffer has to be taken before it takes more.
    pub(crate) fn is_full(&self) -> bool {
        !self.buffer.is_empty() && self.left() == 0
    }

    /// What has not been given yet.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        let new = &self.buffer[self.given..];
        if new.is_empty() {
            return None;
        }
        if self.is_full() && self.given == 0 {
            return Some(Bytes::from(std::mem::take(&mut self.buffer)));
        }
        let chunk = Bytes::copy_from_slice(new);
        self.given = self.buffer.len();
        if self.is_full() {
            self.buffer.clear();
            self.given = 0;
        }
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_chunk_is_given_away_and_a_part_is_copied() {
        let mut output = Output::default();
        assert_eq!((output.take(), output.is_full(), output.left()), (None, false, 0));
        output.room(usize::MAX).extend_from_slice(b"ab");
        let start = output.buffer.as_ptr();
        assert_eq!(output.take().unwrap(), "ab");
        assert_eq!(output.take(), None);
        output.room(usize::MAX).extend_from_slice(b"c");
        assert_eq!(output.take().unwrap(), "c");
        output.room(usize::MAX).resize(Output::CHUNK, b'd');
        assert!(output.is_full());
        assert_eq!(output.take().unwrap().len(), Output::CHUNK - 3);
        output.room(usize::MAX).resize(Output::CHUNK, b'e');
        assert_eq!(output.buffer.as_ptr(), start, "the buffer is used again");
        let whole = output.take().unwrap();
        assert_eq!((whole.as_ptr(), whole.len()), (start, Output::CHUNK));
        assert_eq!((output.take(), output.is_full()), (None, false));
    }

    #[test]
    fn a_new_buffer_has_the_room_that_is_asked_for() {
        let mut output = Output::default();
        assert_eq!(output.room(10).capacity(), 10);
        assert_eq!(output.room(20).capacity(), 20, "nothing was in it");
        output.room(20).push(b'a');
        assert_eq!(output.room(3).capacity(), 20, "it was begun");
        assert_eq!(output.left(), 19);
    }
}
