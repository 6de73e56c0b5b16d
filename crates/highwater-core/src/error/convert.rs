//! From foreign errors, and into them.

use std::any::{Any, TypeId};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use super::Error;
use super::kind::ErrorKind;

impl Error {
    /// Turns it into a type that implements [`std::error::Error`], for `eyre` and other generic code that asks for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::Error;
    ///
    /// fn log(error: impl std::error::Error + Send + Sync + 'static) -> String {
    ///     error.to_string()
    /// }
    ///
    /// assert_eq!(log(Error::aborted().into_std()), "aborted");
    /// ```
    #[cold]
    pub fn into_std(self) -> StandardError {
        StandardError(self)
    }

    /// Takes in a boxed error, which `?` cannot: a box of an error is not itself a standard error. One of ours comes back
    /// whole.
    #[cold]
    pub fn from_boxed(cause: Box<dyn StdError + Send + Sync>) -> Self {
        let cause = match cause.downcast::<StandardError>() {
            Ok(ours) => return ours.0,
            Err(cause) => cause,
        };
        let mut error = Self::of(ErrorKind::Other, None);
        error.inner().cause = Some(Arc::from(cause));
        error
    }
}

/// `?` from every standard error. An [`io::Error`] that carries one of ours gives it back whole.
impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    #[cold]
    fn from(error: E) -> Self {
        let mut kind = ErrorKind::Other;
        if let Some(StandardError(ours)) = (&error as &dyn Any).downcast_ref() {
            return ours.clone();
        }
        if let Some(inner) = (&error as &dyn Any).downcast_ref::<io::Error>() {
            let ours = inner.get_ref().and_then(|inner| inner.downcast_ref::<StandardError>());
            if let Some(StandardError(ours)) = ours {
                return ours.clone();
            }
            kind = ErrorKind::Io;
        } else if let Some(join) = (&error as &dyn Any).downcast_ref::<tokio::task::JoinError>() {
            kind = if join.is_panic() { ErrorKind::Panic } else { ErrorKind::Aborted };
        } else if TypeId::of::<E>() == TypeId::of::<tokio::time::error::Elapsed>() {
            kind = ErrorKind::Timeout;
        }
        let mut ours = Self::of(kind, None);
        ours.inner().cause = Some(Arc::new(error));
        ours
    }
}

/// An [`Error`] as a [`std::error::Error`]: made by [`Error::into_std`].
///
/// `?` turns it back into the [`Error`] it holds.
#[derive(Clone)]
pub struct StandardError(Error);

impl StandardError {
    /// The error inside.
    pub fn get_ref(&self) -> &Error {
        &self.0
    }

    /// The error inside.
    pub fn into_inner(self) -> Error {
        self.0
    }
}

impl fmt::Debug for StandardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for StandardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for StandardError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        StdError::source(&*self.0.0)
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(StandardError(error))
    }
}

impl From<Error> for Box<dyn StdError + Send> {
    fn from(error: Error) -> Self {
        Box::new(StandardError(error))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(StandardError(error))
    }
}

/// Keeps the kind of an [`io::Error`] inside, so that code that matches on it still works.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.io_kind().unwrap_or(match error.0.kind {
            ErrorKind::PrematureClose | ErrorKind::WriteAfterEnd => io::ErrorKind::BrokenPipe,
            ErrorKind::Corrupt | ErrorKind::Limit => io::ErrorKind::InvalidData,
            ErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::Overflow => io::ErrorKind::WouldBlock,
            ErrorKind::Other
            | ErrorKind::Io
            | ErrorKind::Aborted
            | ErrorKind::Panic
            | ErrorKind::Committed => io::ErrorKind::Other,
        });
        Self::new(kind, StandardError(error))
    }
}

#[cfg(feature = "anyhow")]
impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        Self::new(StandardError(error))
    }
}
