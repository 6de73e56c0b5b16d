//! Where the lines end.

use wide::u8x16;

/// The places of the first newlines, at the most `most` of them.
///
/// It looks at 64 bytes at a time and notes all newlines among them. `memchr` begins anew behind each newline, which for
/// lines of 100 bytes takes more than twice as long.
pub(crate) fn newlines(bytes: &[u8], most: usize) -> Vec<usize> {
    let mut places = vec![0; (bytes.len() / LIKELY).min(most) + BLOCK];
    let mut count = 0;
    for (start, block) in (0..).step_by(BLOCK).zip(bytes.chunks(BLOCK)) {
        let mut found = block.first_chunk().map_or_else(|| search_rest(block), search);
        if places.len() - count < BLOCK {
            places.resize(most + BLOCK, 0);
        }
        // Most blocks have one newline or none. The first is noted even if it is not there, and is counted only if it
        // is: a branch on that is one that no processor foresees.
        places[count] = start + found.trailing_zeros() as usize;
        count += usize::from(found != 0);
        found &= found.wrapping_sub(1);
        while found != 0 {
            places[count] = start + found.trailing_zeros() as usize;
            count += 1;
            found &= found - 1;
        }
        if count >= most {
            break;
        }
    }
    places.truncate(count.min(most));
    places
}

/// A bit for each newline.
#[inline]
fn search(block: &[u8; BLOCK]) -> u64 {
    let newline = u8x16::splat(b'\n');
    block.chunks_exact(LANES).rev().fold(0, |found, lanes| {
        let lanes: [u8; LANES] = lanes.try_into().expect("it is cut into such");
        let mask = u8x16::new(lanes).cmp_eq(newline).move_mask();
        found << LANES | u64::from(mask.unsigned_abs())
    })
}

/// The same for less than a block.
fn search_rest(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |found, byte| found << 1 | u64::from(*byte == b'\n'))
}

/// Bytes that are looked at together: as many as a word has bits.
pub(crate) const BLOCK: usize = 64;
/// Bytes that are compared at once: what every processor of 64 bits can.
const LANES: usize = 16;
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
