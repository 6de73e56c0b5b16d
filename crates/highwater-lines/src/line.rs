//! One line.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

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
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    pub(crate) bytes: Bytes,
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) ending: Ending,
    pub(crate) truncated: bool,
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
    /// Its number in the stream, from 1; lines that were skipped count.
    #[inline]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where its first byte stands in the stream, in bytes from 0.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How it ended.
    #[inline]
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// True when it was longer than the maximum and the rest of it was dropped; see
    /// [`LongLine::Truncate`](crate::LongLine::Truncate).
    #[inline]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The line as text.
    ///
    /// # Errors
    ///
    /// It is not UTF-8 ([`Error::is_corrupt`]). The error says the number of the line and the offset, in bytes from the
    /// start of the stream, of the first byte that is wrong.
    #[inline]
    pub fn as_str(&self) -> Result<&str> {
        std::str::from_utf8(&self.bytes).map_err(|error| self.not_utf8(error.valid_up_to()))
    }

    /// The line as text, with U+FFFD for what is not UTF-8.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The bytes, without a copy.
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    #[cold]
    fn not_utf8(&self, valid: usize) -> Error {
        let offset = self.offset + valid as u64;
        Error::corrupt("a line is not valid UTF-8").at_line(self.number).at_offset(offset)
    }
}

impl Deref for Line {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Line {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Line> for Bytes {
    #[inline]
    fn from(line: Line) -> Self {
        line.bytes
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
            .field("number", &self.number)
            .field("offset", &self.offset)
            .field("ending", &self.ending)
            .field("truncated", &self.truncated)
            .finish()
    }
}

/// Compares the bytes only.
impl PartialEq<[u8]> for Line {
    fn eq(&self, other: &[u8]) -> bool {
        self.bytes == other
    }
}

/// Compares the bytes only.
impl PartialEq<&[u8]> for Line {
    fn eq(&self, other: &&[u8]) -> bool {
        self.bytes == *other
    }
}

/// Compares the bytes only.
impl<const N: usize> PartialEq<[u8; N]> for Line {
    fn eq(&self, other: &[u8; N]) -> bool {
        self.bytes == other[..]
    }
}

/// Compares the bytes only.
impl<const N: usize> PartialEq<&[u8; N]> for Line {
    fn eq(&self, other: &&[u8; N]) -> bool {
        self.bytes == other[..]
    }
}

/// Compares the bytes only.
impl PartialEq<str> for Line {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other
    }
}

/// Compares the bytes only.
impl PartialEq<&str> for Line {
    fn eq(&self, other: &&str) -> bool {
        self.bytes == *other
    }
}

// A line is moved through every stage: it stays small, and so does what a machine answers.
const _: () = assert!(size_of::<Line>() <= 56);
const _: () = assert!(size_of::<Result<Option<Line>>>() <= 56);
