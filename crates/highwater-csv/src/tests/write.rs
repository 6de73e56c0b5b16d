//! `ToCsv`.

use bytes::Bytes;
use highwater_core::{Error, Readable};
use highwater_test::{Cue, Log, Script};
use serde::Serialize;

use super::{run, run_text};
use crate::{Csv, CsvExt, Format, Record, ToCsv};

#[derive(Debug, Clone, Serialize)]
struct Pair {
    a: String,
    b: Option<i32>,
}

fn pair(a: &str, b: Option<i32>) -> Pair {
    Pair { a: a.into(), b }
}

#[test]
fn a_struct_has_a_header_and_a_tuple_has_none() {
    let rows = run(ToCsv::new(), [pair("x", Some(1)), pair("", None)]);
    assert_eq!(rows.outputs, ["a,b\nx,1\n,\n"]);
    assert_eq!(run(ToCsv::new(), [("x", 1), ("y", 2)]).outputs, ["x,1\ny,2\n"]);
    let no_header = ToCsv::with_format(Format::new().no_header());
    assert_eq!(run(no_header, [pair("x", None)]).outputs, ["x,\n"]);
    assert!(run(ToCsv::<Pair>::new(), []).outputs.is_empty(), "nobody knows the names");
}

#[test]
fn fields_are_quoted_where_they_have_to_be() {
    let fields = ["a,b", "c\"d", "e\nf", "g\rh", " i ", "#", "'", "ä"];
    let rows = run(ToCsv::new(), [fields]).outputs;
    assert_eq!(rows, ["\"a,b\",\"c\"\"d\",\"e\nf\",\"g\rh\", i ,#,',ä\n"]);
    let format = Format::new().with_delimiter(b';').with_quote(b'\'').crlf().no_header();
    let rows = run(ToCsv::with_format(format), [fields, [";"; 8]]).outputs.concat();
    let read = run_text(Csv::<Vec<String>>::with_format(format), rows).outputs;
    assert_eq!(read, [fields, [";"; 8]]);
    // A row with one empty field must not be an empty line.
    assert_eq!(run(ToCsv::new(), [[""]]).outputs, ["\"\"\n"]);
}

#[test]
fn rows_are_put_together_in_chunks() {
    let rows = std::iter::repeat_n(pair(&"x".repeat(100), Some(7)), 10_000);
    let chunks = run(ToCsv::new(), rows).outputs;
    let sizes: Vec<_> = chunks.iter().map(Bytes::len).collect();
    assert_eq!(sizes.len(), 1_030_000 / (64 * 1024) + 1);
    assert!(sizes.iter().rev().skip(1).all(|size| (64 * 1024..64 * 1024 + 107).contains(size)));
    let read = run(Csv::<(String, i32)>::new(), chunks).outputs;
    assert_eq!(read.len(), 10_000, "one header, not one per chunk");
}

/// A row that is larger than the writer's own buffer.
#[test]
fn a_long_row_is_written_whole() {
    let long = "\"".repeat(100_000);
    let chunks = run(ToCsv::new(), [("a", &long), ("b", &long)]).outputs;
    assert_eq!(chunks.len(), 2);
    let format = Format::new().no_header();
    let read = run(Csv::<(String, String)>::with_format(format), chunks).outputs;
    assert_eq!(read, [("a".to_owned(), long.clone()), ("b".to_owned(), long)]);
}

/// What is half written is taken back, what was written before comes before the error.
#[test]
fn a_value_that_is_no_row_is_an_error_behind_those_before_it() {
    let rows = [vec!["a", "b"], vec!["c", "d"], vec!["e"], vec!["f", "g"]];
    let given = run(ToCsv::new(), rows.clone());
    assert_eq!((given.outputs, given.taken), (vec![Bytes::from("a,b\nc,d\n")], 3));
    let text = given.error.unwrap().to_string();
    assert!(text.contains("found record with 1 fields"), "{text}");
    let flexible = ToCsv::with_format(Format::new().flexible());
    assert_eq!(run(flexible, rows).outputs, ["a,b\nc,d\ne\nf,g\n"]);

    #[derive(Serialize)]
    struct Nested {
        a: u8,
        b: Option<(u8, Pair)>,
    }
    let nested = [Nested { a: 1, b: None }, Nested { a: 2, b: Some((1, pair("x", None))) }];
    let given = run(ToCsv::with_format(Format::new().no_header()), nested);
    assert!(given.error.is_some());
    assert_eq!(given.outputs, ["1,\n"]);
}

