//! One item per line.

use bytes::Bytes;
use highwater_core::{Result, Transform};
use memchr::memchr_iter;

use crate::counts::LineCounts;
use crate::line::{Ending, Line};
use crate::split::{Kind, LongLine, Piece, Split};

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
/// A line is longer than [`max_length`](Self::max_length), unless [`on_long_line`](Self::on_long_line) says otherwise.
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
/// let mut strict = log().pipe(Lines::new().max_length(5));
/// assert_eq!(strict.next().await.expect("a line")?, "short");
/// let error = strict.next().await.expect("an error").unwrap_err();
/// assert!(error.is_limit());
/// assert_eq!((error.line(), error.offset()), (Some(2), Some(6)));
///
/// let cut = log().pipe(Lines::new().max_length(5).on_long_line(LongLine::Truncate)).to_vec().await?;
/// assert_eq!(cut, ["short", "quite", "end"]);
/// assert!(cut[1].is_truncated());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Lines {
    split: Split,
    /// Whole lines, given out one by one.
    block: Bytes,
    /// Where `block` stands in the stream.
    offset: u64,
    /// Where the next line starts in `block`.
    start: usize,
    /// The next newlines of `block`, found in one go.
    ends: Vec<usize>,
    /// How many of `ends` were given out.
    given: usize,
}

impl Lines {
    /// With lines of at most 1 MiB (2²⁰ bytes); a longer one is an error.
    pub fn new() -> Self {
        Self {
            split: Split::new(),
            block: Bytes::new(),
            offset: 0,
            start: 0,
            ends: Vec::new(),
            given: 0,
        }
    }

    /// The most bytes a line may have, its ending not counted. With 0 only empty lines pass.
    #[must_use]
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.split = self.split.max_length(bytes);
        self
    }

    /// Lets lines be of any length: a stream without newlines is then held in memory as a whole.
    #[must_use]
    pub fn unlimited_length(self) -> Self {
        self.max_length(usize::MAX)
    }

    /// What becomes of a longer line.
    #[must_use]
    pub fn on_long_line(mut self, policy: LongLine) -> Self {
        self.split = self.split.on_long_line(policy);
        self
    }

    /// What it has counted, readable while it runs and afterwards.
    pub fn counts(&self) -> LineCounts {
        self.split.counts().clone()
    }

    /// The line that ends with the newline at `end`.
    #[inline]
    fn cut(&mut self, end: usize) -> Line {
        let start = self.start;
        let crlf = end > start && self.block[end - 1] == b'\r';
        let (end_of_text, ending) = if crlf { (end - 1, Ending::CrLf) } else { (end, Ending::Lf) };
        self.start = end + 1;
        self.split.figures.lines += 1;
        Line {
            bytes: self.block.slice(start..end_of_text),
            number: self.split.figures.lines,
            offset: self.offset + start as u64,
            ending,
            truncated: false,
        }
    }

    /// Finds more newlines and gives the first of the lines.
    #[inline(never)]
    fn refill(&mut self) -> Result<Option<Line>> {
        loop {
            self.scan();
            if let Some(&end) = self.ends.first() {
                self.given = 1;
                return Ok(Some(self.cut(end)));
            }
            // Nothing of the block is left: the chunk must not be kept in memory.
            self.block = Bytes::new();
            self.start = 0;
            let Some(piece) = self.split.next()? else { return Ok(None) };
            let ending = match piece.kind {
                Kind::Whole => {
                    (self.offset, self.block) = (piece.offset, piece.bytes);
                    continue;
                }
                Kind::Skipped => continue,
                Kind::Cut(ending) => ending,
                Kind::Last => Ending::None,
            };
            return Ok(Some(self.single(piece, ending)));
        }
    }

    /// Finds the next newlines, so many that a chunk of very short lines does not fill the memory with them.
    fn scan(&mut self) {
        self.given = 0;
        self.ends.clear();
        let start = self.start;
        let newlines = memchr_iter(b'\n', &self.block[start..]).map(|at| start + at);
        self.ends.extend(newlines.take(BATCH));
    }

    /// A line that does not come in a block.
    fn single(&mut self, piece: Piece, ending: Ending) -> Line {
        self.split.figures.lines += 1;
        let text = piece.bytes.len() - ending.as_bytes().len();
        Line {
            bytes: piece.bytes.slice(..text),
            number: self.split.figures.lines,
            offset: piece.offset,
            ending,
            truncated: piece.kind != Kind::Last,
        }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
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
        if let Some(&end) = self.ends.get(self.given) {
            self.given += 1;
            return Ok(Some(self.cut(end)));
        }
        self.refill()
    }

    fn end(&mut self) -> Result<()> {
        self.split.end()
    }

    fn holds(&self) -> Option<usize> {
        self.split.holds()?.checked_add(BATCH * size_of::<usize>())
    }

    fn name(&self) -> &'static str {
        "lines"
    }
}

/// How many newlines are found in one go.
const BATCH: usize = 512;
