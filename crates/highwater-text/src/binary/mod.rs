//! Numbers and exact pieces out of a stream of bytes.

mod numbers;
mod rest;

use bytes::{Buf, Bytes, BytesMut};
use highwater_core::stage::StageInfo;
use highwater_core::{Error, Readable, Result, Source, debug_fields};

pub use rest::Rest;
/// Reads a stream of bytes by numbers and exact pieces, whatever its chunks: what
/// [`binary`](crate::TextExt::binary) gives.
///
/// It reads a chunk when what it has is not enough, and no further. Bytes are copied only where chunks meet.
///
/// # Cancel safety
///
/// What was read from the source stays in the reader until it is given out. Dropping a future of a number, of
/// [`exact`](Self::exact) or of [`is_at_end`](Self::is_at_end) loses nothing: the same call later gives the same.
///
/// # Errors
///
/// Every method fails with the error of the stream in its place: what came before it can be read. An input that ends
/// inside of what was asked for is [`is_truncated`](Error::is_truncated), with the offset of the end; the bytes that
/// are there can still be read.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::TextExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let chunks = [&b"\x89PNG\0\0"[..], b"\0\x0DIHDR"].map(Bytes::from);
/// let mut reader = Readable::from_iter(chunks).binary();
/// assert_eq!(reader.exact(4).await?, &b"\x89PNG"[..]);
/// assert_eq!(reader.u32_be().await?, 13);
/// assert_eq!(reader.array().await?, *b"IHDR");
/// assert!(reader.is_at_end().await?);
///
/// let error = reader.u16_le().await.unwrap_err();
/// assert!(error.is_truncated());
/// assert_eq!(error.offset(), Some(12));
/// # Ok(()) }
/// ```
pub struct BinaryReader<S> {
    source: Readable<S>,
    most: usize,
    /// What came before `rest`.
    held: BytesMut,
    /// What is left of the last chunk.
    rest: Bytes,
    /// How much was given out.
    offset: u64,
    /// Whether the source has ended or failed: what reads on behind this must not ask it again.
    over: bool,
}

impl<S> BinaryReader<S> {
    pub(crate) fn new(source: Readable<S>) -> Self {
        let (held, rest) = (BytesMut::new(), Bytes::new());
        Self { source: source.handed_over(), most: DEFAULT_MAX, held, rest, offset: 0, over: false }
    }

    /// The most bytes that [`exact`](Self::exact) gives in one piece. The default is 1 MiB (2²⁰ bytes).
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// Lets [`exact`](Self::exact) give pieces of any length: whoever wrote the length then says how much memory it
    /// takes.
    #[must_use]
    pub fn unlimited_length(self) -> Self {
        self.with_max_length(usize::MAX)
    }

    /// How many bytes were given out or skipped: where the next one stands in the stream.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn available(&self) -> usize {
        self.held.len() + self.rest.len()
    }

    /// Gives up what was read, in one piece where it is.
    fn take(&mut self, count: usize) -> Bytes {
        self.offset += count as u64;
        if self.held.is_empty() {
            return self.rest.split_to(count);
        }
        if count > self.held.len() {
            let more = self.rest.split_to(count - self.held.len());
            self.held.extend_from_slice(&more);
        }
        if count == self.held.len() {
            return std::mem::take(&mut self.held).freeze();
        }
        self.held.split_to(count).freeze()
    }
}

impl<S: Source<Chunk = Bytes> + Unpin> BinaryReader<S> {
    /// As many bytes, in one piece: a slice of their chunk where they came in one.
    ///
    /// Room is made for bytes that came, not for those that were asked for.
    ///
    /// # Errors
    ///
    /// More than [`with_max_length`](Self::with_max_length) were asked for ([`is_limit`](Error::is_limit)), or as
    /// [`BinaryReader`] says.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    pub async fn exact(&mut self, count: usize) -> Result<Bytes> {
        if count > self.most {
            let what = format!("a piece of {count} bytes, where {} are allowed", self.most);
            return Err(Error::limit(what).in_stage(NAME).at_offset(self.offset));
        }
        self.fill(count).await?;
        Ok(self.take(count))
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    ///
    /// As [`BinaryReader`] says.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    pub async fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.fill(N).await?;
        let mut array = [0; N];
        (&mut self.held).chain(&mut self.rest).copy_to_slice(&mut array);
        self.offset += N as u64;
        if self.rest.is_empty() {
            // An empty slice of a chunk would still keep the chunk in memory.
            self.rest = Bytes::new();
        }
        Ok(array)
    }

    /// Leaves out as many bytes, which are dropped as they come.
    ///
    /// # Errors
    ///
    /// As [`BinaryReader`] says.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was skipped stays skipped. [`offset`](Self::offset) says how far it came.
    pub async fn skip(&mut self, count: u64) -> Result<()> {
        let end = self.offset.saturating_add(count);
        while self.offset < end {
            self.fill(1).await?;
            let left = usize::try_from(end - self.offset).unwrap_or(usize::MAX);
            let at_hand = if self.held.is_empty() { self.rest.len() } else { self.held.len() };
            drop(self.take(left.min(at_hand)));
        }
        Ok(())
    }

    /// Whether everything was given out; waits until it is known.
    ///
    /// # Errors
    ///
    /// That of the stream.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    pub async fn is_at_end(&mut self) -> Result<bool> {
        while self.available() == 0 {
            if !self.more().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is left, as a readable again: the rest of the last chunk first.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{Readable, Result};
    /// use highwater_text::TextExt;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let mut reader = Readable::from_iter(["\x02v1", "the body"].map(Bytes::from)).binary();
    /// let length = reader.u8().await?;
    /// assert_eq!(reader.exact(length.into()).await?, "v1");
    /// assert_eq!(reader.into_readable().to_bytes().await?, "the body");
    /// # Ok(()) }
    /// ```
    pub fn into_readable(mut self) -> Readable<Rest<S>> {
        let first = self.take(self.available());
        let over = self.over;
        let info = StageInfo::new(NAME).with_max_bytes(0);
        self.source.stage_behind(info, |source, failed| {
            Rest::new(first, (!over).then_some(source), failed)
        })
    }

    /// Reads chunks until as many bytes are there.
    async fn fill(&mut self, count: usize) -> Result<()> {
        while self.available() < count {
            if !self.more().await? {
                return Err(self.truncated());
            }
        }
        Ok(())
    }

    /// Reads a chunk; false at the end.
    async fn more(&mut self) -> Result<bool> {
        let next = self.source.next().await;
        self.over = !matches!(next, Some(Ok(_)));
        let Some(chunk) = next.transpose()? else { return Ok(false) };
        self.held.extend_from_slice(&self.rest);
        self.rest = chunk;
        Ok(true)
    }

    #[cold]
    fn truncated(&self) -> Error {
        let end = self.offset + self.available() as u64;
        Error::truncated("the input ended before what was asked for").in_stage(NAME).at_offset(end)
    }
}

debug_fields!(BinaryReader<S>, source, offset);

/// Its name in errors and reports.
const NAME: &str = "binary";

/// The default maximum of a piece, in bytes.
const DEFAULT_MAX: usize = 1 << 20;