#[tokio::test(flavor = "current_thread")]
async fn at_an_error_of_the_source_what_is_held_is_given() {
    let rows = |n| if n < 2 { Ok((n, n)) } else { Err(Error::aborted()) };
    let mut text = Readable::from_iter(0..3).try_map(rows).to_csv();
    assert_eq!(text.next().await.unwrap().unwrap(), "0,0\n1,1\n");
    assert!(text.next().await.unwrap().unwrap_err().is_aborted());
}

/// C44: somebody may wait for a row of a live stream, so it does not wait for 64 KiB of others.
#[tokio::test(flavor = "current_thread")]
async fn what_is_gathered_goes_out_when_the_source_is_idle() {
    let cues = [Cue::Chunk(1), Cue::Chunk(2), Cue::Pending, Cue::Chunk(3), Cue::Pending];
    let live = Script::new(&Log::default(), cues).readable().map(|n| (n, "x"));
    assert_eq!(live.to_csv().to_vec().await.unwrap(), ["1,x\n2,x\n", "3,x\n"]);
}

#[test]
#[should_panic(expected = "CSV is written with quotes where they are needed")]
fn csv_is_not_written_without_quotes() {
    drop(ToCsv::<Record>::with_format(Format::new().no_quotes()));
}

/// U+FEFF is a byte order mark only where the stream begins.
#[test]
fn a_first_field_that_begins_with_a_mark_comes_back() {
    let fields = [["\u{feff}", "\u{feff}"], ["\u{feff}x", ""], ["\u{feff},\"", "y"]];
    for first in fields {
        for format in
            [Format::new().no_header(), Format::new().no_header().crlf().with_delimiter(b';')]
        {
            let rows = [first, ["\u{feff}z", "z"]];
            let text = run(ToCsv::with_format(format), rows).outputs.concat();
            assert!(text.starts_with(b"\""), "{text:?}");
            let read = run_text(Csv::<[String; 2]>::with_format(format), &text).outputs;
            assert_eq!(read, rows);
        }
    }
    let rows = run(ToCsv::new(), [["\u{feff}", "a"], ["\u{feff}", "b"]]).outputs;
    assert_eq!(rows, ["\"\u{feff}\",a\n\u{feff},b\n"]);

    #[derive(Serialize)]
    struct Marked {
        #[serde(rename = "\u{feff}id")]
        id: u8,
        b: u8,
    }
    let rows = run(ToCsv::new(), [Marked { id: 1, b: 2 }]).outputs;
    assert_eq!(rows, ["\"\u{feff}id\",b\n1,2\n"]);
}

#[test]
fn a_value_without_known_columns_is_an_error_that_says_so() {
    #[derive(Serialize)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        pair: Pair,
    }
    #[derive(Serialize)]
    struct Nested {
        id: u8,
        pair: Pair,
    }
    let flat = || [Flat { id: 1, pair: pair("x", None) }];
    for format in [Format::new(), Format::new().no_header()] {
        let given = run(ToCsv::with_format(format), flat());
        let text = given.error.unwrap().to_string();
        assert!(text.contains("#[serde(flatten)]") && given.outputs.is_empty(), "{text}");
    }
    let nested = || [Nested { id: 1, pair: pair("x", None) }];
    let text = run(ToCsv::new(), nested()).error.unwrap().to_string();
    assert!(text.contains("no CSV row") && text.contains("Pair"), "{text}");
    let rows = run(ToCsv::with_format(Format::new().no_header()), nested()).outputs;
    assert_eq!(rows, ["1,x,\n"]);
}
