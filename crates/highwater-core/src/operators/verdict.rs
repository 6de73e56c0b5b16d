//! The answer of a predicate.

use crate::error::{Error, Result};

/// What a predicate returns: `bool`, or `Result<bool>`, whose error ends the stream.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let texts = || Readable::from_iter(["1", "20", "x"]);
/// let long = texts().filter(|text| text.len() > 1);
/// assert_eq!(long.to_vec().await?, ["20"]);
/// let large = texts().filter(|text| Ok(text.parse::<u32>()? > 9));
/// assert!(large.to_vec().await.is_err());
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "a predicate answers with `bool` or `Result<bool>`, not `{Self}`",
    note = "an `Option` that carries a new chunk goes through `.filter_map`; an async closure through `.filter_async`"
)]
pub trait Verdict {
    /// The answer.
    ///
    /// # Errors
    ///
    /// That of the predicate.
    fn verdict(self) -> Result<bool>;
}

impl Verdict for bool {
    #[inline]
    fn verdict(self) -> Result<bool> {
        Ok(self)
    }
}

impl Verdict for Result<bool, Error> {
    #[inline]
    fn verdict(self) -> Result<bool> {
        self
    }
}
