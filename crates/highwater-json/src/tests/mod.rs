//! The machines against serde_json on the whole input, however it is cut.
//!
//! No runtime: machines are driven by hand, or by the suite that every machine passes.

mod array;
mod bounds;
mod conformance;
mod corpus;
mod ndjson;
mod oracle;
mod write;

use std::sync::mpsc;

use bytes::Bytes;
use highwater_core::Transform;
use highwater_core::record::{Failed, OnFailure};
use highwater_test::{Cue, Outcome, drive};

/// What a machine makes of these chunks and the end.
fn run<M: Transform>(
    mut machine: M,
    chunks: impl IntoIterator<Item = M::Input>,
) -> Outcome<M::Output> {
    drive(&mut machine, chunks.into_iter().map(Cue::Chunk))
}

/// The same of a text, in one chunk.
fn run_text<M: Transform<Input = Bytes>>(machine: M, text: impl AsRef<[u8]>) -> Outcome<M::Output> {
    run(machine, [Bytes::copy_from_slice(text.as_ref())])
}

/// A policy, and where its dead letters come out.
fn dead_letters() -> (OnFailure<Bytes>, mpsc::Receiver<Failed<Bytes>>) {
    let (letters, dead) = mpsc::channel();
    (OnFailure::handle(move |bad| Ok(letters.send(bad)?)), dead)
}
