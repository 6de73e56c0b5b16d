//! From values to an array.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use highwater_core::record::ChunkWriter;
use highwater_core::{Result, Transform};
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
    gather: ChunkWriter,
    /// What stands before the next value.
    before: u8,
    value: PhantomData<fn(T)>,
}

impl<T: Serialize> ToJsonArray<T> {
    /// With nothing between the elements but commas.
    pub fn new() -> Self {
        Self { gather: ChunkWriter::default(), before: b'[', value: PhantomData }
    }
}

impl<T: Serialize> Default for ToJsonArray<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for ToJsonArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToJsonArray").finish_non_exhaustive()
    }
}

impl<T: Serialize> Transform for ToJsonArray<T> {
    type Input = T;
    type Output = Bytes;

    #[inline]
    fn write(&mut self, value: T) -> Result<Option<Bytes>> {
        let before = std::mem::replace(&mut self.before, b',');
        self.gather.add(|chunk| {
            chunk.push(before);
            Ok(serde_json::to_writer(chunk, &value)?)
        })
    }

    #[inline]
    fn read(&mut self) -> Result<Option<Bytes>> {
        self.gather.read()
    }

    fn end(&mut self) -> Result<()> {
        let end: &[u8] = if self.before == b'[' { b"[]" } else { b"]" };
        self.gather.finish(end);
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        self.gather.release();
        Ok(())
    }

    /// Somebody may wait for what is held.
    fn flush_when_idle(&self) -> bool {
        !self.gather.is_empty()
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(self.gather.max_bytes())
    }

    fn name(&self) -> &'static str {
        "to_json_array"
    }
}
