//! What is searched for, and how it is written.

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
