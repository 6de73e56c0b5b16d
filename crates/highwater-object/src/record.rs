//! What a resource consists of.

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
