//! Hexadecimal digits, both ways.

use bytes::Bytes;
use const_hex::FromHexError;
use highwater_core::{Error, Result, Transform};

use crate::PIECE;
use crate::symbols::Symbols;

/// Writes bytes as hexadecimal digits: [`EncodeHex::new`].
pub fn encode_hex() -> EncodeHex {
    EncodeHex::new()
}

/// Reads hexadecimal digits as bytes: [`DecodeHex::new`].
pub fn decode_hex() -> DecodeHex {
    DecodeHex::new()
}

/// Writes each byte as two hexadecimal digits ([RFC 4648, section 8](https://www.rfc-editor.org/rfc/rfc4648#section-8)).
///
/// It gives pieces of 64 KiB at the most, and holds nothing.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{EncodeHex, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let bytes = || Readable::from_iter([Bytes::from_static(b"\x00\xAB\xFF")]);
/// assert_eq!(bytes().encode_hex().to_bytes().await?, "00abff");
/// assert_eq!(bytes().pipe(EncodeHex::new().upper_case()).to_bytes().await?, "00ABFF");
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct EncodeHex {
    case: Case,
    /// What is left of the chunk in work.
    rest: Bytes,
}

#[derive(Debug, Clone, Copy, Default)]
enum Case {
    #[default]
    Lower,
    Upper,
}

impl EncodeHex {
    /// With small letters.
    pub fn new() -> Self {
        Self::default()
    }

    /// With capital letters.
    #[must_use]
    pub fn upper_case(mut self) -> Self {
        self.case = Case::Upper;
        self
    }
}

impl Transform for EncodeHex {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.rest = chunk;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        if self.rest.is_empty() {
            // An empty slice of a chunk would still keep the chunk in memory.
            self.rest = Bytes::new();
            return Ok(None);
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE / 2));
        Ok(Some(Bytes::from(match self.case {
            Case::Lower => const_hex::encode(piece),
            Case::Upper => const_hex::encode_upper(piece),
        })))
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "encode_hex"
    }
}

/// Reads each two hexadecimal digits as a byte; capital and small letters are the same.
///
/// It gives pieces of 32 KiB at the most, and holds 128 KiB at the most.
///
/// # Errors
///
/// Something is not a digit ([`is_corrupt`](Error::is_corrupt), with its offset; white space is wrong as well unless
/// [`skip_white_space`](Self::skip_white_space) is asked for), or the input ends between two digits of a byte
/// ([`is_truncated`](Error::is_truncated), with the offset of the end). The bytes before it are given first.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{DecodeHex, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let digits = || Readable::from_iter(["00a", "BF", "f\n"].map(Bytes::from));
/// let decoded = digits().pipe(DecodeHex::new().skip_white_space()).to_bytes().await?;
/// assert_eq!(decoded, &b"\x00\xAB\xFF"[..]);
///
/// let error = digits().decode_hex().to_bytes().await.unwrap_err();
/// assert!(error.is_corrupt());
/// assert_eq!(error.offset(), Some(6));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct DecodeHex {
    symbols: Symbols,
    /// An error to be given behind the bytes before it.
    failure: Option<Error>,
}

impl DecodeHex {
    /// Takes digits only.
    pub fn new() -> Self {
        Self { symbols: Symbols::new(2), failure: None }
    }

    /// Takes spaces, tabs, form feeds and ends of lines between digits, and skips them.
    #[must_use]
    pub fn skip_white_space(mut self) -> Self {
        self.symbols = self.symbols.skip_white_space();
        self
    }
}

impl Default for DecodeHex {
    fn default() -> Self {
        Self::new()
    }
}

impl Transform for DecodeHex {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.symbols.write(chunk);
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if !self.symbols.gather() {
            return Ok(None);
        }
        let digits = self.symbols.whole();
        let (bytes, wrong) = match decode(digits) {
            Ok(bytes) => (bytes, None),
            Err(wrong) => {
                let before = decode(&digits[..wrong - wrong % 2]);
                (before.expect("what is before the first wrong digit is right"), Some(wrong))
            }
        };
        let decoded = digits.len();
        match wrong.map(|index| not_a_digit(self.symbols.offset_of(index))) {
            Some(error) if bytes.is_empty() => return Err(error),
            Some(error) => self.failure = Some(error),
            None => self.symbols.settle(decoded),
        }
        Ok(Some(Bytes::from(bytes)))
    }

    fn end(&mut self) -> Result<()> {
        match self.symbols.all() {
            [] => Ok(()),
            [digit] if digit.is_ascii_hexdigit() => {
                let error = Error::truncated("the input ended between two hexadecimal digits");
                Err(error.at_offset(self.symbols.offset()))
            }
            _ => Err(not_a_digit(self.symbols.offset_of(0))),
        }
    }

    fn max_bytes(&self) -> Option<usize> {
        // The buffer for digits grows by doubling.
        Some(2 * PIECE)
    }

    fn name(&self) -> &'static str {
        "decode_hex"
    }
}

/// The bytes of an even number of digits, or the index of the first that is none.
fn decode(digits: &[u8]) -> Result<Vec<u8>, usize> {
    // The decoder would drop such a prefix, in the middle of the stream as well.
    if let [b'0', b'x' | b'X', ..] = digits {
        return Err(1);
    }
    const_hex::decode(digits).map_err(|error| match error {
        FromHexError::InvalidHexCharacter { index, .. } => index,
        FromHexError::OddLength | FromHexError::InvalidStringLength => 0,
    })
}

#[cold]
fn not_a_digit(offset: u64) -> Error {
    Error::corrupt("not a hexadecimal digit").at_offset(offset)
}
