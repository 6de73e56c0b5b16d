//! What is searched for, and how it is written.

use highwater_core::{Error, Result};
use regex::bytes::{Regex, RegexBuilder};

use super::Grep;
use super::matcher::Matcher;

/// Patterns.
impl Grep {
    /// Keeps the lines that have this text in them: `grep -F`. With a newline in it, it is several texts.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{Readable, Result};
    /// use highwater_lines::Grep;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let log = Readable::from_iter([Bytes::from("a.b\naxb\n")]);
    /// assert_eq!(log.pipe(Grep::literal("a.b")).to_vec().await?, ["a.b\n"]);
    /// # Ok(()) }
    /// ```
    pub fn literal(text: impl AsRef<[u8]>) -> Self {
        Self::literals([text])
    }

    /// Keeps the lines that have at least one of these texts in them: `grep -F` with several `-e`.
    ///
    /// A text with a newline in it is several texts, as in grep. An empty text is in every line; with no text at all
    /// nothing matches.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{Readable, Result};
    /// use highwater_lines::Grep;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let log = Readable::from_iter([Bytes::from("ERROR\nINFO\nWARN\n")]);
    /// assert_eq!(log.pipe(Grep::literals(["WARN", "ERROR"]).count()).to_vec().await?, ["2\n"]);
    /// # Ok(()) }
    /// ```
    pub fn literals(texts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for text in texts {
            all.extend(text.as_ref().split(|&byte| byte == b'\n').map(<[u8]>::to_vec));
        }
        Self::new(Matcher::literals(all))
    }

    /// Keeps the lines that match a regular expression, in the syntax of the crate `regex`, with Unicode classes.
    ///
    /// The expression sees one line at a time, without its newline: `^` and `$` are the start and the end of the line,
    /// and nothing in it matches a newline.
    ///
    /// The lines are searched together where that gives the same; an expression with `\A`, `\z`, `\B`, `\b{..}` or with
    /// one of the flags `m` and `R` is tried on each line, which is slower.
    ///
    /// # Errors
    ///
    /// The expression is not valid, or too large once compiled; the message and the error inside are those of `regex`.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{Readable, Result};
    /// use highwater_lines::Grep;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let log = Readable::from_iter([Bytes::from("GET /a 200\nGET /b 404\nGET /c 500\n")]);
    /// let failed = log.pipe(Grep::regex(r" [45]\d\d$")?).to_vec().await?;
    /// assert_eq!(failed, ["GET /b 404\nGET /c 500\n"]);
    /// assert!(Grep::regex("(").is_err());
    /// # Ok(()) }
    /// ```
    pub fn regex(pattern: &str) -> Result<Self> {
        let regex = RegexBuilder::new(pattern).multi_line(true).build().map_err(Error::from)?;
        Ok(Self::new(if needs_single_lines(pattern) {
            Matcher::by_line(regex)
        } else {
            Matcher::by_block(regex)
        }))
    }
}

/// Searched for as it is: [`Grep::literal`].
impl From<&str> for Grep {
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

/// Searched for as it is: [`Grep::literal`].
impl From<String> for Grep {
    fn from(text: String) -> Self {
        Self::literal(text)
    }
}

/// Searched for as they are: [`Grep::literals`].
impl<T: AsRef<[u8]>, const N: usize> From<[T; N]> for Grep {
    fn from(texts: [T; N]) -> Self {
        Self::literals(texts)
    }
}

/// Searched for as they are: [`Grep::literals`].
impl<T: AsRef<[u8]>> From<Vec<T>> for Grep {
    fn from(texts: Vec<T>) -> Self {
        Self::literals(texts)
    }
}

/// Tried on each line without its newline, since nobody can tell with which flags it was built; [`Grep::regex`] is
/// faster.
impl From<Regex> for Grep {
    fn from(regex: Regex) -> Self {
        Self::new(Matcher::by_line(regex))
    }
}

/// True when the expression may match a line alone and not within a block, or the other way round; see
/// [`Matcher`]. It may say so of a harmless one.
///
/// `\A` and `\z` are the borders of what is searched, and `m` off makes `^` and `$` such, too. With `R`, a `\r` at the
/// end of a line is or is not before a newline. `\B` and the half borders of `\b{..}` look at bytes before the line if
/// it starts inside a code point.
fn needs_single_lines(pattern: &str) -> bool {
    let escapes = [r"\A", r"\z", r"\B", r"\b{"];
    escapes.iter().any(|escape| pattern.contains(escape))
        || pattern.split("(?").skip(1).any(|group| {
            let flags = group.split(|c: char| !c.is_ascii_alphabetic() && c != '-').next();
            flags.is_some_and(|flags| flags.contains(['m', 'R']))
        })
}
