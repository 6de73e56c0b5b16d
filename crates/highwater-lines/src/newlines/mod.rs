//! Positions of the line endings.

#[cfg(feature = "simd")]
mod simd;

use std::ops::Range;

#[cfg(not(feature = "simd"))]
use memchr::memchr_iter;
use memchr::{memchr, memrchr};

#[cfg(feature = "simd")]
pub(crate) use simd::newlines;

/// The positions of the first newlines, at most `most` of them.
#[cfg(not(feature = "simd"))]
pub(crate) fn newlines(bytes: &[u8], most: usize) -> Vec<usize> {
    let mut places = Vec::with_capacity((bytes.len() / LIKELY).min(most));
    for place in memchr_iter(b'\n', bytes).take(most) {
        if places.len() == places.capacity() {
            places.reserve_exact(most - places.len());
        }
        places.push(place);
    }
    places
}

/// The line that has the byte `at` in it, its newline counted in.
#[inline]
pub(crate) fn line_around(block: &[u8], from: usize, at: usize) -> Range<usize> {
    let start = memrchr(b'\n', &block[from..at]).map_or(from, |newline| from + newline + 1);
    start..line_end(block, at)
}

/// Behind the next newline.
#[inline]
pub(crate) fn line_end(block: &[u8], at: usize) -> usize {
    memchr(b'\n', &block[at..]).map_or(block.len(), |newline| at + newline + 1)
}

/// Bytes that the feature `simd` compares at a time: one for each bit of a word. Positions take at most this much more
/// room than there are newlines.
pub(crate) const BLOCK: usize = 64;
/// Bytes of a line, as a guess of how many lines there are.
const LIKELY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn one_by_one(bytes: &[u8], most: usize) -> Vec<usize> {
        memchr::memchr_iter(b'\n', bytes).take(most).collect()
    }

    #[test]
    fn they_are_where_memchr_finds_them() {
        // Every length around the size of a block, with newlines at all places, at none and at some.
        for len in 0..3 * BLOCK {
            let some = |n: usize| -> Vec<u8> {
                (0..len).map(|i| if i % n == n - 1 { b'\n' } else { 0x8a }).collect()
            };
            for bytes in [some(1), some(2), some(7), some(63), some(64), some(65), some(1000)] {
                for most in [1, 2, 63, 64, 65, 1000] {
                    assert_eq!(newlines(&bytes, most), one_by_one(&bytes, most), "{len} {most}");
                }
            }
        }
    }
}
