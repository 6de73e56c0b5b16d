//! What is searched for, and how it is written.

#[cfg(feature = "regex")]
use highwater_core::Result;
#[cfg(feature = "regex")]
use regex::bytes::Regex;

use super::Grep;
#[cfg(feature = "regex")]
use super::expression::Expression;
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
}

/// Regular expressions.
#[cfg(feature = "regex")]
impl Grep {
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
        Ok(Self::new(Matcher::Expression(Expression::new(pattern)?)))
    }
}

/// Tried on each line without its newline, since nobody can tell with which flags it was built; [`Grep::regex`] is
/// faster.
#[cfg(feature = "regex")]
impl From<Regex> for Grep {
    fn from(regex: Regex) -> Self {
        Self::new(Matcher::Expression(Expression::ByLine(regex)))
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
