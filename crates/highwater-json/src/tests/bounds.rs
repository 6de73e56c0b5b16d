//! What is held, and what is not: F72, F73, I57.

use std::iter::repeat_with;
use std::sync::Arc;

use bytes::Bytes;
use highwater_core::Transform;
use highwater_core::record::OnFailure;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{run, run_text};
use crate::{JsonArray, Ndjson};

/// Runs it where the stack is small.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(SMALL_STACK).spawn(work).unwrap();
    thread.join().expect("no overflow, and no failure");
}

/// Room for the 127 levels that serde_json follows, in a build without optimizations.
const SMALL_STACK: usize = 512 * 1024;

/// F72: a million brackets are an error at the limit of serde_json.
#[test]
fn a_depth_bomb_is_a_limit_error() {
    for bracket in ["[", "{\"a\":"] {
        on_a_small_stack(move || {
            let bomb = bracket.repeat(1_000_000 / bracket.len());
            for text in [bomb.clone(), format!("{bomb}\n1\n")] {
                let error = run_text(Ndjson::<Value>::new(), &text).error.unwrap();
                assert!(error.is_limit(), "{error}");
                let text_of =
                    format!("recursion limit exceeded, column {}", 127 * bracket.len() + 1);
                assert!(error.to_string().starts_with(&text_of), "{error}");
            }
            let lenient = Ndjson::<Value>::new().on_failure(OnFailure::Skip);
            assert_eq!(run_text(lenient, format!("{bomb}\n1\n")).outputs, [1]);
        });
    }
}

/// F72 for an element: one that is closed is above the limit, one that is not is an array that does not end.
#[test]
fn a_depth_bomb_in_an_array_is_a_limit_error() {
    on_a_small_stack(|| {
        let (open, close) = ("[".repeat(500_000), "]".repeat(500_000));
        let closed = format!("[1, {open}{close}, 2]");
        let error = run_text(JsonArray::<Value>::new(), &closed).error.unwrap();
        assert!(error.is_limit() && error.offset() == Some(4 + 127), "{error}");
        let lenient = JsonArray::<Value>::new().on_failure(OnFailure::Skip);
        assert_eq!(run_text(lenient, closed).outputs, [1, 2]);
        let lenient = JsonArray::<Value>::new().on_failure(OnFailure::Skip);
        assert!(run_text(lenient, format!("[1, {open}")).error.unwrap().is_truncated());
    });
}

/// The limit is where the documentation says, and what is not built may be deeper.
#[test]
fn values_are_nested_up_to_127_levels() {
    let nested = |levels: usize| format!("{}{}\n", "[".repeat(levels), "]".repeat(levels));
    assert!(run_text(Ndjson::<Value>::new(), nested(127)).error.is_none());
    assert!(run_text(Ndjson::<Value>::new(), nested(128)).error.unwrap().is_limit());
    assert!(run_text(Ndjson::<IgnoredAny>::new(), nested(100_000)).error.is_none());
    let element = format!("[{}]", nested(127));
    assert!(run_text(JsonArray::<Value>::new(), element).error.is_none());
}

/// F73: a record without an end fails at the limit, or is dropped as it comes, and little is held.
#[test]
fn an_endless_record_is_bounded() {
    let chunk = Bytes::from(vec![b'7'; 1 << 16]);
    let endless = || repeat_with(|| chunk.clone()).take(1 << 10);
    let outcome = run(Ndjson::<Value>::new(), endless());
    assert!(outcome.error.unwrap().is_limit());
    assert_eq!(outcome.taken, 17, "the first byte above 1 MiB is in this one");

    let start = Bytes::from("1\n");
    let end = Bytes::from("\n2\n");
    let machine = Ndjson::<Value>::new().on_failure(OnFailure::Skip);
    let chunks = [start].into_iter().chain(endless()).chain([end]);
    assert_eq!(run(machine, chunks).outputs, [1, 2], "behind 64 MiB");

    let machine = JsonArray::<Value>::new().on_failure(OnFailure::Skip);
    let chunks = [Bytes::from("[1,")].into_iter().chain(endless()).chain([Bytes::from(",2]")]);
    assert_eq!(run(machine, chunks).outputs, [1, 2], "behind 64 MiB");
}

#[test]
fn the_default_maximum_is_a_mebibyte() {
    let record = |length: usize| format!("\"{}\"\r\n", "a".repeat(length - 2));
    for (length, good) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let outcome = run_text(Ndjson::<Value>::default(), record(length));
        assert_eq!((outcome.outputs.len(), outcome.error.is_none()), (usize::from(good), good));
        let outcome = run_text(Ndjson::<Value>::new().unlimited_length(), record(length));
        assert_eq!((outcome.outputs.len(), outcome.error.is_none()), (1, true));
        // In an array the white space behind a value belongs to its element.
        let outcome =
            run_text(JsonArray::<Value>::default(), format!("[{}]", record(length).trim()));
        assert_eq!((outcome.outputs.len(), outcome.error.is_none()), (usize::from(good), good));
        let outcome =
            run_text(JsonArray::<Value>::new().unlimited_length(), format!("[{}]", record(length)));
        assert_eq!((outcome.outputs.len(), outcome.error.is_none()), (1, true));
    }
}

#[test]
fn what_is_held_is_told() {
    assert!(Ndjson::<Value>::new().with_max_length(1000).max_bytes().unwrap() < 1000 + 16 * 1024);
    assert_eq!(JsonArray::<Value>::new().with_max_length(1000).max_bytes(), Some(2000));
    assert_eq!(Ndjson::<Value>::new().unlimited_length().max_bytes(), None);
    assert_eq!(JsonArray::<Value>::new().unlimited_length().max_bytes(), None);
}

/// Once a machine asks for the next chunk, it keeps nothing of the last: a pool gets its buffer back.
#[test]
fn a_chunk_is_given_back_before_the_next_is_asked_for() {
    struct Chunk(Vec<u8>, #[expect(dead_code, reason = "counted, not read")] Arc<()>);
    impl AsRef<[u8]> for Chunk {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    fn check(mut machine: impl Transform<Input = Bytes, Output = Value>, input: &str) {
        let alive = Arc::new(());
        let chunk = Bytes::from_owner(Chunk(input.into(), Arc::clone(&alive)));
        let mut output = machine.write(chunk).unwrap();
        while output.is_some() {
            output = machine.read().unwrap();
        }
        assert_eq!(Arc::strong_count(&alive), 1, "the chunk of {input:?} is kept");
    }
    for input in ["1\n2\n", "1\n[2", "[2", "\n", ""] {
        check(Ndjson::new(), input);
    }
    for input in ["[1, 2]", "[1, [2", "[", "", "[1,", "  "] {
        check(JsonArray::new(), input);
    }
}
