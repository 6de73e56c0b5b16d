//! How the bytes are cut makes no difference to the digest (I53, I59, F50).

use bytes::Bytes;
use highwater_test::{Cut, Seed, cuts};

use super::{pattern, tapped};
use crate::Algorithm;

/// Every way into two, single bytes, and random ways: around the blocks of 64, 128, 256 and 1024 bytes.
/// Shows I59.
#[test]
fn every_cut_gives_the_same_digest() {
    let (input, seed) = (Bytes::from(pattern(1100)), Seed::fresh());
    for &algorithm in Algorithm::ALL {
        let whole = algorithm.digest(&input);
        for cut in cuts(input.len(), seed) {
            let digest = tapped(algorithm, &cut.chunks(&input));
            assert_eq!(digest, whole, "{algorithm}, {cut}, seed {seed}");
        }
    }
}

/// Every way into three, the edges of two blocks of 64 bytes among them, with empty chunks between.
#[test]
fn every_two_cuts_give_the_same_digest() {
    let input = Bytes::from(pattern(130));
    for &algorithm in Algorithm::ALL {
        let whole = algorithm.digest(&input);
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let cut = Cut::at([first, first, second, second]);
                assert_eq!(tapped(algorithm, &cut.chunks(&input)), whole, "{algorithm}, {cut}");
            }
        }
    }
}
