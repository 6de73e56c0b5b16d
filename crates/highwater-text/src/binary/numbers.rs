//! Numbers by their names.

use bytes::{Buf, Bytes};
use highwater_core::{Result, Source};

use super::{BinaryReader, NAME};
use crate::varint;

/// Methods that are the same but for the type of the number.
macro_rules! numbers {
    ($($name:ident: $number:ty, $from_bytes:ident, $what:literal;)*) => {
        /// Numbers. Each fails as [`BinaryReader`] says, and is cancel safe.
        impl<S: Source<Chunk = Bytes> + Unpin> BinaryReader<S> {
            $(
                #[doc = concat!("The next number of ", $what, ".")]
                ///
                /// # Errors
                ///
                /// As [`BinaryReader`] says.
                ///
                /// # Cancel safety
                ///
                /// Is cancel safe.
                pub async fn $name(&mut self) -> Result<$number> {
                    Ok(<$number>::$from_bytes(self.array().await?))
                }
            )*
        }
    };
}

numbers! {
    u8: u8, from_be_bytes, "one byte";
    i8: i8, from_be_bytes, "one byte, signed";
    u16_be: u16, from_be_bytes, "two bytes, the most significant first";
    u16_le: u16, from_le_bytes, "two bytes, the least significant first";
    i16_be: i16, from_be_bytes, "two bytes, signed, the most significant first";
    i16_le: i16, from_le_bytes, "two bytes, signed, the least significant first";
    u32_be: u32, from_be_bytes, "four bytes, the most significant first";
    u32_le: u32, from_le_bytes, "four bytes, the least significant first";
    i32_be: i32, from_be_bytes, "four bytes, signed, the most significant first";
    i32_le: i32, from_le_bytes, "four bytes, signed, the least significant first";
    u64_be: u64, from_be_bytes, "eight bytes, the most significant first";
    u64_le: u64, from_le_bytes, "eight bytes, the least significant first";
    i64_be: i64, from_be_bytes, "eight bytes, signed, the most significant first";
    i64_le: i64, from_le_bytes, "eight bytes, signed, the least significant first";
    f32_be: f32, from_be_bytes, "four bytes, floating, the most significant first";
    f32_le: f32, from_le_bytes, "four bytes, floating, the least significant first";
    f64_be: f64, from_be_bytes, "eight bytes, floating, the most significant first";
    f64_le: f64, from_le_bytes, "eight bytes, floating, the least significant first";
}

impl<S: Source<Chunk = Bytes> + Unpin> BinaryReader<S> {
    /// The next number of variable width, as [`Prefix::Varint`](crate::Prefix::Varint) has it.
    ///
    /// # Errors
    ///
    /// It has more than 64 bits ([`is_corrupt`](highwater_core::Error::is_corrupt)), or as [`BinaryReader`] says.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    pub async fn varint(&mut self) -> Result<u64> {
        loop {
            let mut bytes = [0; varint::LONGEST];
            let count = self.peek(&mut bytes);
            let number = varint::read(&bytes[..count]);
            match number.map_err(|error| error.in_stage(NAME).at_offset(self.offset))? {
                Some((number, width)) => {
                    self.take(width);
                    return Ok(number);
                }
                None => self.fill(count + 1).await?,
            }
        }
    }

    /// Copies what is there already, and says how much it is.
    fn peek(&self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.available());
        (&self.held[..]).chain(&self.rest[..]).copy_to_slice(&mut into[..count]);
        count
    }
}
