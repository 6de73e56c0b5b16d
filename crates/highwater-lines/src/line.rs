//! One line.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytes::Bytes;
use highwater_core::{Error, Result};

/// One line without its ending, with its place in the stream.
///
/// It derefs to its bytes. They are a slice of the chunk they came in where that is possible: to keep few lines for
/// long, copy them (`line.to_vec()`), or each keeps its whole chunk in memory.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_lines::{Ending, LinesExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let lines = Readable::from_iter([Bytes::from("a=1\r\nb=2")]).lines().to_vec().await?;
/// assert_eq!(lines, ["a=1", "b=2"]);
/// assert_eq!((lines[0].ending(), lines[1].ending()), (Ending::CrLf, Ending::None));
/// assert_eq!((lines[1].number(), lines[1].offset()), (2, 5));
/// # Ok(()) }
/// ```
// A line is moved through every stage, so it is two words, the answers of a stage included, and stays in registers: what
// is known of it is in its block. With its place and bytes in itself, moving it took half of the time per line.
#[derive(Clone)]
pub struct Line {
    block: Arc<Block>,
    index: Index,
}

/// Which line of its block: a small number, as a `char` because that is a number with values to spare, by which the
/// answers around a line are told without a word more.
#[derive(Clone, Copy)]
struct Index(char);

impl Index {
    #[inline]
    fn new(index: u16) -> Self {
        Self(
            char::from_u32(u32::from(index))
                .expect("a block has no more lines than there are low chars"),
        )
    }

    #[inline]
    fn get(self) -> usize {
        self.0 as usize
    }
}

/// Lines that came together.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) bytes: Bytes,
    /// Where `bytes` stands in the stream.
    pub(crate) offset: u64,
    /// The number of the first line.
    pub(crate) number: u64,
    /// Where each line ends: at its newline, or as [`Shape`] says.
    pub(crate) ends: Vec<usize>,
    pub(crate) shape: Shape,
}

/// What the lines of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Shape {
    /// Each ends with its newline, and perhaps a `\r` before it.
    #[default]
    Whole,
    /// There is one, without its ending, and it was too long or not.
    Single { ending: Ending, truncated: bool },
}

impl Block {
    /// The line with this index, which is less than the number of its ends.
    #[inline]
    pub(crate) fn line(self: &Arc<Self>, index: u16) -> Line {
        Line { block: Arc::clone(self), index: Index::new(index) }
    }

    /// The bytes of a line, its `\n` left out.
    #[inline]
    fn range(&self, index: usize) -> Range<usize> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] + 1 };
        start..self.ends[index]
    }

    /// The bytes of a line, its ending left out.
    #[inline]
    fn text(&self, index: usize) -> Range<usize> {
        let Range { start, end } = self.range(index);
        let cr = self.shape == Shape::Whole && end > start && self.bytes[end - 1] == b'\r';
        start..end - usize::from(cr)
    }
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// With `\n`.
    Lf,
    /// With `\r\n`.
    CrLf,
    /// With the input.
    None,
}

impl Ending {
    /// Its bytes: what stood behind the line.
    #[inline]
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::None => b"",
        }
    }
}

impl Line {
    /// Another line of the same block.
    #[inline]
    pub(crate) fn sibling(self, index: u16) -> Self {
        Self { index: Index::new(index), ..self }
    }

    /// Whether it is one of this block.
    #[inline]
    pub(crate) fn is_of(&self, block: &Arc<Block>) -> bool {
        Arc::ptr_eq(&self.block, block)
    }

    #[inline]
    fn range(&self) -> Range<usize> {
        self.block.text(self.index.get())
    }

    /// Its number in the stream, from 1; lines that were skipped count.
    #[inline]
    pub fn number(&self) -> u64 {
        self.block.number + self.index.get() as u64
    }

    /// Where its first byte stands in the stream, in bytes from 0.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.block.offset + self.range().start as u64
    }

    /// How it ended.
    #[inline]
    pub fn ending(&self) -> Ending {
        match self.block.shape {
            Shape::Single { ending, .. } => ending,
            Shape::Whole if self.block.range(self.index.get()) == self.range() => Ending::Lf,
            Shape::Whole => Ending::CrLf,
        }
    }

    /// True when it was longer than the maximum and the rest of it was dropped; see
    /// [`LongLine::Truncate`](crate::LongLine::Truncate).
    #[inline]
    pub fn is_truncated(&self) -> bool {
        matches!(self.block.shape, Shape::Single { truncated: true, .. })
    }

    /// The line as text.
    ///
    /// # Errors
    ///
    /// It is not UTF-8 ([`Error::is_corrupt`]). The error says the number of the line and the offset, in bytes from the
    /// start of the stream, of the first byte that is wrong.
    #[inline]
    pub fn as_str(&self) -> Result<&str> {
        std::str::from_utf8(self).map_err(|error| self.not_utf8(error.valid_up_to()))
    }

    /// The line as text, with U+FFFD for what is not UTF-8.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self)
    }

    /// The bytes, without a copy.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.block.bytes.slice(self.range())
    }

    #[cold]
    fn not_utf8(&self, valid: usize) -> Error {
        let offset = self.offset() + valid as u64;
        Error::corrupt("a line is not valid UTF-8").at_line(self.number()).at_offset(offset)
    }
}

impl Deref for Line {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.block.bytes[self.range()]
    }
}

impl AsRef<[u8]> for Line {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Line> for Bytes {
    #[inline]
    fn from(line: Line) -> Self {
        line.into_bytes()
    }
}

/// The text, with U+FFFD for what is not UTF-8.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_string_lossy(), f)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("text", &self.to_string_lossy())
            .field("number", &self.number())
            .field("offset", &self.offset())
            .field("ending", &self.ending())
            .field("truncated", &self.is_truncated())
            .finish()
    }
}

/// Compares the bytes and all that is known of them.
impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        let known =
            |line: &Self| (line.number(), line.offset(), line.ending(), line.is_truncated());
        **self == **other && known(self) == known(other)
    }
}

impl Eq for Line {}

/// Compares the bytes only.
impl PartialEq<&[u8]> for Line {
    fn eq(&self, other: &&[u8]) -> bool {
        **self == **other
    }
}

/// Compares the bytes only.
impl<const N: usize> PartialEq<&[u8; N]> for Line {
    fn eq(&self, other: &&[u8; N]) -> bool {
        **self == other[..]
    }
}

/// Compares the bytes only.
impl PartialEq<&str> for Line {
    fn eq(&self, other: &&str) -> bool {
        **self == *other.as_bytes()
    }
}

// A line is moved through every stage: it stays small, and so does what a machine answers.
const _: () = assert!(size_of::<Line>() == 16);
const _: () = assert!(size_of::<Result<Option<Line>>>() == 16);
