//! From base64 to bytes.

use base64::{DecodeError, Engine};
use bytes::Bytes;
use highwater_core::{Error, Result, Transform};
use memchr::memchr;

use super::Base64;
use crate::PIECE;
use crate::symbols::Symbols;

/// Reads base64 as bytes: [`DecodeBase64::new`].
pub fn decode_base64(variant: Base64) -> DecodeBase64 {
    DecodeBase64::new(variant)
}

/// Reads each four symbols as three bytes, and the last two or three of a stream as one or two bytes.
///
/// It is strict, so that there is one way to write the same bytes: padding is there or not, as the [variant](Base64)
/// says, unless [`any_padding`](Self::any_padding) is asked for; bits that are of no byte are zero; nothing stands
/// behind the padding.
///
/// It gives pieces of 48 KiB at the most, and holds 128 KiB at the most.
///
/// # Errors
///
/// A symbol is wrong ([`is_corrupt`](Error::is_corrupt), with its offset; white space is wrong as well unless
/// [`skip_white_space`](Self::skip_white_space) is asked for), or the input ends inside a group
/// ([`is_truncated`](Error::is_truncated), with the offset of the end). The bytes of the groups before it are given first.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{Base64, DecodeBase64, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let wrapped = || Readable::from_iter(["aGln\r\naH", "dhdGVy\r\nLg==\r\n"].map(Bytes::from));
/// let lenient = DecodeBase64::new(Base64::Standard).skip_white_space();
/// assert_eq!(wrapped().pipe(lenient).to_bytes().await?, "highwater.");
///
/// let error = wrapped().decode_base64(Base64::Standard).to_bytes().await.unwrap_err();
/// assert!(error.is_corrupt());
/// assert_eq!(error.offset(), Some(4));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct DecodeBase64 {
    variant: Base64,
    padding: Padding,
    symbols: Symbols,
    state: State,
}

/// What padding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    Required,
    Wrong,
    Optional,
}

/// ```text
///           padding                      more symbols
///  Open ---------------> Padded --------------------------> (error)
///    |
///    +-- a wrong symbol, behind bytes to be given --> Failing
///    +-- the end, in a group without padding -------> Ending
/// ```
#[derive(Debug)]
enum State {
    Open,
    /// There was padding: nothing may follow.
    Padded,
    /// An error to be given behind the bytes before it.
    Failing(Error),
    /// The bytes of the last group.
    Ending(Bytes),
}

impl DecodeBase64 {
    /// In this variant, without white space.
    pub fn new(variant: Base64) -> Self {
        let padding = if variant == variant.padded() { Padding::Required } else { Padding::Wrong };
        Self { variant, padding, symbols: Symbols::new(GROUP), state: State::Open }
    }

    /// Takes the last group with padding or without.
    #[must_use]
    pub fn any_padding(mut self) -> Self {
        self.padding = Padding::Optional;
        self
    }

    /// Takes spaces, tabs, form feeds and ends of lines between symbols, and skips them: for base64 in lines, as in MIME
    /// and PEM.
    #[must_use]
    pub fn skip_white_space(mut self) -> Self {
        self.symbols = self.symbols.skip_white_space();
        self
    }

    /// Decodes the groups that are there.
    fn decode(&mut self) -> Result<Option<Bytes>> {
        let symbols = self.symbols.whole();
        let padded = memchr(PAD, symbols).map(|at| at - at % GROUP);
        let (mut bytes, mut wrong) = self.groups(&symbols[..padded.unwrap_or(symbols.len())]);
        let mut decoded = symbols.len();
        if let (Some(start), None) = (padded, wrong) {
            decoded = start + GROUP;
            match self.padded_group(&symbols[start..decoded]) {
                Ok(last) => bytes.extend(last),
                Err(index) => wrong = Some(start + index),
            }
            self.state = State::Padded;
        }
        match wrong.map(|index| self.wrong_symbol(index)) {
            Some(error) if bytes.is_empty() => return Err(error),
            Some(error) => self.state = State::Failing(error),
            None => self.symbols.settle(decoded),
        }
        Ok(Some(Bytes::from(bytes)))
    }

    /// The bytes of groups without padding, up to the group of the first wrong symbol, and the index of that.
    fn groups(&self, symbols: &[u8]) -> (Vec<u8>, Option<usize>) {
        let engine = self.variant.unpadded().engine();
        match engine.decode(symbols) {
            Ok(bytes) => (bytes, None),
            Err(error) => {
                let index = index_of(&error).unwrap_or(0);
                let before = engine.decode(&symbols[..index - index % GROUP]);
                (before.expect("what is before the first wrong symbol is right"), Some(index))
            }
        }
    }

    /// The bytes of a group with padding, or the index of the symbol that is wrong.
    fn padded_group(&self, symbols: &[u8]) -> Result<Vec<u8>, usize> {
        let pad = memchr(PAD, symbols).unwrap_or(0);
        if self.padding == Padding::Wrong {
            return Err(pad);
        }
        let bytes = self.variant.padded().engine().decode(symbols);
        bytes.map_err(|error| index_of(&error).unwrap_or(pad))
    }

    /// Whether a symbol can stand here in its group.
    fn fits(&self, index: usize, symbol: u8) -> bool {
        match symbol {
            PAD => index >= 2 && self.padding != Padding::Wrong,
            symbol => self.variant.has(symbol),
        }
    }

    #[cold]
    fn wrong_symbol(&self, index: usize) -> Error {
        Error::corrupt("not base64").at_offset(self.symbols.offset_of(index))
    }
}

impl Transform for DecodeBase64 {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.symbols.write(chunk);
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        match std::mem::replace(&mut self.state, State::Open) {
            State::Open if self.symbols.gather() => self.decode(),
            State::Open => Ok(None),
            State::Padded if self.symbols.gather_at_least(1) => Err(self.wrong_symbol(0)),
            State::Padded => {
                self.state = State::Padded;
                Ok(None)
            }
            State::Failing(error) => Err(error),
            State::Ending(bytes) => Ok(Some(bytes)),
        }
    }

    fn end(&mut self) -> Result<()> {
        let symbols = self.symbols.all();
        if symbols.is_empty() {
            return Ok(());
        }
        let fits = |(index, &symbol): (usize, &u8)| self.fits(index, symbol);
        if let Some(wrong) = symbols.iter().enumerate().position(|symbol| !fits(symbol)) {
            return Err(self.wrong_symbol(wrong));
        }
        if self.padding == Padding::Required || symbols.len() == 1 || symbols.contains(&PAD) {
            let error = Error::truncated("the input ended inside a group of base64");
            return Err(error.at_offset(self.symbols.offset()));
        }
        match self.groups(symbols) {
            (bytes, None) => self.state = State::Ending(Bytes::from(bytes)),
            (_, Some(wrong)) => return Err(self.wrong_symbol(wrong)),
        }
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        // The buffer for symbols grows by doubling.
        Some(2 * PIECE)
    }

    fn name(&self) -> &'static str {
        "decode_base64"
    }
}

/// Where the symbol is that is wrong, if there is one.
fn index_of(error: &DecodeError) -> Option<usize> {
    match error {
        DecodeError::InvalidByte(index, _) => Some(*index),
        DecodeError::InvalidLastSymbol { offset, .. } => Some(*offset),
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => None,
    }
}

/// Symbols of a group.
const GROUP: usize = 4;
const PAD: u8 = b'=';
