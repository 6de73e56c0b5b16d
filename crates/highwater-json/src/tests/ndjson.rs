//! `Ndjson`: I53, F72 to F77, C47, C48, C55.

use std::fmt::Debug;

use bytes::Bytes;
use highwater_core::record::OnFailure;
use highwater_core::{Error, Readable};
use highwater_test::{Seed, cuts};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::oracle::{self, Bad, Expected};
use super::{dead_letters, run, run_text};
use crate::{JsonArray, JsonExt, Ndjson};

/// The machine with each policy gives what the oracle says.
fn check<T>(input: &[u8], chunks: &[Bytes], max: usize)
where
    T: DeserializeOwned + PartialEq + Debug,
{
    let expected = oracle::ndjson::<T>(input, max);
    let strict = run(Ndjson::<T>::new().with_max_length(max), chunks.iter().cloned());
    let good =
        expected.iter().map_while(|e| if let Expected::Good(v) = e { Some(v) } else { None });
    assert!(strict.outputs.iter().eq(good), "{chunks:?}");
    let first_wrong = expected.iter().find(|e| !matches!(e, Expected::Good(_)));
    assert_failed(strict.error.as_ref(), first_wrong, chunks);

    let (policy, dead) = dead_letters();
    for policy in [OnFailure::Skip, policy] {
        let machine = Ndjson::<T>::new().with_max_length(max).on_failure(policy);
        let counts = machine.counts();
        let lenient = run(machine, chunks.iter().cloned());
        let good =
            expected.iter().filter_map(|e| if let Expected::Good(v) = e { Some(v) } else { None });
        assert!(lenient.outputs.iter().eq(good), "{chunks:?}");
        let open = expected.iter().find(|e| matches!(e, Expected::CutShort(..)));
        assert_failed(lenient.error.as_ref(), open, chunks);
        let bad = expected.iter().filter(|e| matches!(e, Expected::Bad(_))).count() as u64;
        assert_eq!((counts.succeeded(), counts.failed()), (lenient.outputs.len() as u64, bad));
    }
    let letters: Vec<_> = dead.try_iter().map(|letter| Expected::Bad(Bad::of(&letter))).collect();
    assert!(expected.iter().filter(|e| matches!(e, Expected::Bad(_))).eq(&letters), "{chunks:?}");
}

fn assert_failed<T: Debug>(
    error: Option<&Error>,
    expected: Option<&Expected<T>>,
    chunks: &[Bytes],
) {
    let right = match (error, expected) {
        (None, None) => true,
        (Some(error), Some(Expected::Bad(bad))) => bad.is(error),
        (Some(error), Some(&Expected::CutShort(line, offset))) => {
            error.is_truncated() && (error.line(), error.offset()) == (Some(line), Some(offset))
        }
        _ => false,
    };
    assert!(right, "{error:?} where {expected:?} is expected, {chunks:?}");
}

/// Records and what goes wrong with them.
const INPUTS: &[&str] = &[
    "",
    "1",
    "1\n2\r\n3",
    "\n\n \t\r\n1\n\n",
    "{\"a\":1}\n{\"a\":\n{\"a\":3}\n",
    "[1]\nnope\n[2]\n[3",
    "\"a\nb\"\n\"c\"\n",
    "1\n\"half",
    "1\n{\"a\":tr",
    "tru",
    "1 2\n3\n",
    "\u{feff}1\n\u{feff}2\n3\n",
    "\u{feff}",
    "\u{feff}\n[",
    "123456789\n12\n1234567890\r\n34\n",
    "12345678\r",
    "\"ä€😀\"\n\"\\ud800\"\n\"\\ud83d\\ude00\"\n",
];

/// I53, F74, F76: also the place of the error is the same for every way to cut.
#[test]
fn every_cut_gives_what_serde_json_gives_for_each_line() {
    for input in INPUTS {
        let bytes = Bytes::from_static(input.as_bytes());
        for cut in cuts(input.len(), Seed::fresh()) {
            for max in [0, 3, 8, 1 << 20] {
                check::<Value>(input.as_bytes(), &cut.chunks(&bytes), max);
            }
        }
    }
}

proptest! {
    /// I53 against serde_json: whatever the bytes, the records, the errors and their places.
    #[test]
    fn random_lines_and_cuts_give_what_serde_json_gives(
        tokens in proptest::collection::vec(prop::sample::select(TOKENS), 0..40),
        mut places in proptest::collection::vec(0..200_usize, 0..8),
        max in prop::sample::select(&[4, 12, 1 << 20][..]),
    ) {
        let input = tokens.concat();
        places.iter_mut().for_each(|place| *place = (*place).min(input.len()));
        places.sort_unstable();
        let chunks = highwater_test::Cut::at(places).chunks(&Bytes::copy_from_slice(input.as_bytes()));
        check::<Value>(input.as_bytes(), &chunks, max);
        check::<Vec<u8>>(input.as_bytes(), &chunks, max);
    }
}

