//! `ToNdjson` and `ToJsonArray`.

use std::collections::BTreeMap;

use bytes::Bytes;
use highwater_core::{Error, Readable, Transform};
use highwater_test::{Cue, Log, Script};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::run;
use crate::{JsonArray, JsonExt, Ndjson, ToJsonArray, ToNdjson};

/// Texts with everything that has to be escaped, and numbers.
fn records() -> impl Strategy<Value = Vec<(String, i64)>> {
    proptest::collection::vec((any::<String>(), any::<i64>()), 0..20)
}

proptest! {
    /// F75: what is written is what serde_json writes, and is read back as it was.
    #[test]
    fn what_is_written_is_read_back(records in records()) {
        let lines = run(ToNdjson::new(), records.clone()).outputs;
        let expected: String = records.iter().map(|r| serde_json::to_string(r).unwrap() + "\n").collect();
        prop_assert_eq!(lines.concat(), expected.as_bytes());
        prop_assert_eq!(run(Ndjson::<(String, i64)>::new(), lines).outputs, records.clone());

        let array = run(ToJsonArray::new(), records.clone()).outputs;
        prop_assert_eq!(array.concat(), serde_json::to_vec(&records).unwrap());
        prop_assert_eq!(run(JsonArray::<(String, i64)>::new(), array).outputs, records);
    }
}

#[test]
fn records_are_put_together_in_chunks() {
    let records = vec!["x".repeat(100); 10_000];
    for chunks in [run(ToNdjson::new(), records.clone()), run(ToJsonArray::new(), records)] {
        let sizes: Vec<_> = chunks.outputs.iter().map(Bytes::len).collect();
        assert_eq!(sizes.len(), 1_030_000 / (64 * 1024) + 1);
        assert!(sizes.iter().rev().skip(1).all(|size| (64 * 1024..64 * 1024 + 103).contains(size)));
    }
}

#[test]
fn nothing_is_no_line_and_an_empty_array() {
    assert!(run(ToNdjson::<u8>::new(), []).outputs.is_empty());
    assert_eq!(run(ToJsonArray::<u8>::new(), []).outputs, ["[]"]);
}

/// A map whose key is a map cannot be JSON.
fn unwritable() -> BTreeMap<BTreeMap<u8, u8>, u8> {
    BTreeMap::from([(BTreeMap::new(), 1)])
}

/// What is half written is taken back, what was written before comes before the error.
#[test]
fn a_value_that_cannot_be_written_is_an_error_behind_those_before_it() {
    let records = || [BTreeMap::new(), BTreeMap::new(), unwritable(), BTreeMap::new()];
    let lines = run(ToNdjson::new(), records());
    assert_eq!(lines.outputs, ["{}\n{}\n"]);
    assert_eq!(lines.error.unwrap().to_string(), "key must be a string");
    let array = run(ToJsonArray::new(), records());
    assert_eq!((array.outputs.concat(), array.error.is_some()), (b"[{},{}".to_vec(), true));
    assert_eq!(array.taken, 3);
}

/// After an error of the source the lines are there, and the array is not closed.
#[tokio::test(flavor = "current_thread")]
async fn at_an_error_of_the_source_what_is_held_is_given() {
    let source =
        || Readable::from_iter(0..3).try_map(|n| if n < 2 { Ok(n) } else { Err(Error::aborted()) });
    let mut lines = source().to_ndjson();
    assert_eq!(lines.next().await.unwrap().unwrap(), "0\n1\n");
    assert!(lines.next().await.unwrap().unwrap_err().is_aborted());
    let mut array = source().to_json_array();
    assert_eq!(array.next().await.unwrap().unwrap(), "[0,1");
    assert!(array.next().await.unwrap().unwrap_err().is_aborted());
}

/// C44: somebody may wait for a record of a live stream, so it does not wait for 64 KiB of others.
#[tokio::test(flavor = "current_thread")]
async fn what_is_gathered_goes_out_when_the_source_is_idle() {
    let live = || {
        let cues = [Cue::Chunk(1), Cue::Chunk(2), Cue::Pending, Cue::Chunk(3), Cue::Pending];
        Script::new(&Log::default(), cues).readable()
    };
    assert_eq!(live().to_ndjson().to_vec().await.unwrap(), ["1\n2\n", "3\n"]);
    assert_eq!(live().to_json_array().to_vec().await.unwrap(), ["[1,2", ",3", "]"]);
}

#[test]
fn an_array_goes_on_after_a_release() {
    let mut machine = ToJsonArray::new();
    assert!(machine.write(1).unwrap().is_none());
    machine.release().unwrap();
    assert_eq!(machine.read().unwrap().unwrap(), "[1");
    assert!(machine.write(2).unwrap().is_none());
    machine.end().unwrap();
    assert_eq!(machine.read().unwrap().unwrap(), ",2]");
}

/// A raw value is written as it was read, newlines between its tokens as well: they must not end the line.
#[test]
fn a_raw_value_over_several_lines_is_one_line() {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let records = [raw("{\n  \"a\":\r\n\"x\\n\"\n}"), raw("2")];
    let lines = run(ToNdjson::new(), records).outputs.concat();
    assert_eq!(lines, b"{   \"a\":\r \"x\\n\" }\n2\n");
    let values = run(Ndjson::<Value>::new(), [Bytes::from(lines)]).outputs;
    assert_eq!(values[0]["a"], "x\n");
}

/// As documented.
#[test]
fn a_float_that_is_no_number_is_written_as_null() {
    let floats = [f64::NAN, f64::INFINITY, -0.0, 1.5];
    assert_eq!(run(ToNdjson::new(), floats).outputs, ["null\nnull\n-0.0\n1.5\n"]);
}
