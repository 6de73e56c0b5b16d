//! One item per line.

use std::sync::Arc;

use bytes::Bytes;
use highwater_core::{Result, Transform};

use crate::counts::LineCounts;
use crate::length::line_length_settings;
use crate::line::{Block, Ending, Line, Shape};
use crate::newlines::{BLOCK, newlines};
use crate::split::{Kind, Piece, Split};

/// Splits bytes into [`Line`]s: [`Lines::new`].
pub fn lines() -> Lines {
    Lines::new()
}

/// Splits bytes into [`Line`]s.
///
/// A line ends with `\n`; a `\r` directly before it belongs to the ending. A last line without newline is given at the
/// end of the input, but not when the input fails: then nobody knows whether it is whole.
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
/// use highwater_lines::{Lines, LongLine};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let log = || Readable::from_iter(["short\nquite l", "ong\nend"].map(Bytes::from));
///
/// let mut strict = log().pipe(Lines::new().with_max_length(5));
/// assert_eq!(strict.next().await.expect("a line")?, "short");
/// let error = strict.next().await.expect("an error").unwrap_err();
/// assert!(error.is_limit());
/// assert_eq!((error.line(), error.offset()), (Some(2), Some(6)));
///
/// let cut = log().pipe(Lines::new().with_max_length(5).on_long_line(LongLine::Truncate)).to_vec().await?;
/// assert_eq!(cut, ["short", "quite", "end"]);
/// assert!(cut[1].is_truncated());
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Lines {
    split: Split,
    /// Lines that were found, given out one by one.
    block: Arc<Block>,
    /// One that was given back: with it the next is given, and none is counted twice.
    spare: Option<Line>,
    /// How many of them were given out.
    given: u16,
    /// What is left of whole lines to be found.
    rest: Bytes,
    /// Where `rest` stands in the stream.
    offset: u64,
}

impl Lines {
    /// With lines of at most 1 MiB (2²⁰ bytes); a longer one is an error.
    pub fn new() -> Self {
        Self::default()
    }

    line_length_settings!();

    /// What it has counted, readable while it runs and afterwards.
    pub fn counts(&self) -> LineCounts {
        self.split.counts().clone()
    }

    /// Finds more lines and gives the first of them.
    #[inline(never)]
    fn refill(&mut self) -> Result<Option<Line>> {
        // Nothing of the block is left: the chunk must not be kept in memory.
        (self.block, self.spare) = (Arc::default(), None);
        while self.rest.is_empty() {
            let Some(piece) = self.split.next()? else { return Ok(None) };
            match piece.kind {
                Kind::Whole => (self.offset, self.rest) = (piece.offset, piece.bytes),
                Kind::Skipped => {}
                Kind::Cut(ending) => return Ok(Some(self.single(piece, ending, true))),
                Kind::Last => return Ok(Some(self.single(piece, Ending::None, false))),
            }
        }
        self.scan();
        Ok(Some(self.give(0)))
    }

    /// Finds the next lines of `rest`, so many that a chunk of very short lines does not fill the memory with them.
    fn scan(&mut self) {
        let ends = newlines(&self.rest, BATCH);
        let after = ends.last().map_or(self.rest.len(), |last| last + 1);
        let (number, offset) = (self.split.figures.lines + 1, self.offset);
        self.split.figures.lines += ends.len() as u64;
        let bytes = self.rest.split_to(after);
        self.offset += after as u64;
        self.block = Arc::new(Block { bytes, offset, number, ends, shape: Shape::Whole });
    }

    /// A line that does not come among others.
    fn single(&mut self, piece: Piece, ending: Ending, truncated: bool) -> Line {
        self.split.figures.lines += 1;
        let text = piece.bytes.len() - ending.as_bytes().len();
        let (bytes, offset, number) = (piece.bytes, piece.offset, self.split.figures.lines);
        let shape = Shape::Single { ending, truncated };
        self.block = Arc::new(Block { bytes, offset, number, ends: vec![text], shape });
        self.give(0)
    }

    #[inline]
    fn give(&mut self, index: u16) -> Line {
        self.given = index + 1;
        match self.spare.take() {
            Some(line) => line.sibling(index),
            None => self.block.line(index),
        }
    }
}

impl Transform for Lines {
    type Input = Bytes;
    type Output = Line;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<Line>> {
        self.split.write(chunk);
        self.refill()
    }

    #[inline]
    fn read(&mut self) -> Result<Option<Line>> {
        if usize::from(self.given) < self.block.ends.len() {
            Ok(Some(self.give(self.given)))
        } else {
            self.refill()
        }
    }

    /// The hold that the line has on its block is kept for the next line: to let go of it and to take hold again would
    /// be most of the work per line.
    #[inline]
    fn take_back(&mut self, line: Line) {
        if line.is_of(&self.block) {
            self.spare = Some(line);
        }
    }

    fn end(&mut self) -> Result<()> {
        self.split.end()
    }

    fn max_bytes(&self) -> Option<usize> {
        self.split.max_bytes()?.checked_add((BATCH + BLOCK) * size_of::<usize>())
    }

    fn name(&self) -> &'static str {
        "lines"
    }
}

/// How many lines are found in one go.
const BATCH: usize = 1024;
// The lines of a block are numbered with a `char` below the surrogates.
const _: () = assert!(BATCH < 0xd800);