const TOKENS: &[&str] = &[
    "\n",
    "\n",
    "\r\n",
    "[1]",
    "[1,2]\n",
    "{\"a\":[null]}\n",
    "\"x\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "1",
    "-0",
    "1e5",
    "tru",
    "true",
    "null",
    " ",
    "\\",
    "\"",
    "ä",
    "\u{feff}",
    "300",
];

/// Also in what the type leaves out, and with the place of the first wrong byte.
#[test]
fn a_record_is_utf8() {
    let outcome = run_text(Ndjson::<Point>::new(), b"{\"x\":1}\n{\"x\":2,\"z\":\"\xff\"}\n");
    assert_eq!(outcome.outputs.len(), 1);
    let text = "not valid UTF-8, column 13 (line 2, byte 20)";
    assert_eq!(outcome.error.unwrap().to_string(), text);
    let outcome = run_text(JsonArray::<Value>::new(), b"[1,\n[\n2,\n \"\xc3\"]]");
    let text = "element 1: not valid UTF-8 (line 4, byte 11)";
    assert_eq!(outcome.error.unwrap().to_string(), text);
    // Half a character at the end is cut short, not wrong.
    let outcome = run_text(Ndjson::<Value>::new(), b"\"\xc3");
    assert!(outcome.error.unwrap().is_truncated());
}

/// C55: one bad record among good ones costs that record, and the counts are exact.
#[test]
fn one_bad_record_does_not_cost_the_others() {
    let mut input: Vec<String> = (0..1000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    input[500] = "{\"n\":500\n".into();
    let machine = Ndjson::<Value>::new().on_failure(OnFailure::Skip);
    let counts = machine.counts();
    let outcome = run_text(machine, input.concat());
    assert!(outcome.error.is_none());
    let numbers: Vec<_> = outcome.outputs.iter().map(|v| v["n"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq((0..1000).filter(|&n| n != 500)));
    assert_eq!((counts.succeeded(), counts.failed()), (999, 1));
}

/// C47, C48: two bad lines and then good ones; a long line is one bad record, however it is cut.
#[test]
fn good_records_behind_two_bad_ones_arrive_and_a_long_line_is_one_bad_record() {
    let long = "x".repeat(5000);
    let input = format!("{long}\n{long}\n\u{1}\n1\n2");
    for size in [1, 7, 4096, input.len()] {
        let machine = Ndjson::<u8>::new().with_max_length(100).on_failure(OnFailure::Skip);
        let counts = machine.counts();
        let outcome = run(machine, input.as_bytes().chunks(size).map(Bytes::copy_from_slice));
        assert_eq!((outcome.outputs, counts.failed()), (vec![1, 2], 3));
        assert!(outcome.error.is_none());
    }
}

/// F74: the letter has the record, its place, and what is wrong with it where.
#[test]
fn a_dead_letter_says_everything() {
    let (policy, dead) = dead_letters();
    let machine = Ndjson::<Value>::new().on_failure(policy);
    run_text(machine, "\u{feff}[1]\n\n[2, oops]\r\n[3]\n");
    let letter = dead.recv().unwrap();
    assert_eq!((&letter.item()[..], letter.offset()), (&b"[2, oops]"[..], Some(8)));
    assert_eq!((letter.index(), letter.is_cut()), (Some(1), false), "a blank line is no record");
    let text = "expected value, column 5 (in ndjson, line 3, byte 12)";
    assert_eq!(letter.error().to_string(), text);
}

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    x: i32,
    #[serde(default)]
    y: i32,
}

/// The type refuses: bad values, missing and doubled fields, and a `Deserialize` that says no without a place.
#[test]
fn a_record_that_does_not_fit_the_type_says_why_and_where() {
    let error = |text| run_text(Ndjson::<Point>::new(), text).error.unwrap().to_string();
    let wrong = "invalid type: string \"a\", expected i32, column 8 (line 1, byte 7)";
    assert_eq!(error("{\"x\":\"a\"}\n"), wrong);
    assert_eq!(error("{}\n"), "missing field `x`, column 2 (line 1, byte 1)");
    // serde_json says where it stood: behind the second name.
    assert_eq!(error("{\"x\":1,\"x\":2}"), "duplicate field `x`, column 10 (line 1, byte 9)");
    assert_eq!(error("\n{\"x\":3000000000}\n").find("invalid value"), Some(0));

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "u32")]
    struct Even;
    impl TryFrom<u32> for Even {
        type Error = String;
        fn try_from(n: u32) -> Result<Self, String> {
            if n % 2 == 0 { Ok(Self) } else { Err(format!("{n} is odd")) }
        }
    }
    let outcome = run_text(Ndjson::<Even>::new(), "2\n3\n");
    assert_eq!(outcome.outputs.len(), 1);
    assert_eq!(outcome.error.unwrap().to_string(), "3 is odd (line 2, byte 2)");
}

