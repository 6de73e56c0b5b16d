//! The machines against plain functions over the whole input, for every way to cut it (I53).
//!
//! No runtime: a machine is driven by hand. [`conformance`] is the suite that every machine passes.

mod base64;
mod binary;
#[cfg(feature = "charsets")]
mod charset;
mod conformance;
mod frames;
mod hex;
mod text;
mod utf8;

use bytes::Bytes;
use highwater_core::{Error, Transform};
use highwater_test::{Cue, Cut, Seed, cuts};
use proptest::prelude::*;

/// What a machine gives for these chunks, and the error behind it.
fn drive<M: Transform>(
    machine: &mut M,
    chunks: impl IntoIterator<Item = M::Input>,
) -> (Vec<M::Output>, Option<Error>) {
    let outcome = highwater_test::drive(machine, chunks.into_iter().map(Cue::Chunk));
    (outcome.outputs, outcome.error)
}

/// An error in short: what it is, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Corrupt(u64),
    Truncated(u64),
    Limit(u64),
}

impl Failure {
    fn of(error: &Error) -> Self {
        let offset = error.offset().expect("every error of these machines has its offset");
        match error {
            error if error.is_corrupt() => Self::Corrupt(offset),
            error if error.is_truncated() => Self::Truncated(offset),
            error if error.is_limit() => Self::Limit(offset),
            error => panic!("{error}"),
        }
    }
}

/// All the bytes that a machine gives, and its failure. No output is empty.
fn run<M: Transform>(
    mut machine: M,
    chunks: impl IntoIterator<Item = M::Input>,
) -> (Vec<u8>, Option<Failure>)
where
    M::Output: AsRef<[u8]>,
{
    let (outputs, error) = drive(&mut machine, chunks);
    let outputs: Vec<&[u8]> = outputs.iter().map(AsRef::as_ref).collect();
    assert!(outputs.iter().all(|output| !output.is_empty()), "an empty output");
    (outputs.concat(), error.map(|error| Failure::of(&error)))
}

/// The bytes cut at these places, which ascend.
fn cut(input: &[u8], places: &[usize]) -> Vec<Bytes> {
    Cut::at(places).chunks(&Bytes::copy_from_slice(input))
}

/// The input as it is, and cut in every way that finds mistakes.
fn all_cuts(input: &[u8]) -> impl Iterator<Item = Vec<Bytes>> {
    let input = Bytes::copy_from_slice(input);
    cuts(input.len(), Seed::fresh()).map(move |cut| cut.chunks(&input))
}

/// Bytes, and a random way to cut them.
fn cuts_of(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = (Vec<u8>, Vec<Bytes>)> {
    let places = proptest::collection::vec(any::<prop::sample::Index>(), 0..8);
    (bytes, places).prop_map(|(input, places)| {
        let mut places: Vec<usize> =
            places.iter().map(|place| place.index(input.len() + 1)).collect();
        places.sort_unstable();
        let chunks = cut(&input, &places);
        (input, chunks)
    })
}

/// A chunk is let go of as soon as nothing of it is to come.
fn keeps_no_chunk<M: Transform<Input = Bytes>>(mut machine: M, input: &[u8]) {
    let chunk = Bytes::copy_from_slice(input);
    let mut output = machine.write(chunk.clone()).expect("right input");
    while let Some(given) = output {
        drop(given);
        output = machine.read().expect("right input");
    }
    assert!(chunk.is_unique(), "{} keeps its chunk", machine.name());
}
