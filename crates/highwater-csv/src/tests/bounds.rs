//! What is held, and what is not: F73, I57.

use std::iter::{once, repeat_with};
use std::sync::Arc;

use bytes::Bytes;
use highwater_core::Transform;
use highwater_core::record::OnFailure;

use super::{run, run_text};
use crate::{Csv, Format, Record};

fn rows() -> Csv<Record> {
    Csv::with_format(Format::new().no_header().flexible())
}

/// F73: a row without an end fails at the limit, in quotes as well; or it is dropped as it comes.
#[test]
fn an_endless_row_is_bounded() {
    let chunk = Bytes::from("x,\n".repeat(1 << 15));
    let open = Bytes::from("1\n\"");
    let endless = || once(open.clone()).chain(repeat_with(|| chunk.clone()).take(1 << 9));
    let given = run(rows(), endless());
    assert!(given.error.unwrap().is_limit());
    assert_eq!(
        (given.outputs.len(), given.taken),
        (1, 12),
        "the first byte above 1 MiB is in this one"
    );

    let machine = rows().on_failure(OnFailure::Skip);
    let counts = machine.counts();
    let given = run(machine, endless().chain(once(Bytes::from("\"\n2\n"))));
    assert!(given.error.is_none());
    let rows: Vec<_> = given.outputs.iter().map(|row| row.text(0).unwrap()).collect();
    assert_eq!((rows, counts.failed()), (vec!["1", "2"], 1), "behind 48 MiB");
}

/// A header without an end is not waited for, whatever the policy: without it there is nothing to skip to.
#[test]
fn an_endless_header_is_an_error_with_every_policy() {
    let chunk = Bytes::from(vec![b'x'; 1 << 16]);
    let machine = Csv::<Record>::new().on_failure(OnFailure::Skip);
    let given = run(machine, repeat_with(|| chunk.clone()).take(1000));
    assert!(given.error.unwrap().is_limit());
    assert_eq!(given.taken, 17, "the first byte above 1 MiB is in this one");
}

/// The maximum is exact, whatever ends the row and however it is cut.
#[test]
fn a_row_of_the_maximum_passes_and_one_byte_more_is_an_error() {
    for ending in ["\n", "\r\n", "\r", ""] {
        for (row, good) in [
            ("abcdefgh", true),
            ("\"bc\",\"f\"", true),
            ("abcdefghi", false),
            ("\"bc\",\"fg\"", false),
        ] {
            let input = format!("1\n{row}{ending}2\n");
            let input = if ending.is_empty() { &input[..2 + row.len()] } else { &input };
            for size in [1, 3, 100] {
                let chunks = || input.as_bytes().chunks(size).map(Bytes::copy_from_slice);
                let strict = run(rows().with_max_length(8), chunks());
                assert_eq!(strict.error.is_none(), good, "{input:?}");
                if let Some(error) = strict.error {
                    let text = "row 1 is longer than 8 bytes (line 2, byte 2)";
                    assert_eq!(error.to_string(), text);
                }
                let lenient = run(rows().with_max_length(8).on_failure(OnFailure::Skip), chunks());
                let last = usize::from(!ending.is_empty());
                assert_eq!(lenient.outputs.len(), 1 + usize::from(good) + last);
                assert!(lenient.error.is_none());
            }
        }
    }
}

#[test]
fn fields_up_to_the_maximum_pass_and_one_more_is_an_error() {
    for (row, good) in [
        ("a,b,c", true),
        (",,", true),
        ("a,b,c,", false),
        ("a,b,c,d,e", false),
        ("a,b,c,\"\n\"", false),
    ] {
        for size in [1, 100] {
            let input = format!("1\n{row}\n2");
            let chunks = || input.as_bytes().chunks(size).map(Bytes::copy_from_slice);
            let strict = run(rows().with_max_fields(3), chunks());
            assert_eq!(strict.error.is_none(), good, "{input:?}");
            if let Some(error) = strict.error {
                assert_eq!(error.to_string(), "row 1 has more than 3 fields (line 2, byte 2)");
            }
            let lenient = run(rows().with_max_fields(3).on_failure(OnFailure::Skip), chunks());
            assert_eq!(lenient.outputs.len(), 2 + usize::from(good));
            // At the end of the input as well.
            let last = run_text(rows().with_max_fields(3), &input[..input.len() - 2]);
            assert_eq!(last.error.is_none(), good, "{input:?}");
        }
    }
    assert!(run_text(rows().with_max_fields(0), "a").error.unwrap().is_limit());
    assert!(run_text(rows().with_max_length(0), "a").error.unwrap().is_limit());
}

#[test]
fn the_defaults_are_a_mebibyte_and_65536_fields() {
    for (length, good) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let row = format!("{}\n", "a".repeat(length));
        assert_eq!(run_text(rows(), &row).error.is_none(), good);
        assert!(run_text(rows().unlimited_length(), &row).error.is_none());
    }
    for (fields, good) in [(65_536, true), (65_537, false)] {
        let row = format!("{}\n", ",".repeat(fields - 1));
        assert_eq!(run_text(rows(), &row).error.is_none(), good);
        assert!(run_text(rows().with_max_fields(100_000), &row).error.is_none());
    }
}

#[test]
fn what_is_held_is_told() {
    assert!(rows().max_bytes().unwrap() < 7 << 20);
    assert!(rows().with_max_length(1000).with_max_fields(10).max_bytes().unwrap() < 5300);
    assert_eq!(rows().unlimited_length().max_bytes(), None);
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
    for input in ["a\nb\n", "a\nb", "a,\"b\n", "\n", "", "\u{feff}", "abcdefgh\n", "abcdefgh"] {
        let alive = Arc::new(());
        let chunk = Bytes::from_owner(Chunk(input.into(), Arc::clone(&alive)));
        let mut machine = rows().with_max_length(5).on_failure(OnFailure::Skip);
        let mut output = machine.write(chunk).unwrap();
        while output.is_some() {
            output = machine.read().unwrap();
        }
        assert_eq!(Arc::strong_count(&alive), 1, "the chunk of {input:?} is kept");
    }
}
