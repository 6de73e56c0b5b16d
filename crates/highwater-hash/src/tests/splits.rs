//! How the bytes are cut makes no difference (I53, I59).

use bytes::Bytes;
use proptest::prelude::*;

use super::{drive, pattern, tapped};
use crate::{Algorithm, Digest, Verify};

/// The bytes cut at these places, which ascend.
fn cut(input: &Bytes, places: &[usize]) -> Vec<Bytes> {
    let mut chunks = Vec::new();
    let mut start = 0;
    for &end in places.iter().chain([&input.len()]) {
        chunks.push(input.slice(start..end));
        start = end;
    }
    chunks
}

/// I53, I59, F50.
#[test]
fn every_cut_gives_the_same_digest() {
    let input = Bytes::from(pattern(1100));
    for &algorithm in Algorithm::ALL {
        let whole = algorithm.digest(&input);
        for place in 0..=input.len() {
            assert_eq!(
                tapped(algorithm, &cut(&input, &[place])),
                whole,
                "{algorithm}, cut at {place}"
            );
        }
        let bytes: Vec<usize> = (0..input.len()).collect();
        assert_eq!(tapped(algorithm, &cut(&input, &bytes)), whole, "{algorithm}, byte by byte");
    }
}

/// I53, I59: three chunks, the edges of a block of 64 bytes among them; with empty chunks between.
#[test]
fn every_two_cuts_give_the_same_digest() {
    let input = Bytes::from(pattern(130));
    for &algorithm in Algorithm::ALL {
        let whole = algorithm.digest(&input);
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let chunks = cut(&input, &[first, first, second, second]);
                assert_eq!(tapped(algorithm, &chunks), whole, "{algorithm}, {first} {second}");
            }
        }
    }
}

/// I53, I59: what is verified does not depend on the cuts either.
#[test]
fn every_cut_is_verified_alike() {
    let input = Bytes::from(pattern(300));
    for &algorithm in Algorithm::ALL {
        let right = algorithm.digest(&input);
        let mut wrong = right.as_bytes().to_vec();
        wrong[0] ^= 1;
        let wrong = Digest::from_bytes(algorithm, &wrong).unwrap();
        for place in 0..=input.len() {
            let chunks = cut(&input, &[place]);
            assert_eq!(drive(&mut Verify::new(right), &chunks).unwrap(), chunks);
            let error = drive(&mut Verify::new(wrong), &chunks).unwrap_err();
            assert!(error.is_corrupt(), "{algorithm}, cut at {place}");
        }
    }
}

proptest! {
    /// I53, I59: long inputs and many cuts.
    #[test]
    fn any_cuts_give_the_same_digest(
        length in 0..5000_usize,
        mut places in proptest::collection::vec(0..=5000_usize, 0..30),
    ) {
        let input = Bytes::from(pattern(length));
        places.iter_mut().for_each(|place| *place = (*place).min(length));
        places.sort_unstable();
        for &algorithm in Algorithm::ALL {
            prop_assert_eq!(tapped(algorithm, &cut(&input, &places)), algorithm.digest(&input));
        }
    }
}
