//! `JsonArray`: I53, F72 to F75, C47, C48, C55.

use std::fmt;
use std::sync::mpsc;

use bytes::Bytes;
use highwater_core::Readable;
use highwater_core::record::OnFailure;
use proptest::prelude::*;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Value, json};

use super::{dead_letters, run, run_text};
use crate::{JsonArray, JsonExt};

/// The elements that serde_json reads before it is at the end or at an error, and whether there was one.
fn oracle(input: &[u8]) -> (Vec<Value>, bool) {
    struct Each<'a>(&'a mut Vec<Value>);
    impl<'de> Visitor<'de> for Each<'_> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            while let Some(value) = seq.next_element()? {
                self.0.push(value);
            }
            Ok(())
        }
    }
    impl<'de> DeserializeSeed<'de> for Each<'_> {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_seq(self)
        }
    }
    let mut elements = Vec::new();
    let mut parser = serde_json::Deserializer::from_slice(input);
    let whole = Each(&mut elements).deserialize(&mut parser).and_then(|()| parser.end());
    (elements, whole.is_ok())
}

/// What serde_json accepts is given whole; what it refuses is refused, behind nothing that it would not have given.
fn check(input: &[u8], chunks: &[Bytes]) {
    let (elements, whole) = oracle(input);
    let outcome = run(JsonArray::<Value>::new(), chunks.iter().cloned());
    assert_eq!(outcome.error.is_none(), whole, "{chunks:?}: {:?}", outcome.error);
    if whole {
        assert_eq!(outcome.outputs, elements, "{chunks:?}");
    } else {
        assert!(elements.starts_with(&outcome.outputs), "{chunks:?}: {:?}", outcome.outputs);
    }
}

proptest! {
    /// I53 against serde_json on the whole.
    #[test]
    fn random_arrays_and_cuts_give_what_serde_json_gives(
        tokens in proptest::collection::vec(prop::sample::select(TOKENS), 0..30),
        open in any::<bool>(),
        mut places in proptest::collection::vec(0..200_usize, 0..8),
    ) {
        let inner = tokens.concat();
        let input = if open { inner } else { format!(" [{inner}] ") };
        places.iter_mut().for_each(|place| *place = (*place).min(input.len()));
        places.sort_unstable();
        let chunks = highwater_test::Cut::at(places).chunks(&Bytes::copy_from_slice(input.as_bytes()));
        check(input.as_bytes(), &chunks);
    }

    /// Whatever the values: written by serde_json, read element by element, in single bytes.
    #[test]
    fn any_array_is_read_back(values in proptest::collection::vec(json_value(), 0..6), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&values) } else { serde_json::to_vec(&values) };
        let text = text.unwrap();
        let bytes = text.chunks(1).map(Bytes::copy_from_slice);
        let outcome = run(JsonArray::<Value>::new(), bytes);
        prop_assert!(outcome.error.is_none());
        prop_assert_eq!(outcome.outputs, values);
    }
}

