//! From frames to bytes.

use bytes::Bytes;
use highwater_core::{Error, Result, Transform};

use super::prefix::LONGEST;
use super::{DEFAULT_MAX, Prefix, too_long};

/// Puts its length before each chunk: [`ToFrames::new`].
pub fn to_frames(prefix: Prefix) -> ToFrames {
    ToFrames::new(prefix)
}

/// Puts its length before each chunk, so that [`Frames`](super::Frames) gives the same chunks again.
///
/// An empty chunk is a frame as well. A frame of up to 4 KiB is one chunk with its prefix; a longer one follows its
/// prefix without being copied.
///
/// # Errors
///
/// A chunk is longer than [`with_max_length`](Self::with_max_length), or than its prefix can say
/// ([`is_limit`](Error::is_limit)).
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{Prefix, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let chunks = ["hi", "", "you"].map(Bytes::from);
/// let framed = Readable::from_iter(chunks).to_frames(Prefix::U16Be).to_bytes().await?;
/// assert_eq!(framed, &b"\0\x02hi\0\0\0\x03you"[..]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ToFrames {
    prefix: Prefix,
    most: usize,
    /// A payload whose prefix was given.
    payload: Option<Bytes>,
}

impl ToFrames {
    /// With frames of at most 1 MiB (2²⁰ bytes), as the reader has them; a longer one is an error.
    pub fn new(prefix: Prefix) -> Self {
        Self { prefix, most: DEFAULT_MAX, payload: None }
    }

    /// The most bytes a frame may have, its prefix not counted.
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// Lets frames be as long as their prefix can say.
    #[must_use]
    pub fn unlimited_length(self) -> Self {
        self.with_max_length(usize::MAX)
    }
}

impl Transform for ToFrames {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        let length = chunk.len();
        if length > self.most {
            return Err(too_long(length as u64, self.most));
        }
        let copied = if length > COPIED { 0 } else { length };
        let mut frame = Vec::with_capacity(LONGEST + copied);
        if self.prefix.write(length, &mut frame).is_none() {
            let what = format!("a frame of {length} bytes has no room in {:?}", self.prefix);
            return Err(Error::limit(what));
        }
        if copied == length {
            frame.extend_from_slice(&chunk);
        } else {
            self.payload = Some(chunk);
        }
        Ok(Some(Bytes::from(frame)))
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        Ok(self.payload.take())
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "to_frames"
    }
}

/// Frames up to this length, in bytes, are copied behind their prefix.
const COPIED: usize = 4096;
