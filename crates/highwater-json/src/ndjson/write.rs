//! From values to lines.

use std::marker::PhantomData;

use highwater_core::Result;
use highwater_core::record::ChunkWriter;
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
    format: NdjsonFormat,
    gather: ChunkWriter,
    value: PhantomData<fn(T)>,
}

impl<T: Serialize> ToNdjson<T> {
    /// With a `\n` behind each value.
    pub fn new() -> Self {
        Self { format: NdjsonFormat, gather: ChunkWriter::default(), value: PhantomData }
    }
}

highwater_core::record_writer!(ToNdjson, "to_ndjson", Serialize);

struct NdjsonFormat;

impl NdjsonFormat {
    fn encode<T: Serialize>(&mut self, value: T, chunk: &mut Vec<u8>) -> Result<()> {
        let start = chunk.len();
        serde_json::to_writer(&mut *chunk, &value)?;
        join_lines(&mut chunk[start..]);
        chunk.push(b'\n');
        Ok(())
    }

    fn ending(&self) -> &'static [u8] {
        b""
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
