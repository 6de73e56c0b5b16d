//! The machines against published vectors and against digests that OpenSSL, zlib and the reference implementations gave.
//!
//! No runtime: a machine is driven by [`drive`], which keeps to the protocol of `Transform`. In the suite of the project
//! they are beside coreutils, with files.

mod splits;
mod taps;
mod text;
mod vectors;

use bytes::Bytes;
use highwater_core::{Result, Transform};

use crate::{Algorithm, Digest, Hash};

/// What a machine gives for these chunks.
fn drive<M: Transform<Input = Bytes>>(machine: &mut M, chunks: &[Bytes]) -> Result<Vec<M::Output>> {
    let mut outputs = Vec::new();
    for chunk in chunks {
        outputs.extend(machine.write(chunk.clone())?);
        while let Some(output) = machine.read()? {
            outputs.push(output);
        }
    }
    machine.end()?;
    while let Some(output) = machine.read()? {
        outputs.push(output);
    }
    Ok(outputs)
}

/// The digest that the tap delivers for these chunks.
fn tapped(algorithm: Algorithm, chunks: &[Bytes]) -> Digest {
    let mut hash = Hash::new();
    let mut digest = hash.digest(algorithm);
    drive(&mut hash, chunks).unwrap();
    digest.try_get().expect("the stream has ended").unwrap()
}

/// So many bytes, 0 to 250 again and again: the input of BLAKE3's own vectors.
fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
