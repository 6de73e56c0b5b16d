//! What waits to be written.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// Chunks on their way out: small ones gathered into one piece, large ones as they are.
///
/// Gathering makes thousands of lines one system call, and lets go of the large buffers that small chunks are slices of.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pieces: VecDeque<Bytes>,
    small: BytesMut,
    len: usize,
    copied: usize,
}

impl Batch {
    /// Takes a chunk.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len();
        if chunk.len() >= SMALL {
            self.seal();
            self.pieces.push_back(chunk);
            return;
        }
        if self.small.len() + chunk.len() > PIECE {
            self.seal();
        }
        self.small.extend_from_slice(&chunk);
        self.copied += chunk.len();
    }

    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that were taken in small chunks since the batch was made: they were copied.
    pub(crate) fn copied(&self) -> usize {
        self.copied
    }

    /// Whether it stays below both limits, in bytes, with one more chunk of this length.
    pub(crate) fn has_room(&self, chunk: usize, most: usize, most_copied: usize) -> bool {
        let copied = if chunk < SMALL { chunk } else { 0 };
        self.len + chunk < most && self.copied + copied < most_copied
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Shows what comes first, in as many pieces as one system call takes.
    pub(crate) fn with_slices<R>(&mut self, write: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        self.seal();
        let mut slices = [IoSlice::new(&[]); PIECES_PER_CALL];
        let count = self.pieces.len().min(PIECES_PER_CALL);
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
        }
        write(&slices[..count])
    }

    /// The first piece, for writers that take one at a time.
    pub(crate) fn first(&mut self) -> &[u8] {
        self.seal();
        self.pieces.front().map_or(&[], |piece| piece)
    }

    /// Forgets what has been written: at the most [`len`](Self::len) bytes.
    pub(crate) fn written(&mut self, mut bytes: usize) {
        self.len -= bytes;
        while let Some(piece) = self.pieces.front_mut() {
            if bytes < piece.len() {
                piece.advance(bytes);
                return;
            }
            bytes -= piece.len();
            self.pieces.pop_front();
        }
    }

    /// Gives its memory back, if nothing waits: an idle connection keeps none.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            (self.pieces, self.small) = (VecDeque::new(), BytesMut::new());
        }
    }

    /// Makes a piece of the small chunks.
    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }
}

/// Chunks below this length, in bytes, are gathered.
const SMALL: usize = 16 * 1024;
/// Small chunks make a piece of this length, in bytes.
const PIECE: usize = 64 * 1024;
/// Pieces handed to one vectored write; Linux takes up to 1024.
const PIECES_PER_CALL: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `step` bytes at a time and gives all that came out.
    fn drain(batch: &mut Batch, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while !batch.is_empty() {
            let n = batch.with_slices(|slices| {
                let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
                let n = step.min(all.len());
                out.extend_from_slice(&all[..n]);
                n
            });
            batch.written(n);
        }
        out
    }

    #[test]
    fn what_goes_in_comes_out_in_order_whatever_a_write_takes() {
        for step in [1, 4095, usize::MAX] {
            let mut batch = Batch::default();
            let mut whole = Vec::new();
            for (index, len) in
                [0, 1, 5, SMALL, 3, SMALL - 1, 2 * SMALL, 0, 9].into_iter().enumerate()
            {
                let fill = b'a' + u8::try_from(index).expect("few chunks");
                let chunk = Bytes::from(vec![fill; if step == 1 { len.min(40) } else { len }]);
                whole.extend_from_slice(&chunk);
                batch.push(chunk);
            }
            assert_eq!(batch.len(), whole.len());
            assert!(drain(&mut batch, step) == whole, "step {step}");
            assert!(batch.first().is_empty());
        }
    }

    #[test]
    fn small_chunks_become_few_pieces() {
        let mut batch = Batch::default();
        for _ in 0..10_000 {
            batch.push(Bytes::from_static(b"0123456789"));
        }
        assert_eq!(batch.with_slices(|slices| slices.len()), 100_000_usize.div_ceil(PIECE));
    }
}
