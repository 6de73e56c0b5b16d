//! What a resource consists of.

use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use highwater_core::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<T> {
    /// Any text but the empty one; its key has at most 1024 bytes.
    pub id: String,
    /// What is stored.
    pub value: T,
}

impl<T> Record<T> {
    /// A record of both.
    pub fn new(id: impl Into<String>, value: T) -> Self {
        Self { id: id.into(), value }
    }
}

/// Records that serde makes of JSON texts and JSON texts of.
///
/// At most 128 levels deep, as `serde_json` has it.
#[derive(Debug)]
pub struct Json<T>(PhantomData<fn() -> T>);

/// Records as they are stored.
#[derive(Debug)]
pub struct Raw(());

/// What the values of a resource are. There are [`Json`] and [`Raw`].
pub trait Format: sealed::Sealed + 'static {
    /// What a record holds.
    type Value: Send + Sync + 'static;
}

/// A [`Format`] that can be read.
pub trait Decode: Format {
    #[doc(hidden)]
    fn decode(bytes: Bytes) -> Result<Self::Value>;
}

/// A [`Format`] that can be written.
pub trait Encode: Format {
    #[doc(hidden)]
    fn encode(value: &Self::Value) -> Result<Bytes>;
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else is to implement it")]
    pub trait Sealed {}
    impl<T> Sealed for super::Json<T> {}
    impl Sealed for super::Raw {}
}

impl<T: Send + Sync + 'static> Format for Json<T> {
    type Value = T;
}

impl<T: DeserializeOwned + Send + Sync + 'static> Decode for Json<T> {
    fn decode(bytes: Bytes) -> Result<T> {
        // What serde_json says has the line and the column.
        serde_json::from_slice(&bytes).map_err(|error| Error::corrupt(error.to_string()))
    }
}

impl<T: Serialize + Send + Sync + 'static> Encode for Json<T> {
    fn encode(value: &T) -> Result<Bytes> {
        Ok(serde_json::to_vec(value)?.into())
    }
}

impl Format for Raw {
    type Value = Bytes;
}

impl Decode for Raw {
    fn decode(bytes: Bytes) -> Result<Bytes> {
        Ok(bytes)
    }
}

impl Encode for Raw {
    fn encode(value: &Bytes) -> Result<Bytes> {
        Ok(value.clone())
    }
}

/// A record that was not written, and why: inside an [`Error`], `error.downcast_ref::<FailedWrite<T>>()`.
pub struct FailedWrite<T> {
    record: Record<T>,
    error: Error,
}

impl<T> FailedWrite<T> {
    pub(crate) fn new(record: Record<T>, error: Error) -> Self {
        Self { record, error }
    }

    /// The record.
    pub fn record(&self) -> &Record<T> {
        &self.record
    }

    /// Why it was not written.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The record, to be written elsewhere, and why it was not.
    pub fn into_parts(self) -> (Record<T>, Error) {
        (self.record, self.error)
    }
}

impl<T> fmt::Display for FailedWrite<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record `{}` was not written", self.record.id.escape_debug())
    }
}

/// Without the value, which is nobody's business in a log.
impl<T> fmt::Debug for FailedWrite<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailedWrite")
            .field("id", &self.record.id)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<T> StdError for FailedWrite<T> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.error)
    }
}

/// A record that was not read, and why: inside an [`Error`], `error.downcast_ref::<FailedRead>()`.
#[derive(Debug)]
pub struct FailedRead {
    id: String,
    error: Error,
}

impl FailedRead {
    pub(crate) fn new(id: String, error: Error) -> Self {
        Self { id, error }
    }

    /// The id of the record.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Why it was not read.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for FailedRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record `{}` was not read", self.id.escape_debug())
    }
}

impl StdError for FailedRead {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.error)
    }
}
