//! From values to lines.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use highwater_core::record::ChunkWriter;
use highwater_core::{Result, Transform};
use memchr::memchr;
use serde_core::Serialize;

/// Writes NDJSON: [`ToNdjson::new`].
pub fn to_ndjson<T: Serialize>() -> ToNdjson<T> {
    ToNdjson::new()
}

/// Writes NDJSON: every value as one line of JSON, many lines in a chunk.
///
/// A chunk is given when there are 64 KiB of lines, when the source has nothing at hand, at the end, and before an error
/// of the source. A float that is no number is written as `null`.
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
/// use highwater_json::ToNdjson;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let chunks = Readable::from_iter([("a", 1), ("b", 2)]).pipe(ToNdjson::new()).to_vec().await?;
/// assert_eq!(chunks, ["[\"a\",1]\n[\"b\",2]\n"]);
/// # Ok(()) }
/// ```
pub struct ToNdjson<T> {
    gather: ChunkWriter,
    value: PhantomData<fn(T)>,
}

impl<T: Serialize> ToNdjson<T> {
    /// With a `\n` behind each value.
    pub fn new() -> Self {
        Self { gather: ChunkWriter::default(), value: PhantomData }
    }
}

impl<T: Serialize> Default for ToNdjson<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for ToNdjson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToNdjson").finish_non_exhaustive()
    }
}

impl<T: Serialize> Transform for ToNdjson<T> {
    type Input = T;
    type Output = Bytes;

    #[inline]
    fn write(&mut self, value: T) -> Result<Option<Bytes>> {
        self.gather.add(|chunk| {
            let start = chunk.len();
            serde_json::to_writer(&mut *chunk, &value)?;
            join_lines(&mut chunk[start..]);
            chunk.push(b'\n');
            Ok(())
        })
    }

    #[inline]
    fn read(&mut self) -> Result<Option<Bytes>> {
        self.gather.read()
    }

    fn end(&mut self) -> Result<()> {
        self.gather.release();
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
        "to_ndjson"
    }
}

/// Serde's output has no newlines, but a `RawValue` is written as it was read. There a newline can only be white space.
#[inline]
fn join_lines(text: &mut [u8]) {
    let mut rest = text;
    while let Some(newline) = memchr(b'\n', rest) {
        rest[newline] = b' ';
        rest = &mut rest[newline + 1..];
    }
}
