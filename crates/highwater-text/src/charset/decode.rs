//! From a charset to text.

use bytes::{Buf, Bytes};
use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding};
use highwater_core::{Error, Result, Transform, debug_fields};

use super::{State, charset};
use crate::PIECE;
use crate::text::{Invalid, Text};

/// Reads bytes in a charset as text: [`DecodeCharset::new`].
///
/// # Errors
///
/// There is no such charset.
pub fn decode_charset(label: &str) -> Result<DecodeCharset> {
    DecodeCharset::new(label)
}

/// Reads bytes in a charset as text, by the tables of the [Encoding Standard](https://encoding.spec.whatwg.org/).
///
/// A byte order mark at the start of the stream is dropped if it is one of the charset (UTF-8, UTF-16); it does not
/// choose another charset.
///
/// It gives pieces of 64 KiB at the most, and holds a few bytes.
///
/// # Errors
///
/// The input is not in the charset ([`is_corrupt`](Error::is_corrupt), with the offset of the first byte that is wrong),
/// or ends inside a character ([`is_truncated`](Error::is_truncated), with the offset of the end); neither with
/// [`lossy`](Self::lossy). The text before it is given first.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{DecodeCharset, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let bytes = || Readable::from_iter([&b"\x93"[..], b"\xFA\x96\x7B", b"\xFF"].map(Bytes::from));
///
/// let lossy = bytes().pipe(DecodeCharset::new("shift_jis")?.lossy()).to_vec().await?;
/// assert_eq!(lossy.concat(), "日本\u{FFFD}");
///
/// let error = bytes().decode_charset("shift_jis")?.to_vec().await.unwrap_err();
/// assert!(error.is_corrupt());
/// assert_eq!(error.offset(), Some(4));
/// # Ok(()) }
/// ```
pub struct DecodeCharset {
    charset: &'static Encoding,
    decoder: Decoder,
    invalid: Invalid,
    /// What is left of the chunk in work.
    rest: Bytes,
    /// Where `rest` stands in the stream.
    offset: u64,
    state: State,
}

impl DecodeCharset {
    /// Of the charset with this [label](https://encoding.spec.whatwg.org/#names-and-labels), such as `shift_jis`,
    /// `latin1`, `windows-1252`, `gbk`, `utf-16le`; capital and small letters are the same. It fails at what is wrong.
    ///
    /// Note that `latin1` and `iso-8859-1` mean windows-1252, as they do for every browser.
    ///
    /// # Errors
    ///
    /// There is no such charset.
    pub fn new(label: &str) -> Result<Self> {
        let charset = charset(label)?;
        let decoder = charset.new_decoder_with_bom_removal();
        let (rest, state) = (Bytes::new(), State::Flowing);
        Ok(Self { charset, decoder, invalid: Invalid::Fail, rest, offset: 0, state })
    }

    /// Puts U+FFFD in the place of what is wrong, as browsers do.
    #[must_use]
    pub fn lossy(mut self) -> Self {
        self.invalid = Invalid::Replace;
        self
    }

    /// Gives a byte order mark at the start of the stream as the character it is, U+FEFF.
    #[must_use]
    pub fn keep_bom(mut self) -> Self {
        self.decoder = self.charset.new_decoder_without_bom_handling();
        self
    }

    /// Decodes on until a piece is full, the chunk is used up, or something is wrong.
    fn decode(&mut self) -> Option<Text> {
        let last = matches!(self.state, State::Ending);
        let room = self.decoder.max_utf8_buffer_length(self.rest.len()).unwrap_or(PIECE);
        let mut text = String::with_capacity(room.clamp(LEAST, PIECE));
        let (result, used) = match self.invalid {
            Invalid::Fail => {
                self.decoder.decode_to_string_without_replacement(&self.rest, &mut text, last)
            }
            Invalid::Replace => {
                let (result, used, _) = self.decoder.decode_to_string(&self.rest, &mut text, last);
                let full = result == CoderResult::OutputFull;
                let result =
                    if full { DecoderResult::OutputFull } else { DecoderResult::InputEmpty };
                (result, used)
            }
        };
        self.rest.advance(used);
        self.offset += used as u64;
        match result {
            DecoderResult::InputEmpty if last => self.state = State::Over,
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, after) => {
                self.state = State::Failing(self.malformed(length, after));
            }
        }
        Some(text).filter(|text| !text.is_empty()).map(Text::from)
    }

    /// What is wrong: so many bytes, with some of the input behind them in the decoder already.
    #[cold]
    fn malformed(&self, length: u8, after: u8) -> Error {
        if matches!(self.state, State::Ending) {
            return Error::truncated("the input ended inside a character").at_offset(self.offset);
        }
        let name = self.charset.name();
        let start = self.offset - u64::from(length) - u64::from(after);
        Error::corrupt(format!("not valid {name}")).at_offset(start)
    }
}

impl Transform for DecodeCharset {
    type Input = Bytes;
    type Output = Text;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Text>> {
        self.rest = chunk;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Text>> {
        loop {
            match &self.state {
                State::Flowing if !self.rest.is_empty() => {}
                State::Ending => {}
                State::Failing(error) => return Err(error.clone()),
                State::Flowing | State::Over => {
                    // An empty slice of a chunk would still keep the chunk in memory.
                    self.rest = Bytes::new();
                    return Ok(None);
                }
            }
            if let Some(text) = self.decode() {
                return Ok(Some(text));
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        self.state = State::Ending;
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(size_of::<Decoder>())
    }

    fn name(&self) -> &'static str {
        "decode_charset"
    }
}

debug_fields!(DecodeCharset, charset, invalid, offset, state);

/// Room for what a decoder may give at once, in bytes.
const LEAST: usize = 32;
