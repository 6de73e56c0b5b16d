//! What the targets share: bytes that are cut anywhere, and a machine that is driven by hand.

use bytes::Bytes;
use highwater_core::Transform;
use highwater_test::{Cue, Cut, drive};

/// Bytes, and where to cut them.
pub type Input = (Vec<u16>, Vec<u8>);

/// The bytes in the chunks that the fuzzer wants.
pub fn cut((places, bytes): &Input) -> Vec<Bytes> {
    let at = |place: &u16| usize::from(*place) % (bytes.len() + 1);
    let mut places: Vec<usize> = places.iter().take(MOST_CUTS).map(at).collect();
    places.sort_unstable();
    Cut::at(places).chunks(&Bytes::copy_from_slice(bytes))
}

/// What a machine gives, and its error: what it says, and at which byte.
pub type Given<O> = (Vec<O>, Option<(String, Option<u64>)>);

/// Drives a machine to its end or its error.
pub fn run<M: Transform<Input = Bytes>>(mut machine: M, chunks: Vec<Bytes>) -> Given<M::Output> {
    let outcome = drive(&mut machine, Cue::chunks(chunks));
    (outcome.outputs, outcome.error.map(|error| (error.to_string(), error.offset())))
}

/// The same with its outputs put together.
pub fn joined<M: Transform<Input = Bytes>>(
    machine: M,
    chunks: Vec<Bytes>,
) -> (Vec<u8>, Option<(String, Option<u64>)>)
where
    M::Output: AsRef<[u8]>,
{
    let (outputs, error) = run(machine, chunks);
    (outputs.iter().flat_map(AsRef::as_ref).copied().collect(), error)
}

const MOST_CUTS: usize = 64;
