//! Lines, blocks of whole lines, and grep for highwater streams of [`Bytes`].
//!
//! Three machines, all made on the same splitting of chunks:
//!
//! - [`Lines`] gives one [`Line`] per line, for code that looks at each of them;
//! - [`LineBlocks`] gives the bytes again, cut only where a line ends, for code that hands whole lines on;
//! - [`Grep`] gives the lines that match, and searches whole blocks: it is the fastest way to few lines out of many.
//!
//! A line ends with `\n`. A `\r` directly before it belongs to the ending; every other `\r`, NUL, a byte order mark and
//! U+2028 are data. Nothing has to be UTF-8. How the input is cut into chunks makes no difference, not even to the
//! position of an error.
//!
//! Memory is bounded: a line has at most 1 MiB unless said otherwise, and [`LongLine`] says what becomes of a longer
//! one. Lines are slices of the chunk they came in; only a line that crosses chunks is copied.
//!
//! # Features
//!
//! `regex` adds `Grep::regex`, with the expressions of the crate `regex`. `simd` makes [`Lines`] faster where lines are
//! shorter than about 200 bytes, by the vector instructions of the crate `wide`; it needs Rust 1.89.
//!
//! # Examples
//!
//! ```
//! use bytes::Bytes;
//! use highwater_core::{Readable, Result};
//! use highwater_lines::LinesExt;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let chunks = ["INFO up\r\nERR", "OR disk\nERROR net"].map(Bytes::from);
//! let mut lines = Readable::from_iter(chunks).lines().filter(|line| line.starts_with(b"ERROR"));
//! let first = lines.next().await.expect("a line")?;
//! assert_eq!((first.as_str()?, first.number(), first.offset()), ("ERROR disk", 2, 9));
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod counts;
mod grep;
mod length;
mod line;
mod line_blocks;
mod lines;
mod newlines;
mod split;
#[cfg(test)]
mod tests;
mod work;

use bytes::Bytes;
use highwater_core::source::Piped;
use highwater_core::{Readable, Source};

pub use counts::LineCounts;
pub use grep::{Grep, grep};
pub use length::LongLine;
pub use line::{Ending, Line};
pub use line_blocks::{LineBlocks, line_blocks};
pub use lines::{Lines, lines};

/// The machines of this crate as methods of a readable of bytes.
///
/// For a machine with options, build it and give it to [`Readable::pipe`].
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_lines::{Lines, LinesExt, LongLine};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let log = || Readable::from_iter(["one\ntw", "o\nthree"].map(Bytes::from));
/// assert_eq!(log().line_blocks().to_vec().await?, ["one\n", "two\n", "three"]);
/// assert_eq!(log().grep("t").to_vec().await?, ["two\n", "three\n"]);
///
/// let short = Lines::new().with_max_length(3).on_long_line(LongLine::Skip);
/// assert_eq!(log().pipe(short).to_vec().await?, [b"one", b"two"]);
/// # Ok(()) }
/// ```
pub trait LinesExt<S>: Into<Readable<S>> {
    /// Splits into lines of at most 1 MiB: [`Lines::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a longer line, behind the lines before it.
    fn lines(self) -> Piped<S, Lines>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(Lines::new())
    }

    /// Cuts only where a line ends, lines of at most 1 MiB: [`LineBlocks::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a longer line, behind the lines before it.
    fn line_blocks(self) -> Piped<S, LineBlocks>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(LineBlocks::new())
    }

    /// Keeps the matching lines. A text is searched for as it is; `Grep::regex` makes one of a regular expression.
    ///
    /// # Errors
    ///
    /// The stream fails at a line that is longer than the maximum, behind the matching lines before it.
    fn grep(self, pattern: impl Into<Grep>) -> Piped<S, Grep>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(pattern.into())
    }
}

impl<S> LinesExt<S> for Readable<S> {}
