//! From values to an array.

use std::marker::PhantomData;

use highwater_core::Result;
use highwater_core::record::ChunkWriter;
use serde_core::Serialize;

/// Writes a JSON array: [`ToJsonArray::new`].
pub fn to_json_array<T: Serialize>() -> ToJsonArray<T> {
    ToJsonArray::new()
}

/// Writes a JSON array with one element per value, many of them in a chunk.
///
/// Without values it is `[]`. A chunk is given when there are 64 KiB of it, when the source has nothing at hand, at the
/// end, and before an error of the source; after such an error the array is not closed, so that nobody takes it for the
/// whole. A float that is no number is written as `null`.
///
/// # Errors
///
/// A value cannot be written as JSON, for example a map whose keys are neither texts nor numbers. The values before it
/// are given first, and nothing of it.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_json::ToJsonArray;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let chunks = Readable::from_iter(["a", "b"]).pipe(ToJsonArray::new()).to_vec().await?;
/// assert_eq!(chunks, ["[\"a\",\"b\"]"]);
/// # Ok(()) }
/// ```
pub struct ToJsonArray<T> {
    format: ArrayFormat,
    gather: ChunkWriter,
    value: PhantomData<fn(T)>,
}

impl<T: Serialize> ToJsonArray<T> {
    /// With nothing between the elements but commas.
    pub fn new() -> Self {
        let format = ArrayFormat { before: b'[' };
        Self { format, gather: ChunkWriter::default(), value: PhantomData }
    }
}

highwater_core::record_writer!(ToJsonArray, "to_json_array", Serialize);

struct ArrayFormat {
    /// What stands before the next value.
    before: u8,
}

impl ArrayFormat {
    fn encode<T: Serialize>(&mut self, value: T, chunk: &mut Vec<u8>) -> Result<()> {
        chunk.push(std::mem::replace(&mut self.before, b','));
        Ok(serde_json::to_writer(chunk, &value)?)
    }

    fn ending(&self) -> &'static [u8] {
        if self.before == b'[' { b"[]" } else { b"]" }
    }
}
