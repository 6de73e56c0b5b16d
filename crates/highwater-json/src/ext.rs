//! The machines as methods.

use bytes::Bytes;
use highwater_core::source::Piped;
use highwater_core::{Readable, Source};
use serde_core::Serialize;
use serde_core::de::DeserializeOwned;

use crate::{JsonArray, Ndjson, ToJsonArray, ToNdjson};

/// The machines of this crate as methods of a readable.
///
/// For a machine with options, build it and give it to [`Readable::pipe`].
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_json::JsonExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let array = Readable::from_iter([Bytes::from("[1, 2]")]);
/// assert_eq!(array.json_array::<u8>().to_ndjson().to_vec().await?, ["1\n2\n"]);
///
/// let lines = Readable::from_iter([Bytes::from("1\n2\n")]);
/// assert_eq!(lines.ndjson::<u8>().to_json_array().to_vec().await?, ["[1,2]"]);
/// # Ok(()) }
/// ```
pub trait JsonExt<S>: Into<Readable<S>> {
    /// Reads one value per line, of at most 1 MiB each: [`Ndjson::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a line that is no such value, behind the values before it, and at an end inside a record.
    fn ndjson<T>(self) -> Piped<S, Ndjson<T>>
    where
        S: Source<Chunk = Bytes>,
        T: DeserializeOwned,
    {
        self.into().pipe(Ndjson::new())
    }

    /// Writes one line per value: [`ToNdjson::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a value that cannot be written as JSON, behind the values before it.
    fn to_ndjson(self) -> Piped<S, ToNdjson<S::Chunk>>
    where
        S: Source<Chunk: Serialize>,
    {
        self.into().pipe(ToNdjson::new())
    }

    /// Reads one value per element of a JSON array, of at most 1 MiB each: [`JsonArray::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at an element that is no such value, behind the values before it; at an end before that of the
    /// array, and at anything but white space around it.
    fn json_array<T>(self) -> Piped<S, JsonArray<T>>
    where
        S: Source<Chunk = Bytes>,
        T: DeserializeOwned,
    {
        self.into().pipe(JsonArray::new())
    }

    /// Writes a JSON array with one element per value: [`ToJsonArray::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a value that cannot be written as JSON, behind the values before it.
    fn to_json_array(self) -> Piped<S, ToJsonArray<S::Chunk>>
    where
        S: Source<Chunk: Serialize>,
    {
        self.into().pipe(ToJsonArray::new())
    }
}

impl<S> JsonExt<S> for Readable<S> {}
