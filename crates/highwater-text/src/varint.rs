//! Integers of variable width: seven bits per byte, the least significant first, the highest bit set in all but the last.

use highwater_core::{Error, Result};

/// The integer at the start of `bytes`, and how many bytes it takes; `None` if there must be more of them.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<(u64, usize)>> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if index == LONGEST - 1 && byte > 1 {
            return Err(Error::corrupt("a variable-width integer of more than 64 bits"));
        }
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    Ok(None)
}

/// Writes an integer in as few bytes as it takes.
pub(crate) fn write(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

/// The most bytes of an integer of 64 bits.
pub(crate) const LONGEST: usize = 10;
