//! One block: gathered on the task, compressed on a thread of the pool.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};
use highwater_core::Result;

use super::WINDOW;
use crate::check::Check;

/// The block that is gathered.
#[derive(Debug)]
pub(super) struct BlockBuilder {
    /// The block, behind the last bytes of the one before it.
    text: Vec<u8>,
    dictionary: usize,
    /// The block is full with so many bytes.
    size: usize,
    level: u32,
    /// The header, until the first block takes it with it.
    prefix: Vec<u8>,
}

/// A block for a job.
#[derive(Debug)]
pub(super) struct Block {
    text: Vec<u8>,
    /// How much of the text is of the block before.
    dictionary: usize,
    level: u32,
    /// What stands before it in the output.
    prefix: Vec<u8>,
    /// Whether it ends the data.
    last: bool,
}

/// What a job made.
#[derive(Debug)]
pub(super) struct Compressed {
    pub(super) bytes: Vec<u8>,
    pub(super) check: Check,
    /// Whether it ends the data.
    pub(super) last: bool,
    /// The buffer of the text, to be used again.
    pub(super) buffer: Vec<u8>,
}

impl BlockBuilder {
    pub(super) fn new(size: usize, level: u32, header: Vec<u8>) -> Self {
        Self { text: Vec::new(), dictionary: 0, size, level, prefix: header }
    }

    fn len(&self) -> usize {
        self.text.len() - self.dictionary
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() == self.size
    }

    /// Takes as much of the chunk as the block has room for.
    pub(super) fn take(&mut self, chunk: &mut Bytes) {
        let room = self.size - self.len();
        self.text.extend_from_slice(&chunk.split_to(room.min(chunk.len())));
    }

    /// Gives the block away, and begins the next one in this buffer.
    pub(super) fn give(&mut self, last: bool, mut buffer: Vec<u8>) -> Block {
        let tail = self.text.len().saturating_sub(WINDOW);
        buffer.clear();
        buffer.reserve_exact(WINDOW + self.size);
        buffer.extend_from_slice(&self.text[tail..]);
        let dictionary = std::mem::replace(&mut self.dictionary, buffer.len());
        let text = std::mem::replace(&mut self.text, buffer);
        let prefix = std::mem::take(&mut self.prefix);
        Block { text, dictionary, level: self.level, prefix, last }
    }
}

impl Block {
    /// Compresses it, behind its prefix. Unless it is the last, it ends on the border of a byte, so that the next one can be
    /// put behind it.
    ///
    /// The engine is a new one: after a reset, what it makes of the same block now and then differs by some bytes.
    pub(super) fn compress(self) -> Result<Compressed> {
        let Self { text: buffer, dictionary, level, prefix: mut bytes, last } = self;
        let (dictionary, text) = buffer.split_at(dictionary);
        let mut check = Check::default();
        check.update(text);
        let mut engine = Compress::new(Compression::new(level), false);
        if !dictionary.is_empty() {
            engine.set_dictionary(dictionary)?;
        }
        let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
        bytes.reserve(text.len() / 2 + SLACK);
        let mut rest = text;
        loop {
            let before = engine.total_in();
            let status = engine.compress_vec(rest, &mut bytes, flush)?;
            let taken = usize::try_from(engine.total_in() - before).expect("it is of a slice");
            rest = &rest[taken..];
            let is_out = rest.is_empty() && bytes.len() < bytes.capacity();
            if status == Status::StreamEnd || !last && is_out {
                // A destination that gathers a megabyte counts bytes, and not the room around them.
                bytes.shrink_to_fit();
                return Ok(Compressed { bytes, check, last, buffer });
            }
            bytes.reserve(rest.len() + SLACK);
        }
    }
}

/// More than what is around the data of a block that cannot be compressed, in bytes.
const SLACK: usize = 1024;

#[cfg(test)]
mod tests {
    use flate2::{Decompress, FlushDecompress};

    use super::*;

    /// A block that cannot be compressed makes the output grow, and one that is empty still ends the data.
    #[test]
    fn a_block_is_packed_whole() {
        for size in [0, 1, 10, 100_000] {
            // Multiplied and added to, numbers look random in their upper bits.
            let next = |seed: &u32| Some(seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
            let noise = std::iter::successors(Some(1_u32), next);
            let text: Vec<u8> = noise.map(|seed| seed.to_be_bytes()[0]).take(size).collect();
            for last in [false, true] {
                let (block, prefix) = (text.clone(), b"in front".to_vec());
                let block = Block { text: block, dictionary: 0, level: 6, prefix, last };
                let compressed = block.compress().unwrap();
                assert_eq!((compressed.last, &compressed.bytes[..8]), (last, &b"in front"[..]));
                let (mut engine, mut back) = (Decompress::new(false), Vec::with_capacity(size + 1));
                let data = &compressed.bytes[8..];
                let status = engine.decompress_vec(data, &mut back, FlushDecompress::None).unwrap();
                assert!(back == text && (status == Status::StreamEnd) == last);
                assert_eq!(engine.total_in(), data.len() as u64);
            }
        }
    }
}
