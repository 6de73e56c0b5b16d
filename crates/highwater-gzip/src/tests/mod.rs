//! The machines without a runtime, driven as the protocol of `Transform` says, for every way to cut the same bytes.

mod conformance;
mod crafted;
mod formats;
mod gunzip;
mod gzip;
mod header;
mod large;
mod limits;
mod oracle;
mod parallel;

use bytes::Bytes;
use highwater_core::{Error, Result, Transform};

use crate::{Gunzip, Gzip};

/// What came of an input.
#[derive(Debug, PartialEq)]
struct Outcome {
    output: Vec<u8>,
    error: Option<Failure>,
}

/// What an error says.
#[derive(Debug, PartialEq)]
struct Failure {
    kind: Kind,
    offset: Option<u64>,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Corrupt,
    Truncated,
    Limit,
}

impl Outcome {
    /// Nothing was wrong with it.
    #[track_caller]
    fn whole(self) -> Vec<u8> {
        assert_eq!(self.error, None);
        self.output
    }

    /// What was given before the error, and the error's kind and offset.
    #[track_caller]
    fn failed(self) -> (Vec<u8>, Kind, u64) {
        let Failure { kind, offset, .. } = self.error.expect("an error");
        (self.output, kind, offset.expect("an offset"))
    }
}

impl Failure {
    fn of(error: &Error) -> Self {
        let kind = if error.is_corrupt() {
            Kind::Corrupt
        } else if error.is_truncated() {
            Kind::Truncated
        } else {
            assert!(error.is_limit(), "{error:?}");
            Kind::Limit
        };
        Self { kind, offset: error.offset(), text: error.to_string() }
    }
}

/// Drives a machine, and looks at each of its chunks.
fn drive<M: Transform<Input = Bytes, Output = Bytes>>(
    machine: &mut M,
    chunks: impl IntoIterator<Item = Bytes>,
    mut each: impl FnMut(Bytes),
) -> Result<()> {
    for chunk in chunks {
        let mut output = machine.write(chunk)?;
        while let Some(given) = output {
            assert!(!given.is_empty() && given.len() <= 64 * 1024, "{} bytes", given.len());
            each(given);
            output = machine.read()?;
        }
        if machine.is_done() {
            return Ok(());
        }
        assert!(machine.read()?.is_none(), "an output after none");
    }
    machine.end()?;
    while let Some(given) = machine.read()? {
        assert!(given.len() <= 64 * 1024);
        each(given);
    }
    assert!(machine.read()?.is_none(), "an output after the end");
    Ok(())
}

fn run<M: Transform<Input = Bytes, Output = Bytes>>(
    mut machine: M,
    chunks: impl IntoIterator<Item = Bytes>,
) -> Outcome {
    let mut output = Vec::new();
    let result = drive(&mut machine, chunks, |given| output.extend_from_slice(&given));
    Outcome { output, error: result.err().map(|error| Failure::of(&error)) }
}

/// Compresses a text that comes in one chunk.
fn pack(gzip: Gzip, text: impl Into<Bytes>) -> Vec<u8> {
    run(gzip, [text.into()]).whole()
}

/// Decompresses what comes in one chunk.
fn unpack(gunzip: Gunzip, bytes: &[u8]) -> Outcome {
    run(gunzip, [Bytes::copy_from_slice(bytes)])
}

/// The bytes in chunks of this size.
fn pieces(bytes: &[u8], size: usize) -> impl Iterator<Item = Bytes> {
    bytes.chunks(size).map(Bytes::copy_from_slice)
}

/// Decompresses in all ways to cut into two, in single bytes, and in single bytes with empty chunks between: the outcome
/// is always that of the whole (I53).
#[track_caller]
fn unpack_all_ways(gunzip: impl Fn() -> Gunzip, bytes: &[u8]) -> Outcome {
    let whole = unpack(gunzip(), bytes);
    for cut in 0..=bytes.len() {
        let (first, second) = bytes.split_at(cut);
        let halves = [first, second].map(Bytes::copy_from_slice);
        assert_eq!(run(gunzip(), halves), whole, "cut at {cut}");
    }
    assert_eq!(run(gunzip(), pieces(bytes, 1)), whole, "single bytes");
    let with_empty = pieces(bytes, 1).flat_map(|byte| [Bytes::new(), byte, Bytes::new()]);
    assert_eq!(run(gunzip(), with_empty), whole, "with empty chunks");
    whole
}

/// Numbers that look random and are the same every time (xorshift64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[3]).collect()
    }

    /// Text with repetitions, and now and then a byte that is none.
    fn text(&mut self, count: usize) -> Vec<u8> {
        const WORDS: [&[u8]; 8] =
            [b"alpha ", b"beta, ", b"gamma\n", b"x", b"1234567890", b"the ", b"\xff\0", b"e"];
        let mut text = Vec::with_capacity(count + 10);
        while text.len() < count {
            text.extend_from_slice(WORDS[usize::from(self.next().to_le_bytes()[2] & 7)]);
            if self.next() % 16 == 0 {
                text.push(self.next().to_le_bytes()[5]);
            }
        }
        text.truncate(count);
        text
    }
}

const SEED: u64 = 88_172_645_463_325_252;