const TOKENS: &[&str] = &[
    ",",
    ",",
    "1",
    "[2]",
    "{\"a\":[3]}",
    "\"x,]\"",
    "\"\\\"]\"",
    "\"\\\\\"",
    "[",
    "]",
    "{",
    "}",
    ":",
    " ",
    "\n",
    "\"",
    "\\",
    "tru",
    "true",
    "-1.5e3",
    "ä",
];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~ä😀\\\\\"\n\u{1}]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("[a-z\"]{0,3}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The message and the place of what is wrong.
#[test]
fn an_error_says_which_element_and_where() {
    let error = |text: &str| run_text(JsonArray::<u8>::new(), text).error.unwrap().to_string();
    assert_eq!(error("[1,\n 2,\n x]"), "element 2: expected value (line 3, byte 9)");
    assert_eq!(error("[1,2,]"), "element 2: is missing (line 1, byte 5)");
    assert_eq!(error("[,1]"), "element 0: is missing (line 1, byte 1)");
    assert_eq!(error("[1 2]"), "element 0: trailing characters (line 1, byte 3)");
    assert_eq!(error("[[\n\n7,\n1] ]").find("element 0: invalid type: sequence"), Some(0));
    assert_eq!(error("{\"a\":1}"), "expected an array, `[` (line 1, byte 0)");
    assert_eq!(error("\n\n7"), "expected an array, `[` (line 3, byte 2)");
    assert_eq!(error("[1]\n[2]"), "something stands behind the array (line 2, byte 4)");
    assert_eq!(error("[1]]"), "something stands behind the array (line 1, byte 3)");
    assert_eq!(error(""), "the input ends before the array (byte 0)");
    assert_eq!(error("[1, "), "the input ends inside the array (byte 4)");
    assert_eq!(error("[[1, 2]"), "the input ends inside the array (byte 7)");
    assert_eq!(error("[tru]"), "element 0: the record ends while parsing a value (line 1, byte 3)");
}

/// Lines inside of an element count for the error in it and for those behind it.
#[test]
fn lines_are_counted_inside_of_elements_as_well() {
    let input = "[{\"a\":\n\n1}, {\"a\":\n x}\n, \"a\nb\",\n\n oops]";
    let (policy, dead) = dead_letters();
    let outcome = run_text(JsonArray::<Value>::new().on_failure(policy), input);
    assert_eq!(outcome.outputs, [json!({"a": 1})]);
    let bad: Vec<_> =
        dead.try_iter().map(|l| (l.error().line().unwrap(), l.error().offset().unwrap())).collect();
    let at = |text: &str| input.find(text).unwrap() as u64;
    // The newline in the string is in its line; serde_json stands behind it when it says so.
    assert_eq!(bad[0], (4, at("x}")));
    assert_eq!(bad[1].0, 6);
    assert_eq!(bad[2], (8, at("oops")));
}

/// Every place at which the array can be cut is an error, with every policy.
#[test]
fn no_end_inside_the_array() {
    let input = "\u{feff} [ 1 , [2], \"]\\\"\" ,{\"a\":[]} ] ";
    let whole = input.rfind(']').unwrap() + 1;
    for end in (0..=input.len()).filter(|end| input.is_char_boundary(*end)) {
        for policy in [OnFailure::Fail, OnFailure::Skip] {
            let machine = JsonArray::<Value>::new().on_failure(policy);
            let outcome = run_text(machine, &input[..end]);
            match outcome.error {
                None => assert!(end >= whole && outcome.outputs.len() == 4),
                Some(error) => {
                    assert!(error.is_truncated() && end < whole);
                    assert_eq!(error.offset(), Some(end as u64));
                }
            }
        }
    }
}

/// A byte order mark may stand at the start, whole, and nowhere else.
#[test]
fn a_byte_order_mark_is_passed_over_only_at_the_start() {
    let run = |text: &[u8]| run_text(JsonArray::<u8>::new(), text);
    assert_eq!(run(b"\xEF\xBB\xBF[1]").outputs, [1]);
    for wrong in
        [&b"\xEF\xBB[1]"[..], b"\xEF[1]", b" \xEF\xBB\xBF[1]", b"\xEF\xBB\xBF\xEF\xBB\xBF[1]"]
    {
        assert!(run(wrong).error.unwrap().is_corrupt(), "{wrong:?}");
    }
    assert!(run(b"\xEF\xBB").error.unwrap().is_truncated());
}

/// C55, C47, C48: bad elements of all kinds among good ones.
#[test]
fn bad_elements_are_left_out_one_by_one() {
    let long = "9".repeat(5000);
    let input = format!("[1, x, {long}, [\"{long}\"], 2, , {{]}}, 3, \"four\", 5]");
    for size in [1, 7, 4096, input.len()] {
        let (policy, dead) = dead_letters();
        let machine = JsonArray::<u8>::new().with_max_length(100).on_failure(policy);
        let counts = machine.counts();
        let outcome = run(machine, input.as_bytes().chunks(size).map(Bytes::copy_from_slice));
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        assert_eq!(outcome.outputs, [1, 2, 3, 5]);
        assert_eq!((counts.succeeded(), counts.failed()), (4, 6));
        let letters: Vec<_> = dead.try_iter().collect();
        let indices: Vec<_> = letters.iter().map(|letter| letter.index().unwrap()).collect();
        assert_eq!(indices, [1, 2, 3, 5, 6, 8]);
        assert!(letters[1].is_cut() && letters[1].error().is_limit());
        assert_eq!(letters[1].item(), &long[..100]);
        assert_eq!(
            (letters[2].item(), letters[2].offset()),
            (&Bytes::from(format!("[\"{}", &long[..98])), Some(5009))
        );
        assert_eq!(letters[2].error().offset(), Some(5009));
        assert!(!letters[5].is_cut() && letters[5].item() == "\"four\"");
    }
}

/// The maximum is exact, and an element that is an error anyway is not read to its end.
#[test]
fn an_element_of_the_maximum_passes_and_one_byte_more_is_an_error() {
    for (digits, good) in [(100, true), (101, false)] {
        let text = format!("[\n 1, \"{}\"]", "a".repeat(digits - 2));
        for size in [1, 1000] {
            let machine = JsonArray::<Value>::new().with_max_length(100);
            let outcome = run(machine, text.as_bytes().chunks(size).map(Bytes::copy_from_slice));
            assert_eq!(
                (outcome.outputs.len(), outcome.error.is_none()),
                (1 + usize::from(good), good)
            );
            if let Some(error) = outcome.error {
                let text = "element 1 is longer than 100 bytes (line 2, byte 6)";
                assert_eq!(error.to_string(), text);
            }
        }
    }
    let endless = std::iter::once(Bytes::from("[1, \""))
        .chain(std::iter::repeat(Bytes::from(vec![b'a'; 1 << 16])));
    let outcome = run(JsonArray::<Value>::new(), endless.take(1000));
    assert!(outcome.error.unwrap().is_limit());
    assert_eq!(outcome.taken, 17, "the first byte above 1 MiB is in this one");
}

/// The whole way, with the name of the stage and the chunk; and back.
#[tokio::test(flavor = "current_thread")]
async fn in_a_pipeline_the_error_comes_behind_the_elements_before_it() {
    let (letters, dead) = mpsc::channel();
    let chunks = || Readable::from_iter(["[1,2", "0,[x], 3", "]"].map(Bytes::from));
    let mut elements = chunks().json_array::<u8>();
    assert_eq!(elements.next().await.unwrap().unwrap(), 1);
    assert_eq!(elements.next().await.unwrap().unwrap(), 20);
    let error = elements.next().await.unwrap().unwrap_err();
    assert!(error.to_string().ends_with("(in json_array, line 1, byte 6, chunk 1)"), "{error}");
    let policy = OnFailure::handle(move |bad| Ok(letters.send(bad)?));
    let machine = JsonArray::<u8>::new().on_failure(policy);
    let text = chunks().pipe(machine).to_json_array().to_bytes().await.unwrap();
    assert_eq!(text, "[1,20,3]");
    assert_eq!(dead.recv().unwrap().item(), "[x]");
}
