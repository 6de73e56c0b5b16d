//! From bytes to base64.

use base64::Engine;
use bytes::{Buf, Bytes};
use highwater_core::{Result, Transform};

use super::Base64;
use crate::PIECE;

/// Writes bytes as base64: [`EncodeBase64::new`].
pub fn encode_base64(variant: Base64) -> EncodeBase64 {
    EncodeBase64::new(variant)
}

/// Writes each three bytes as four symbols, and what is left at the end of the input as two or three, with padding if
/// the [variant](Base64) has it.
///
/// It gives pieces of 64 KiB at the most, and holds two bytes.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{Base64, EncodeBase64};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let chunks = ["high", "wat", "er"].map(Bytes::from);
/// let encoded = Readable::from_iter(chunks).pipe(EncodeBase64::new(Base64::Standard)).to_vec().await?;
/// assert_eq!(encoded, ["aGln", "aHdh", "dGVy"]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct EncodeBase64 {
    variant: Base64,
    /// What is left of the chunk in work.
    rest: Bytes,
    /// The start of a group.
    held: Vec<u8>,
    /// What there is to give after the end of the input.
    last: Option<Bytes>,
}

impl EncodeBase64 {
    /// In this variant.
    pub fn new(variant: Base64) -> Self {
        let held = Vec::with_capacity(BYTES);
        Self { variant, rest: Bytes::new(), held, last: None }
    }

    /// Moves bytes from the chunk to the group that is held.
    fn hold(&mut self, count: usize) {
        self.held.extend_from_slice(&self.rest[..count]);
        self.rest.advance(count);
    }
}

impl Transform for EncodeBase64 {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.rest = chunk;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        if self.held.len() + self.rest.len() < BYTES {
            self.hold(self.rest.len());
            // An empty slice of a chunk would still keep the chunk in memory.
            self.rest = Bytes::new();
            return Ok(self.last.take());
        }
        let engine = self.variant.engine();
        let mut symbols =
            String::with_capacity(PIECE.min(self.rest.len() / BYTES * SYMBOLS + SYMBOLS));
        if !self.held.is_empty() {
            self.hold(BYTES - self.held.len());
            engine.encode_string(&self.held, &mut symbols);
            self.held.clear();
        }
        let most = (PIECE - symbols.len()) / SYMBOLS * BYTES;
        let whole = self.rest.len() - self.rest.len() % BYTES;
        engine.encode_string(self.rest.split_to(whole.min(most)), &mut symbols);
        Ok(Some(Bytes::from(symbols)))
    }

    fn end(&mut self) -> Result<()> {
        if !self.held.is_empty() {
            self.last = Some(Bytes::from(self.variant.engine().encode(&self.held)));
            self.held.clear();
        }
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(BYTES)
    }

    fn name(&self) -> &'static str {
        "encode_base64"
    }
}

/// Bytes in a group.
const BYTES: usize = 3;
/// Symbols of a group.
const SYMBOLS: usize = 4;
