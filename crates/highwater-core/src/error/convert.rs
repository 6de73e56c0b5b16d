//! From foreign errors, and into them.

use std::any::{Any, TypeId};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use super::Error;
use super::kind::Kind;

impl Error {
    /// Takes in a boxed error, which `?` cannot: a box of an error is not itself a standard error. One of ours comes back
    /// whole.
    #[cold]
    pub fn from_boxed(cause: Box<dyn StdError + Send + Sync>) -> Self {
        let cause = match cause.downcast::<Standard>() {
            Ok(ours) => return ours.0,
            Err(cause) => cause,
        };
        let mut error = Self::of(Kind::Other, None);
        error.inner().cause = Some(Arc::from(cause));
        error
    }
}

/// `?` from every standard error. An [`io::Error`] that carries one of ours gives it back whole.
impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    #[cold]
    fn from(error: E) -> Self {
        let mut kind = Kind::Other;
        if let Some(inner) = (&error as &dyn Any).downcast_ref::<io::Error>() {
            let ours = inner.get_ref().and_then(|inner| inner.downcast_ref::<Standard>());
            if let Some(Standard(ours)) = ours {
                return ours.clone();
            }
            kind = Kind::Io;
        } else if let Some(join) = (&error as &dyn Any).downcast_ref::<tokio::task::JoinError>() {
            kind = if join.is_panic() { Kind::Panic } else { Kind::Aborted };
        } else if TypeId::of::<E>() == TypeId::of::<tokio::time::error::Elapsed>() {
            kind = Kind::Timeout;
        }
        let mut ours = Self::of(kind, None);
        ours.inner().cause = Some(Arc::new(error));
        ours
    }
}

/// An [`Error`] as a standard error, for the way out.
struct Standard(Error);

impl fmt::Debug for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Standard {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        StdError::source(&*self.0.0)
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

impl From<Error> for Box<dyn StdError + Send> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Standard(error))
    }
}

/// Keeps the kind of an [`io::Error`] inside, so that code that matches on it still works.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.io_kind().unwrap_or(match error.0.kind {
            Kind::PrematureClose | Kind::WriteAfterEnd => io::ErrorKind::BrokenPipe,
            Kind::Corrupt | Kind::Limit => io::ErrorKind::InvalidData,
            Kind::Truncated => io::ErrorKind::UnexpectedEof,
            Kind::Timeout => io::ErrorKind::TimedOut,
            Kind::Overflow => io::ErrorKind::WouldBlock,
            Kind::Other | Kind::Io | Kind::Aborted | Kind::Panic | Kind::Committed => {
                io::ErrorKind::Other
            }
        });
        Self::new(kind, Standard(error))
    }
}

#[cfg(feature = "anyhow")]
impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        Self::new(Standard(error))
    }
}
