//! The same bytes, cut where lines end.

use bytes::Bytes;
use highwater_core::{Result, Transform};
use memchr::memchr_iter;

use crate::counts::LineCounts;
use crate::length::line_length_settings;
use crate::split::{Kind, Split};

/// Regroups bytes into blocks of whole lines: [`LineBlocks::new`].
pub fn line_blocks() -> LineBlocks {
    LineBlocks::new()
}

/// Regroups bytes into blocks of whole lines.
///
/// Every block ends with `\n`, but the very last may not. Put together, the blocks are the input, unless a line was too
/// long: with [`LongLine::Truncate`](crate::LongLine::Truncate) its first bytes and its ending are kept. A block is a
/// slice of the chunk; only the line that crosses into the next chunk is copied, and is a block of its own. A last line
/// without newline is given at the end of the input, but not when the input fails.
///
/// It holds the start of one line at the most, and never more than the maximum length of a line plus two bytes.
///
/// # Errors
///
/// A line is longer than [`with_max_length`](Self::with_max_length), unless [`on_long_line`](Self::on_long_line) says
/// otherwise.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_lines::LineBlocks;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let chunks = ["a\nb\nc", "c\nd\r\ne"].map(Bytes::from);
/// let blocks = Readable::from_iter(chunks).pipe(LineBlocks::new()).to_vec().await?;
/// assert_eq!(blocks, ["a\nb\n", "cc\n", "d\r\n", "e"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct LineBlocks {
    split: Split,
}

impl LineBlocks {
    /// With lines of at most 1 MiB (2²⁰ bytes); a longer one is an error.
    pub fn new() -> Self {
        Self::default()
    }

    line_length_settings!();

    /// What it has counted, readable while it runs and afterwards.
    pub fn counts(&self) -> LineCounts {
        self.split.counts().clone()
    }
}

impl Transform for LineBlocks {
    type Input = Bytes;
    type Output = Bytes;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.split.write(chunk);
        self.read()
    }

    #[inline]
    fn read(&mut self) -> Result<Option<Bytes>> {
        while let Some(piece) = self.split.next()? {
            self.split.figures.lines += match piece.kind {
                Kind::Whole => memchr_iter(b'\n', &piece.bytes).count() as u64,
                Kind::Cut(_) | Kind::Last => 1,
                Kind::Skipped => 0,
            };
            if !piece.bytes.is_empty() {
                return Ok(Some(piece.bytes));
            }
        }
        Ok(None)
    }

    fn end(&mut self) -> Result<()> {
        self.split.end()
    }

    fn max_bytes(&self) -> Option<usize> {
        self.split.max_bytes()
    }

    fn name(&self) -> &'static str {
        "line_blocks"
    }
}
