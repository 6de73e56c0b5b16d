//! UTF-8 and other charsets, hex, base64, binary numbers and frames for highwater streams of [`Bytes`].
//!
//! | from | to | machine | method |
//! |---|---|---|---|
//! | bytes | [`Text`] | [`DecodeUtf8`] | [`decode_utf8`](TextExt::decode_utf8), [`decode_utf8_lossy`](TextExt::decode_utf8_lossy) |
//! | bytes | [`Text`] | `DecodeCharset` | `decode_charset` |
//! | text | bytes | `EncodeCharset` | `encode_charset` |
//! | bytes | hexadecimal digits | `EncodeHex` | `encode_hex` |
//! | hexadecimal digits | bytes | `DecodeHex` | `decode_hex` |
//! | bytes | base64 | `EncodeBase64` | `encode_base64` |
//! | base64 | bytes | `DecodeBase64` | `decode_base64` |
//! | lengths and bytes | frames | [`Frames`] | [`frames`](TextExt::frames) |
//! | frames | lengths and bytes | [`ToFrames`] | [`to_frames`](TextExt::to_frames) |
//! | bytes | numbers, exact pieces | [`BinaryReader`] | [`binary`](TextExt::binary) |
//!
//! How the input is cut into chunks makes no difference: a character, a pair of digits, a group, a number or a frame may
//! be cut anywhere, and an error has the same offset. What is right before an error is given before it, and an input that
//! ends inside one of them is an [`is_truncated`](highwater_core::Error::is_truncated) error, never an end.
//!
//! # Limits
//!
//! | what | default | is lifted by |
//! |---|---|---|
//! | a frame, read or written | 1 MiB | [`Frames::unlimited_length`], [`ToFrames::unlimited_length`] |
//! | a piece of a [`BinaryReader`] | 1 MiB | [`BinaryReader::unlimited_length`] |
//!
//! The others have nothing that grows with the input: they work in pieces of 64 KiB at the most.
//!
//! # Features
//!
//! `charsets` adds `DecodeCharset` and `EncodeCharset`, with the tables of the Encoding Standard; `hex-base64` adds the
//! machines for hexadecimal digits and base64.
//!
//! # Examples
//!
//! ```
//! use bytes::Bytes;
//! use highwater_core::{Readable, Result};
//! use highwater_text::{Base64, TextExt};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let chunks = [&b"Gr\xC3"[..], b"\xBC\xC3\x9Fe"].map(Bytes::from);
//! let text = Readable::from_iter(chunks.clone()).decode_utf8().map(|text| text.to_uppercase());
//! assert_eq!(text.to_vec().await?.concat(), "GRÜSSE");
//!
//! let there = Readable::from_iter(chunks.clone()).encode_base64(Base64::Standard);
//! let back = there.decode_base64(Base64::Standard).to_bytes().await?;
//! assert_eq!(back, chunks.concat());
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "hex-base64")]
mod base64;
mod binary;
#[cfg(feature = "charsets")]
mod charset;
mod frames;
#[cfg(feature = "hex-base64")]
mod hex;
#[cfg(feature = "hex-base64")]
mod symbols;
#[cfg(test)]
mod tests;
mod text;
mod utf8;
mod varint;

use bytes::Bytes;
#[cfg(feature = "charsets")]
use highwater_core::Result;
use highwater_core::source::Piped;
use highwater_core::{Readable, Source};

#[cfg(feature = "hex-base64")]
pub use crate::base64::{Base64, DecodeBase64, EncodeBase64, decode_base64, encode_base64};
pub use binary::{BinaryReader, Rest};
#[cfg(feature = "charsets")]
pub use charset::{DecodeCharset, EncodeCharset, decode_charset, encode_charset};
pub use frames::{Frames, Prefix, ToFrames, frames, to_frames};
#[cfg(feature = "hex-base64")]
pub use hex::{DecodeHex, EncodeHex, decode_hex, encode_hex};
pub use text::Text;
pub use utf8::{DecodeUtf8, decode_utf8};

