//! What stands behind the data of a gzip member.

use crc32fast::Hasher;

/// The CRC-32 and the length of what is compressed (RFC 1952, 2.3.1).
#[derive(Debug, Clone, Default)]
pub(crate) struct Check {
    crc: Hasher,
    /// Modulo 2³².
    size: u32,
}

impl Check {
    /// Bytes of a trailer.
    pub(crate) const LENGTH: usize = 8;

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.size = self.size.wrapping_add(modulo(bytes.len()));
    }

    /// Adds what follows, counted apart.
    pub(crate) fn combine(&mut self, next: &Self) {
        self.crc.combine(&next.crc);
        self.size = self.size.wrapping_add(next.size);
    }

    /// The trailer as it is written.
    pub(crate) fn trailer(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&self.crc.clone().finalize().to_le_bytes());
        bytes[4..].copy_from_slice(&self.size.to_le_bytes());
        bytes
    }
}

/// A length modulo 2³².
#[expect(clippy::cast_possible_truncation, reason = "that is what modulo means here")]
fn modulo(length: usize) -> u32 {
    length as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_counted_apart_are_as_the_whole() {
        let digits = b"123456789";
        for cut in 0..=digits.len() {
            let (mut first, mut second) = (Check::default(), Check::default());
            first.update(&digits[..cut]);
            second.update(&digits[cut..]);
            first.combine(&second);
            // The check value of this CRC is 0xcbf43926.
            assert_eq!(first.trailer(), [0x26, 0x39, 0xf4, 0xcb, 9, 0, 0, 0], "cut at {cut}");
        }
    }

    #[test]
    fn the_length_wraps() {
        let mut check = Check { size: u32::MAX, ..Check::default() };
        check.update(b"ab");
        check.combine(&Check { size: u32::MAX, ..Check::default() });
        assert_eq!(check.trailer()[4..], [0; 4]);
    }
}
