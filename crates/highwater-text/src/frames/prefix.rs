//! The length before a frame.

use highwater_core::Result;

use crate::varint;

/// How the length of a frame is written before it: an unsigned number of bytes, the prefix not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prefix {
    /// One byte.
    U8,
    /// Two bytes, the most significant first.
    U16Be,
    /// Two bytes, the least significant first.
    U16Le,
    /// Four bytes, the most significant first.
    U32Be,
    /// Four bytes, the least significant first.
    U32Le,
    /// Eight bytes, the most significant first.
    U64Be,
    /// Eight bytes, the least significant first.
    U64Le,
    /// One to ten bytes with seven bits each, the least significant first, and the highest bit set in all but the last:
    /// the [variable-width integer](https://protobuf.dev/programming-guides/encoding/#varints) of Protocol Buffers. It
    /// is written in as few bytes as it takes, and read in more of them as well.
    Varint,
}

impl Prefix {
    /// The length and how many bytes it is written in, if all of them are there.
    #[inline]
    pub(super) fn read(self, bytes: &[u8]) -> Result<Option<(u64, usize)>> {
        Ok(match self {
            Self::U8 => bytes.first().map(|byte| (u64::from(*byte), 1)),
            Self::U16Be => bytes.first_chunk().map(|bytes| (u16::from_be_bytes(*bytes).into(), 2)),
            Self::U16Le => bytes.first_chunk().map(|bytes| (u16::from_le_bytes(*bytes).into(), 2)),
            Self::U32Be => bytes.first_chunk().map(|bytes| (u32::from_be_bytes(*bytes).into(), 4)),
            Self::U32Le => bytes.first_chunk().map(|bytes| (u32::from_le_bytes(*bytes).into(), 4)),
            Self::U64Be => bytes.first_chunk().map(|bytes| (u64::from_be_bytes(*bytes), 8)),
            Self::U64Le => bytes.first_chunk().map(|bytes| (u64::from_le_bytes(*bytes), 8)),
            Self::Varint => varint::read(bytes)?,
        })
    }

    /// Writes the length; `None` if there is no room for it.
    pub(super) fn write(self, length: usize, into: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::U8 => into.push(u8::try_from(length).ok()?),
            Self::U16Be => into.extend(u16::try_from(length).ok()?.to_be_bytes()),
            Self::U16Le => into.extend(u16::try_from(length).ok()?.to_le_bytes()),
            Self::U32Be => into.extend(u32::try_from(length).ok()?.to_be_bytes()),
            Self::U32Le => into.extend(u32::try_from(length).ok()?.to_le_bytes()),
            Self::U64Be => into.extend((length as u64).to_be_bytes()),
            Self::U64Le => into.extend((length as u64).to_le_bytes()),
            Self::Varint => varint::write(length as u64, into),
        }
        Some(())
    }
}

/// The most bytes of a prefix.
pub(super) const LONGEST: usize = varint::LONGEST;