/// The machines of this crate as methods of a readable.
///
/// For a machine with options, build it and give it to [`Readable::pipe`].
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{Prefix, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let messages = ["one", "", "three"].map(Bytes::from);
/// let sent = Readable::from_iter(messages).to_frames(Prefix::Varint).encode_hex();
/// let received = sent.decode_hex().frames(Prefix::Varint).decode_utf8();
/// assert_eq!(received.to_vec().await?.concat(), "onethree");
/// # Ok(()) }
/// ```
pub trait TextExt<S>: Into<Readable<S>> {
    /// Reads UTF-8: [`DecodeUtf8::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at what is not UTF-8, behind the text before it.
    fn decode_utf8(self) -> Piped<S, DecodeUtf8>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(DecodeUtf8::new())
    }

    /// Reads UTF-8, with U+FFFD for what is not: [`DecodeUtf8::lossy`].
    fn decode_utf8_lossy(self) -> Piped<S, DecodeUtf8>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(DecodeUtf8::new().lossy())
    }

    /// Reads the charset with this label: [`DecodeCharset::new`].
    ///
    /// # Errors
    ///
    /// There is no such charset. The stream fails at what is not in the charset, behind the text before it.
    #[cfg(feature = "charsets")]
    fn decode_charset(self, label: &str) -> Result<Piped<S, DecodeCharset>>
    where
        S: Source<Chunk = Bytes>,
    {
        Ok(self.into().pipe(DecodeCharset::new(label)?))
    }

    /// Writes text in the charset with this label: [`EncodeCharset::new`].
    ///
    /// # Errors
    ///
    /// There is no such charset, or it is only read. The stream fails at what the charset does not have, behind what is
    /// before it.
    #[cfg(feature = "charsets")]
    fn encode_charset(self, label: &str) -> Result<Piped<S, EncodeCharset<S::Chunk>>>
    where
        S: Source,
        S::Chunk: AsRef<str>,
    {
        Ok(self.into().pipe(EncodeCharset::new(label)?))
    }

    /// Writes bytes as hexadecimal digits: [`EncodeHex::new`].
    #[cfg(feature = "hex-base64")]
    fn encode_hex(self) -> Piped<S, EncodeHex>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(EncodeHex::new())
    }

    /// Reads hexadecimal digits: [`DecodeHex::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at what is not a digit, behind the bytes before it.
    #[cfg(feature = "hex-base64")]
    fn decode_hex(self) -> Piped<S, DecodeHex>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(DecodeHex::new())
    }

    /// Writes bytes as base64: [`EncodeBase64::new`].
    #[cfg(feature = "hex-base64")]
    fn encode_base64(self, variant: Base64) -> Piped<S, EncodeBase64>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(EncodeBase64::new(variant))
    }

    /// Reads base64: [`DecodeBase64::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at what is not base64 of this variant, behind the bytes before it.
    #[cfg(feature = "hex-base64")]
    fn decode_base64(self, variant: Base64) -> Piped<S, DecodeBase64>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(DecodeBase64::new(variant))
    }

    /// Takes frames of at most 1 MiB apart: [`Frames::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a longer frame, and if it ends inside one, behind the frames before it.
    fn frames(self, prefix: Prefix) -> Piped<S, Frames>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(Frames::new(prefix))
    }

    /// Puts its length before each chunk of at most 1 MiB: [`ToFrames::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a longer chunk.
    fn to_frames(self, prefix: Prefix) -> Piped<S, ToFrames>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(ToFrames::new(prefix))
    }

    /// Reads by numbers and exact pieces instead of by chunks: [`BinaryReader`].
    ///
    /// A source of user code that is not `Unpin` needs [`pinned`](Readable::pinned) first.
    fn binary(self) -> BinaryReader<S>
    where
        S: Source<Chunk = Bytes>,
    {
        BinaryReader::new(self.into())
    }
}

impl<S> TextExt<S> for Readable<S> {}

/// What a machine works on or gives in one go, in bytes.
#[cfg(any(feature = "charsets", feature = "hex-base64"))]
const PIECE: usize = 64 * 1024;
