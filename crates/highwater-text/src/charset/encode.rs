//! From text to a charset.

use bytes::Bytes;
use encoding_rs::{Encoder, EncoderResult, Encoding};
use highwater_core::{Error, Result, Transform, debug_fields};

use super::{State, charset};
use crate::PIECE;
use crate::text::Invalid;

/// Writes text in a charset: [`EncodeCharset::new`].
///
/// # Errors
///
/// There is no such charset, or it is only read.
pub fn encode_charset<T: AsRef<str>>(label: &str) -> Result<EncodeCharset<T>> {
    EncodeCharset::new(label)
}

/// Writes text in a charset, by the tables of the [Encoding Standard](https://encoding.spec.whatwg.org/).
///
/// The text may be a `String`, a `&str`, a [`Text`](crate::Text), or anything else that is one.
///
/// It gives pieces of 64 KiB at the most, and holds nothing but the state of the encoder.
///
/// # Errors
///
/// The charset does not have a character ([`is_corrupt`](Error::is_corrupt), with its offset in the bytes of the text),
/// unless [`lossy`](Self::lossy) is asked for. What is before it is given first.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{EncodeCharset, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let text = || Readable::from_iter(["naïve ", "日本"]);
/// let lossy = text().pipe(EncodeCharset::new("windows-1252")?.lossy()).to_bytes().await?;
/// assert_eq!(lossy, &b"na\xEFve ??"[..]);
///
/// let error = text().encode_charset("windows-1252")?.to_bytes().await.unwrap_err();
/// assert!(error.is_corrupt());
/// assert_eq!(error.offset(), Some(7));
/// # Ok(()) }
/// ```
pub struct EncodeCharset<T> {
    charset: &'static Encoding,
    encoder: Encoder,
    unmappable: Invalid,
    /// The chunk in work, of which what is before `at` was encoded.
    chunk: Option<T>,
    at: usize,
    /// Where the chunk stands in the stream, in bytes of text.
    offset: u64,
    state: State,
}

impl<T: AsRef<str>> EncodeCharset<T> {
    /// To the charset with this [label](https://encoding.spec.whatwg.org/#names-and-labels), such as `shift_jis`,
    /// `windows-1252`, `gbk`; capital and small letters are the same. It fails at what the charset does not have.
    ///
    /// # Errors
    ///
    /// There is no such charset, or it is one that is only read: UTF-16.
    pub fn new(label: &str) -> Result<Self> {
        let charset = charset(label)?;
        if charset.output_encoding() != charset {
            return Err(Error::msg(format!("{} is only read, not written", charset.name())));
        }
        Ok(Self {
            charset,
            encoder: charset.new_encoder(),
            unmappable: Invalid::Fail,
            chunk: None,
            at: 0,
            offset: 0,
            state: State::Flowing,
        })
    }

    /// Puts `?` in the place of a character that the charset does not have.
    #[must_use]
    pub fn lossy(mut self) -> Self {
        self.unmappable = Invalid::Replace;
        self
    }

    /// Encodes on until a piece is full, the chunk is used up, or a character cannot be written.
    fn encode(&mut self) -> Option<Bytes> {
        let left = self.text().len() - self.at;
        let room = self.encoder.max_buffer_length_from_utf8_without_replacement(left);
        let mut bytes = Vec::with_capacity(room.unwrap_or(PIECE).clamp(LEAST, PIECE));
        while self.encode_on(&mut bytes) {}
        Some(bytes).filter(|bytes| !bytes.is_empty()).map(Bytes::from)
    }

    /// Encodes up to the next character that is not in the charset; false when there is no more to do.
    fn encode_on(&mut self, bytes: &mut Vec<u8>) -> bool {
        let last = matches!(self.state, State::Ending);
        let text = self.chunk.as_ref().map_or("", T::as_ref);
        let rest = &text[self.at..];
        let (result, used) =
            self.encoder.encode_from_utf8_to_vec_without_replacement(rest, bytes, last);
        self.at += used;
        match result {
            EncoderResult::OutputFull => {}
            EncoderResult::InputEmpty => {
                self.offset += text.len() as u64;
                (self.chunk, self.at) = (None, 0);
                if last {
                    self.state = State::Over;
                }
            }
            EncoderResult::Unmappable(_) if self.unmappable == Invalid::Replace => {
                self.replace(bytes);
                return bytes.len() <= PIECE - LEAST;
            }
            EncoderResult::Unmappable(_) => self.state = State::Failing(self.not_there()),
        }
        false
    }

    /// Every charset has a question mark, but not in every state of its encoder.
    fn replace(&mut self, bytes: &mut Vec<u8>) {
        bytes.reserve(LEAST);
        let (result, _) =
            self.encoder.encode_from_utf8_to_vec_without_replacement("?", bytes, false);
        debug_assert_eq!(result, EncoderResult::InputEmpty, "there is room");
    }

    /// The character before `at` is not in the charset. The encoder does not always say which it was: of those that
    /// would be dangerous in ISO-2022-JP it says U+FFFD.
    #[cold]
    fn not_there(&self) -> Error {
        let character = self.text()[..self.at].chars().next_back().unwrap_or_default();
        let start = self.offset + (self.at - character.len_utf8()) as u64;
        let name = self.charset.name();
        Error::corrupt(format!("{name} does not have {character:?}")).at_offset(start)
    }

    /// The text of the chunk in work.
    fn text(&self) -> &str {
        self.chunk.as_ref().map_or("", T::as_ref)
    }
}

impl<T: AsRef<str>> Transform for EncodeCharset<T> {
    type Input = T;
    type Output = Bytes;

    fn write(&mut self, chunk: T) -> Result<Option<Bytes>> {
        self.chunk = Some(chunk);
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        loop {
            match &self.state {
                State::Flowing if self.chunk.is_some() => {}
                State::Ending => {}
                State::Failing(error) => return Err(error.clone()),
                State::Flowing | State::Over => return Ok(None),
            }
            if let Some(bytes) = self.encode() {
                return Ok(Some(bytes));
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        self.state = State::Ending;
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(size_of::<Encoder>())
    }

    fn name(&self) -> &'static str {
        "encode_charset"
    }
}

debug_fields!(EncodeCharset<T>, charset, unmappable, offset, state);

/// Room for what an encoder may give at once, in bytes.
const LEAST: usize = 32;
