//! The lines that match.

#[cfg(feature = "regex")]
mod expression;
mod matcher;
mod output;
mod pattern;

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use highwater_core::{Error, Result, Transform, debug_fields};
use memchr::memchr_iter;

use crate::counts::LineCounts;
use crate::length::line_length_settings;
use crate::line::Ending;
use crate::split::{Kind, Piece, Split};
use matcher::Matcher;
use output::{FILLED, Output};

/// Keeps the lines that match: a text, several texts, or a [`Grep`].
pub fn grep(pattern: impl Into<Grep>) -> Grep {
    pattern.into()
}

/// Keeps the lines that match, byte for byte as GNU `grep -a` prints them.
///
/// Each line is given with its own ending; a last line without newline gets one. Lines that match are given in blocks:
/// few of them are copied together, a run of 4 KiB or more is a slice of the chunk. A chunk without a match gives
/// nothing. Whole blocks are searched, not line by line, so the cost is that of the search and not of the lines.
///
/// A pattern sees a line without its `\n`, but with the `\r` of a `\r\n`, as in grep. A text is made with
/// [`literal`](Self::literal) or with `From` (`"ERROR"`, `["ERROR", "WARN"]`), a regular expression with
/// `Grep::regex` and the feature `regex`. Nothing has to be UTF-8.
///
/// It holds the start of one line at the most (never more than the maximum length plus two bytes), and 16 KiB of
/// output.
///
/// # Errors
///
/// A line is longer than [`with_max_length`](Self::with_max_length), unless [`on_long_line`](Self::on_long_line) says
/// otherwise. The matching lines before it are given first.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_lines::{Grep, LinesExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let log = || Readable::from_iter(["INFO a\nERR", "OR b\nWARN c\nERROR d"].map(Bytes::from));
/// assert_eq!(log().grep("ERROR").to_vec().await?, ["ERROR b\n", "ERROR d\n"]);
/// assert_eq!(log().grep(Grep::literals(["INFO", "WARN"]).line_numbers()).to_vec().await?, ["1:INFO a\n", "3:WARN c\n"]);
/// assert_eq!(log().grep(Grep::literal("ERROR").invert().count()).to_vec().await?, ["2\n"]);
/// # Ok(()) }
/// ```
pub struct Grep {
    split: Split,
    matcher: Matcher,
    invert: bool,
    give: Give,
    /// Whole lines, of which those before `at` were searched.
    block: Bytes,
    at: usize,
    output: Output,
    matched: u64,
    /// An error to be given behind the lines before it.
    failure: Option<Error>,
}

/// What is given of the lines that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Give {
    Lines,
    Numbered,
    Count,
}

impl Grep {
    fn new(matcher: Matcher) -> Self {
        Self {
            split: Split::default(),
            matcher,
            invert: false,
            give: Give::Lines,
            block: Bytes::new(),
            at: 0,
            output: Output::default(),
            matched: 0,
            failure: None,
        }
    }

    /// Keeps the lines that do not match instead: `grep -v`.
    #[must_use]
    pub fn invert(mut self) -> Self {
        self.invert = true;
        self
    }

    /// Gives only the number of lines kept, in decimal and with a newline, at the end of the input: `grep -c`. It wins
    /// over [`line_numbers`](Self::line_numbers). When the input fails nothing is given.
    #[must_use]
    pub fn count(mut self) -> Self {
        self.give = Give::Count;
        self
    }

    /// Puts the number of the line, from 1, and a colon in front of each line: `grep -n`.
    #[must_use]
    pub fn line_numbers(mut self) -> Self {
        if self.give == Give::Lines {
            self.give = Give::Numbered;
        }
        self
    }

    line_length_settings! {
        /// One that is cut is searched and given as far as it is kept, with its ending; one that is skipped is not kept
        /// by [`invert`](Self::invert) either, but counts for the line numbers.
    }

    /// What it has counted, readable while it runs and afterwards.
    pub fn counts(&self) -> LineCounts {
        self.split.counts().clone()
    }

    /// A machine that has seen nothing, without building the pattern once more.
    #[cfg(test)]
    pub(crate) fn fresh(&self) -> Self {
        Self::new(self.matcher.clone())
    }

    /// Searches on to the next line that matches, or to the end of the block.
    fn search(&mut self) {
        let end = self.block.len();
        let hit = self.matcher.find(&self.block, self.at).unwrap_or(end..end);
        self.pass(self.at..hit.start, self.invert);
        self.pass(hit.clone(), !self.invert);
        self.at = hit.end;
        if self.at == end {
            self.output.settle(&self.block);
            // The chunk must not be kept in memory.
            self.block = Bytes::new();
            self.at = 0;
        }
    }

    /// Goes over lines that are all kept or all left out.
    fn pass(&mut self, lines: Range<usize>, kept: bool) {
        if kept && self.give == Give::Numbered {
            return self.pass_numbered(lines);
        }
        let count = memchr_iter(b'\n', &self.block[lines.clone()]).count() as u64;
        self.split.figures.lines += count;
        if kept {
            self.matched += count;
            if self.give == Give::Lines && count > 0 {
                self.output.run(&self.block, lines);
            }
        }
    }

    fn pass_numbered(&mut self, lines: Range<usize>) {
        let mut start = lines.start;
        for newline in memchr_iter(b'\n', &self.block[lines.clone()]) {
            let end = lines.start + newline + 1;
            self.matched += 1;
            self.split.figures.lines += 1;
            self.output.numbered(&self.block[start..end], self.split.figures.lines);
            start = end;
        }
    }

    /// The chunk is worked off, or what follows failed: what is collected is given out.
    fn finish_chunk(&mut self) {
        self.output.flush();
        self.split.counts().publish_matched(self.matched);
    }
}

/// A piece as whole lines: a last line gets its newline here.
fn block_of(piece: Piece) -> Bytes {
    match piece.kind {
        Kind::Whole | Kind::Skipped | Kind::Cut(Ending::Lf | Ending::CrLf) => piece.bytes,
        Kind::Last | Kind::Cut(Ending::None) => {
            let mut line = BytesMut::with_capacity(piece.bytes.len() + 1);
            line.extend_from_slice(&piece.bytes);
            line.put_u8(b'\n');
            line.freeze()
        }
    }
}

debug_fields!(Grep, matcher, invert, give, split);

impl Transform for Grep {
    type Input = Bytes;
    type Output = Bytes;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.split.write(chunk);
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(output) = self.output.pop() {
                return Ok(Some(output));
            }
            if let Some(error) = self.failure.take() {
                return Err(error);
            }
            if !self.block.is_empty() {
                self.search();
                continue;
            }
            match self.split.next() {
                Ok(Some(piece)) => self.block = block_of(piece),
                Ok(None) => {
                    self.finish_chunk();
                    return Ok(self.output.pop());
                }
                Err(error) => {
                    self.finish_chunk();
                    self.failure = Some(error);
                }
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        self.split.end()?;
        if self.give == Give::Count {
            // The last line is searched now: what it adds belongs to the count.
            while let Some(piece) = self.split.next()? {
                self.block = block_of(piece);
                while !self.block.is_empty() {
                    self.search();
                }
            }
            self.output.line(self.matched);
        }
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        self.split.max_bytes()?.checked_add(FILLED)
    }

    fn name(&self) -> &'static str {
        "grep"
    }
}
