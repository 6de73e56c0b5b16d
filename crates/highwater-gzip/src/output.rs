//! Chunks of output.

use std::collections::VecDeque;

use bytes::Bytes;

/// Gathers what an engine makes into chunks of at most 64 KiB.
///
/// A full chunk is given away as it is. What is asked for before is copied out, so that a few bytes do not keep a large
/// buffer in memory, and the buffer goes on to be filled.
///
/// A chunk that was given away is filled again once everybody else has dropped it: new memory costs a page fault for
/// every 4 KiB of it.
#[derive(Debug)]
pub(crate) struct Output {
    buffer: Vec<u8>,
    /// How much of it was given before it was full.
    given: usize,
    /// Chunks that were given away, the oldest first.
    away: VecDeque<Bytes>,
    /// How many of those are remembered.
    most_away: usize,
}

impl Output {
    /// The most bytes of a chunk.
    pub(crate) const CHUNK: usize = 64 * 1024;

    /// Remembers so many chunks: as many as are on their way at a time.
    pub(crate) fn remembering(most_away: usize) -> Self {
        Self { buffer: Vec::new(), given: 0, away: VecDeque::new(), most_away }
    }

    /// The most bytes it holds.
    pub(crate) fn max_bytes(&self) -> usize {
        Self::CHUNK * (self.most_away + 1)
    }

    /// The buffer to append to, up to its capacity: one with room for at most `most` bytes, if a new one is begun.
    pub(crate) fn room(&mut self, most: usize) -> &mut Vec<u8> {
        let capacity = most.min(Self::CHUNK);
        if self.buffer.is_empty() && self.buffer.capacity() != capacity {
            let again = if capacity == Self::CHUNK { self.take_back() } else { None };
            self.buffer = again.unwrap_or_else(|| Vec::with_capacity(capacity));
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
            return Some(self.give_away());
        }
        let chunk = Bytes::copy_from_slice(new);
        self.given = self.buffer.len();
        if self.is_full() {
            self.buffer.clear();
            self.given = 0;
        }
        Some(chunk)
    }

    fn give_away(&mut self) -> Bytes {
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        if chunk.len() == Self::CHUNK {
            self.away.push_back(chunk.clone());
            if self.away.len() > self.most_away {
                self.away.pop_front();
            }
        }
        chunk
    }

    /// The buffer of the oldest chunk, if nobody else has it any more.
    fn take_back(&mut self) -> Option<Vec<u8>> {
        match self.away.pop_front()?.try_into_mut() {
            Ok(mut chunk) => {
                // What is empty is turned into a vector without copying.
                chunk.clear();
                Some(Vec::from(chunk)).filter(|buffer| buffer.capacity() == Self::CHUNK)
            }
            Err(chunk) => {
                self.away.push_front(chunk);
                None
            }
        }
    }
}

impl Default for Output {
    /// For a consumer that drops each chunk before it asks for the next.
    fn default() -> Self {
        Self::remembering(1)
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
    fn a_chunk_that_was_dropped_is_filled_again() {
        let mut output = Output::remembering(2);
        let mut next = || {
            output.room(usize::MAX).resize(Output::CHUNK, b'x');
            output.take().unwrap()
        };
        let (first, second) = (next(), next());
        let places = [first.as_ptr(), second.as_ptr()];
        let slice = first.slice(10..20);
        drop((first, second));
        let third = next();
        assert!(!places.contains(&third.as_ptr()), "the oldest is still in use");
        drop(slice);
        // Two are remembered: the second and the third.
        assert_eq!(next().as_ptr(), places[1]);
        let kept = third.as_ptr();
        drop(third);
        assert_eq!(next().as_ptr(), kept);
        assert_eq!(next(), vec![b'x'; Output::CHUNK]);
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
