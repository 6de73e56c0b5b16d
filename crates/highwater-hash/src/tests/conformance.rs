//! The machines pass the suite that every machine passes: I27, I33, I38, I53, I56, F36.

use highwater_core::Error;
use highwater_test::{Case, conformance_bytes};

use super::pattern;
use crate::{Algorithm, Digest, Hash, Verify};

#[test]
fn hash() {
    let make = || {
        let mut hash = Hash::new();
        for &algorithm in Algorithm::ALL {
            drop(hash.digest(algorithm));
        }
        hash
    };
    let long = pattern(300);
    conformance_bytes(
        make,
        [
            Case::bytes("").gives_joined(""),
            Case::bytes("some bytes").gives_joined("some bytes"),
            Case::bytes(&long).gives_joined(&long),
        ],
    );
}

/// I53, I59, F49: wherever the bytes are cut, the error comes at the end and nowhere else.
#[test]
fn verify() {
    for &algorithm in Algorithm::ALL {
        let input = pattern(70);
        let right = algorithm.digest(&input);
        let case = || Case::bytes(&input).gives_joined(&input);
        conformance_bytes(|| Verify::new(right), [case()]);
        let empty = Case::bytes("")
            .gives_joined("")
            .fails(Error::is_corrupt)
            .with_name("less than expected");
        conformance_bytes(|| Verify::new(right), [empty]);
        for byte in [0, algorithm.digest_len() - 1] {
            let mut wrong = right.as_bytes().to_vec();
            wrong[byte] ^= 1;
            let wrong = Digest::from_bytes(algorithm, &wrong).unwrap();
            conformance_bytes(|| Verify::new(wrong), [case().fails(Error::is_corrupt)]);
        }
    }
}
