//! The machines against published vectors and against digests that OpenSSL, zlib and the reference implementations gave.
//!
//! No runtime is needed where a machine is driven by hand. In the suite of the project they are beside coreutils, with
//! files.

mod conformance;
mod splits;
mod taps;
mod text;
mod vectors;

use bytes::Bytes;
use highwater_test::{Cue, drive};

use crate::{Algorithm, Digest, Hash};

/// The digest that the tap delivers for these chunks.
fn tapped(algorithm: Algorithm, chunks: &[Bytes]) -> Digest {
    let mut hash = Hash::new();
    let mut digest = hash.digest(algorithm);
    let outcome = drive(&mut hash, chunks.iter().cloned().map(Cue::Chunk));
    assert!(outcome.error.is_none());
    digest.try_get().expect("the stream has ended").unwrap()
}

/// So many bytes, 0 to 250 again and again: the input of BLAKE3's own vectors.
fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
