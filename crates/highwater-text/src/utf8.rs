//! From bytes to text.

use bytes::{Buf, Bytes};
use highwater_core::{Error, Result, Transform};

use crate::text::{Invalid, Text, not_utf8};

/// Reads bytes as UTF-8: [`DecodeUtf8::new`].
pub fn decode_utf8() -> DecodeUtf8 {
    DecodeUtf8::new()
}

/// Reads bytes as UTF-8.
///
/// A character that is cut by the end of a chunk is put together; everything else is a slice of its chunk, checked once
/// and not copied. A byte order mark at the start of the stream is dropped, as the
/// [Encoding Standard](https://encoding.spec.whatwg.org/#utf-8-decode) has it; everywhere else it is a character.
///
/// It holds three bytes at the most; [`lossy`](Self::lossy) gives repaired text in pieces of about 8 KiB.
///
/// # Errors
///
/// The input is not UTF-8 ([`is_corrupt`](Error::is_corrupt), with the offset of the first byte of the sequence that is
/// wrong), or ends inside a character ([`is_truncated`](Error::is_truncated), with the offset of the end); neither with
/// [`lossy`](Self::lossy). The text before it is given first.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{DecodeUtf8, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let euro = || Readable::from_iter([&b"1 \xE2\x82"[..], b"\xAC\xFF."].map(Bytes::from));
///
/// let mut strict = euro().decode_utf8();
/// assert_eq!(strict.next().await.expect("what is whole")?, "1 ");
/// assert_eq!(strict.next().await.expect("what was cut")?, "€");
/// let error = strict.next().await.expect("an error").unwrap_err();
/// assert!(error.is_corrupt());
/// assert_eq!(error.offset(), Some(5));
///
/// let lossy = euro().pipe(DecodeUtf8::new().lossy()).to_vec().await?;
/// assert_eq!(lossy.concat(), "1 €\u{FFFD}.");
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct DecodeUtf8 {
    invalid: Invalid,
    mark: Mark,
    /// What is left of the chunk in work.
    rest: Bytes,
    /// Where `rest` stands in the stream.
    offset: u64,
    /// The bytes before `rest` that may be the start of a character.
    held: Vec<u8>,
    /// What there is to give after the end of the input.
    last: Option<Text>,
}

/// What becomes of a byte order mark, if one comes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mark {
    #[default]
    Drop,
    Keep,
}

impl DecodeUtf8 {
    /// Fails at the first byte that is wrong, and drops a byte order mark.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts U+FFFD in the place of what is wrong: one for each sequence that could have been the start of a character,
    /// and one for a character that the end of the input cuts. That is what [`String::from_utf8_lossy`] and the
    /// decoder of the [Encoding Standard](https://encoding.spec.whatwg.org/#utf-8-decoder) do.
    #[must_use]
    pub fn lossy(mut self) -> Self {
        self.invalid = Invalid::Replace;
        self
    }

    /// Gives a byte order mark at the start of the stream as the character it is, U+FEFF.
    #[must_use]
    pub fn keep_bom(mut self) -> Self {
        self.mark = Mark::Keep;
        self
    }

    /// The next piece of the chunk, which is not empty.
    fn piece(&mut self) -> Result<Option<Text>> {
        let whole = if self.held.is_empty() { whole(&self.rest) } else { 0 };
        if whole == 0 {
            return self.split();
        }
        match Text::checked(self.rest.slice(..whole)) {
            Ok(text) => {
                self.advance(whole);
                Ok(Some(text))
            }
            Err(valid) if valid == 0 && self.invalid == Invalid::Fail => {
                Err(not_utf8().at_offset(self.offset))
            }
            Err(valid) if valid < PIECE && self.invalid == Invalid::Replace => {
                Ok(Some(self.repair(whole)))
            }
            Err(valid) => {
                let text = Text::checked(self.rest.slice(..valid));
                self.advance(valid);
                Ok(Some(text.expect("these bytes were found to be valid")))
            }
        }
    }

    /// Moves a byte to the character that is held, and gives the character when that was its last.
    fn split(&mut self) -> Result<Option<Text>> {
        let start = self.offset - self.held.len() as u64;
        self.held.push(self.rest[0]);
        match std::str::from_utf8(&self.held) {
            Ok(character) => {
                let text = Text::from(character);
                self.held.clear();
                self.advance(1);
                Ok(Some(text))
            }
            Err(error) if error.error_len().is_none() => {
                self.advance(1);
                Ok(None)
            }
            Err(_) if self.invalid == Invalid::Fail => Err(not_utf8().at_offset(start)),
            // What was held is wrong; the byte stays, and is looked at for itself.
            Err(_) => {
                self.held.clear();
                Ok(Some(REPLACEMENT))
            }
        }
    }

    /// Copies the start of the chunk with replacements, up to the next run of text that is worth a slice.
    fn repair(&mut self, whole: usize) -> Text {
        let (mut text, mut used) = (String::new(), 0);
        for part in self.rest[..whole].utf8_chunks() {
            if text.len() + part.valid().len() > PIECE {
                break;
            }
            text.push_str(part.valid());
            if !part.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            used += part.valid().len() + part.invalid().len();
        }
        self.advance(used);
        Text::from(text)
    }

    /// Takes the byte order mark off the first text.
    fn without_mark(&mut self, text: Text) -> Option<Text> {
        if std::mem::replace(&mut self.mark, Mark::Keep) == Mark::Keep || !text.starts_with(MARK) {
            return Some(text);
        }
        Some(text.skip(MARK.len_utf8())).filter(|text| !text.is_empty())
    }

    fn advance(&mut self, count: usize) {
        self.rest.advance(count);
        self.offset += count as u64;
    }
}

impl Transform for DecodeUtf8 {
    type Input = Bytes;
    type Output = Text;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<Text>> {
        self.rest = chunk;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Text>> {
        while !self.rest.is_empty() {
            let piece = self.piece()?;
            if let Some(text) = piece.and_then(|text| self.without_mark(text)) {
                return Ok(Some(text));
            }
        }
        // An empty slice of a chunk would still keep the chunk in memory.
        self.rest = Bytes::new();
        Ok(self.last.take())
    }

    fn end(&mut self) -> Result<()> {
        match self.invalid {
            _ if self.held.is_empty() => Ok(()),
            Invalid::Fail => {
                Err(Error::truncated("the input ended inside a character").at_offset(self.offset))
            }
            Invalid::Replace => {
                self.last = Some(REPLACEMENT);
                Ok(())
            }
        }
    }

    fn max_bytes(&self) -> Option<usize> {
        // A vector of bytes has room for eight at the least.
        Some(8)
    }

    fn name(&self) -> &'static str {
        "decode_utf8"
    }
}

/// How many bytes there are before a character that may go on in the next chunk.
fn whole(bytes: &[u8]) -> usize {
    let end = &bytes[bytes.len().saturating_sub(LONGEST - 1)..];
    let last = end.utf8_chunks().last().map_or(&[][..], |part| part.invalid());
    let goes_on = std::str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
    bytes.len() - if goes_on { last.len() } else { 0 }
}

/// The length of the longest character, in bytes.
const LONGEST: usize = 4;

/// Text between replacements is copied up to this length, in bytes; longer runs are slices of their chunk.
const PIECE: usize = 8 * 1024;

/// The byte order mark.
const MARK: char = '\u{FEFF}';

const REPLACEMENT: Text = Text::from_static("\u{FFFD}");