/// F77: a raw newline in a string costs the two lines that it makes, and no other.
#[test]
fn a_raw_newline_in_a_string_costs_its_lines_only() {
    let (policy, dead) = dead_letters();
    let input = "{\"a\":1}\n{\"a\":\"x\ny\"}\n{\"a\":2}\n";
    let outcome = run_text(Ndjson::<Value>::new().on_failure(policy), input);
    assert_eq!(outcome.outputs, [json!({"a": 1}), json!({"a": 2})]);
    assert!(outcome.error.is_none());
    let letters: Vec<_> = dead.try_iter().collect();
    assert_eq!(letters[0].item(), "{\"a\":\"x");
    let text = "the record ends while parsing a string, column 7 (in ndjson, line 2, byte 14)";
    assert_eq!(letters[0].error().to_string(), text);
    assert_eq!((letters[1].item(), letters.len()), (&Bytes::from("y\"}"), 2));
}

/// F76: every place at which the last record can be cut is an error, with every policy.
#[test]
fn a_cut_last_record_is_never_dropped_in_silence() {
    let input = "{\"a\":[true,\"\\u00e4\",-1.5e3],\"b\":{}}";
    for policy in [OnFailure::Fail, OnFailure::Skip, dead_letters().0] {
        let machine = Ndjson::<Value>::new().on_failure(policy);
        assert_eq!(run_text(machine, input).outputs.len(), 1, "whole, without a newline");
    }
    for end in 1..input.len() {
        for policy in [OnFailure::Fail, OnFailure::Skip, dead_letters().0] {
            let machine = Ndjson::<Value>::new().on_failure(policy);
            let counts = machine.counts();
            let outcome = run_text(machine, format!("1\n{}", &input[..end]));
            assert_eq!((outcome.outputs, counts.succeeded()), (vec![json!(1)], 1));
            let error = outcome.error.expect("cut short");
            assert!(error.is_truncated(), "{error}");
            assert_eq!((error.line(), error.offset()), (Some(2), Some(2 + end as u64)));
        }
    }
}

/// F76: the type refuses the record before its end is reached; it is cut short all the same.
#[test]
fn a_cut_last_record_is_cut_also_where_the_type_refuses_it() {
    let machine = Ndjson::<Point>::new().on_failure(OnFailure::Skip);
    let outcome = run_text(machine, "{\"x\":1}\n{\"x\":\"a\",\"y");
    assert!(outcome.error.unwrap().is_truncated());
    // And one that is whole is only bad.
    let machine = Ndjson::<Point>::new().on_failure(OnFailure::Skip);
    assert!(run_text(machine, "{\"x\":1}\n{\"x\":\"a\"}").error.is_none());
}

/// The whole way, with the name of the stage and the chunk.
#[tokio::test(flavor = "current_thread")]
async fn in_a_pipeline_the_error_comes_behind_the_records_before_it() {
    let chunks = ["[1]\n[", "2]\n[x]\n[3]\n"].map(Bytes::from);
    let mut records = Readable::from_iter(chunks).ndjson::<Vec<u8>>();
    assert_eq!(records.next().await.unwrap().unwrap(), [1]);
    assert_eq!(records.next().await.unwrap().unwrap(), [2]);
    let error = records.next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "expected value, column 2 (in ndjson, line 3, byte 9, chunk 1)");
    assert!(records.next().await.is_none());
}

/// F36: at an error of the source, the start of a record is no record and no bad one.
#[tokio::test(flavor = "current_thread")]
async fn an_error_of_the_source_passes_and_half_a_record_is_forgotten() {
    let chunk = |n| if n == 0 { Ok(Bytes::from("1\n[2")) } else { Err(Error::aborted()) };
    let mut records = Readable::from_iter(0..2).try_map(chunk).ndjson::<Value>();
    assert_eq!(records.next().await.unwrap().unwrap(), json!(1));
    let error = records.next().await.unwrap().unwrap_err();
    assert!(error.is_aborted() && error.suppressed().is_empty());
}
