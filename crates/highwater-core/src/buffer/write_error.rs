//! A chunk that was not taken.

use std::fmt;

use crate::error::Error;

/// A chunk that was not taken, and why. With `?` it becomes an [`Error`], whatever the chunk is.
pub struct WriteError<T> {
    pub(super) error: Error,
    pub(super) chunk: T,
}

impl<T> WriteError<T> {
    #[cold]
    pub(super) fn new(error: Error, chunk: T) -> Self {
        Self { error, chunk }
    }

    /// The reason: its kind is asked here, for example `refused.error().is_overflow()`.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The chunk, back.
    pub fn into_chunk(self) -> T {
        self.chunk
    }

    /// Both.
    pub fn into_parts(self) -> (Error, T) {
        (self.error, self.chunk)
    }
}

impl<T> From<WriteError<T>> for Error {
    fn from(refused: WriteError<T>) -> Self {
        refused.error
    }
}

impl<T> fmt::Display for WriteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

debug_fields!(WriteError<T>, error);
