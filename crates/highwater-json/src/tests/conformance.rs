//! The machines pass the suite that every machine passes: I27, I33, I38, I53, I56, F36.

use bytes::Bytes;
use highwater_core::record::OnFailure;
use highwater_core::{Error, Result, Transform};
use highwater_test::{Case, conformance, conformance_bytes};

use crate::{JsonArray, Ndjson, ToJsonArray, ToNdjson};

#[test]
fn ndjson() {
    conformance_bytes(
        Ndjson::<Vec<u8>>::new,
        [
            Case::bytes(""),
            Case::bytes("\u{feff}[1]\n\n[2,3]\r\n[4]").gives([vec![1], vec![2, 3], vec![4]]),
            Case::bytes("[1]\n[x]\n[2]\n").gives([[1]]).fails(Error::is_corrupt),
            Case::bytes("[1]\n[2").gives([[1]]).fails(Error::is_truncated),
        ],
    );
}

#[test]
fn ndjson_that_goes_on() {
    conformance_bytes(
        || Ndjson::<Vec<u8>>::new().with_max_length(8).on_failure(OnFailure::Skip),
        [
            Case::bytes("[1]\n[x]\n[1,2,3,4,5]\n[2]\n").gives([[1], [2]]),
            Case::bytes("{\n[1]\n[2").gives([[1]]).fails(Error::is_truncated),
        ],
    );
}

#[test]
fn json_array() {
    conformance_bytes(
        JsonArray::<Vec<u8>>::new,
        [
            Case::bytes("").fails(Error::is_truncated),
            Case::bytes(" [ ] "),
            Case::bytes("\u{feff}[[1], [2,3]\n]\n").gives([vec![1], vec![2, 3]]),
            Case::bytes("[[1],\n\"]\",[2]]").gives([[1]]).fails(Error::is_corrupt),
            Case::bytes("[[1]] 2").gives([[1]]).fails(Error::is_corrupt),
            Case::bytes("[[1],[2]")
                .with_name("nobody knows whether it ends there")
                .gives([[1]])
                .fails(Error::is_truncated),
        ],
    );
}

#[test]
fn json_array_that_goes_on() {
    conformance_bytes(
        || JsonArray::<Vec<u8>>::new().with_max_length(8).on_failure(OnFailure::Skip),
        [
            Case::bytes("[[1],\"\\\"]\",[1,2,3,4,5],\n,[2]]").gives([[1], [2]]),
            Case::bytes("[[1],[1,2,3,4,5").gives([[1]]).fails(Error::is_truncated),
        ],
    );
}

/// What is gathered is released.
#[test]
fn to_ndjson() {
    let lines = |taken: usize, given: &[Bytes]| given.concat() == b"1\n2\n3\n"[..2 * taken];
    conformance(
        || Patient(ToNdjson::new()),
        [Case::new([]), Case::new([1, 2, 3]).gives(["1\n2\n3\n"]).releases_where(lines)],
    );
}

#[test]
fn to_json_array() {
    let open = |taken: usize, given: &[Bytes]| given.concat() == b"[1,2,3"[..2 * taken];
    conformance(
        || Patient(ToJsonArray::new()),
        [Case::new([]).gives(["[]"]), Case::new([1, 2, 3]).gives(["[1,2,3]"]).releases_where(open)],
    );
}

/// A machine that does not mind whether its source is idle: the suite wants the same however the source waits.
struct Patient<M>(M);

impl<M: Transform> Transform for Patient<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn write(&mut self, chunk: M::Input) -> Result<Option<M::Output>> {
        self.0.write(chunk)
    }

    fn read(&mut self) -> Result<Option<M::Output>> {
        self.0.read()
    }

    fn end(&mut self) -> Result<()> {
        self.0.end()
    }

    fn release(&mut self) -> Result<()> {
        self.0.release()
    }
}
