//! Saying more about the error of a result.

use std::borrow::Cow;

use super::{Error, Result};

/// Says what was tried when an error came: [`Error::context`] on a result.
///
/// # Examples
///
/// ```
/// use highwater_core::{Context, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     text.parse::<u16>().with_context(|| format!("`{text}` is not a port"))
/// }
///
/// assert_eq!(port("x").unwrap_err().to_string(), "`x` is not a port");
/// ```
pub trait Context<T> {
    /// Puts a message in front of the error.
    ///
    /// # Errors
    ///
    /// That of the result, with the message.
    fn context(self, message: impl Into<Cow<'static, str>>) -> Result<T>;

    /// Puts a message in front of the error, which is only made if there is one.
    ///
    /// # Errors
    ///
    /// That of the result, with the message.
    fn with_context<M: Into<Cow<'static, str>>>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context(self, message: impl Into<Cow<'static, str>>) -> Result<T> {
        self.map_err(|error| error.into().context(message))
    }

    fn with_context<M: Into<Cow<'static, str>>>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| error.into().context(message()))
    }
}
