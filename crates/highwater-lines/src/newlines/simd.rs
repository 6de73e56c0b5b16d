//! All newlines of a block at a time.

use wide::u8x16;

use super::{BLOCK, LIKELY};

/// The positions of the first newlines, at most `most` of them.
///
/// It compares 64 bytes at a time and notes all newlines among them. `memchr` starts again behind each newline, which for
/// lines of 100 bytes takes 1.5 times as long.
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
        found << LANES | u64::from(u8x16::new(lanes).simd_eq(newline).to_bitmask())
    })
}

/// The same for less than a block.
fn search_rest(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |found, byte| found << 1 | u64::from(*byte == b'\n'))
}

/// Bytes that are compared at once: what every processor of 64 bits can.
const LANES: usize = 16;
