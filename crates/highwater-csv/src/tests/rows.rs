//! Where rows and fields begin and end: I53, F31, C47.

use std::fmt::Debug;

use bytes::Bytes;
use highwater_core::record::OnFailure;
use highwater_test::{Cut, Seed, cuts};
use proptest::prelude::*;
use serde::{Deserialize, Deserializer};

use super::{dead_letters, oracle, run, run_text};
use crate::{Csv, Format, Record};

/// A type that refuses everything, so that each row comes out as a bad one, with all that is known of it.
#[derive(Debug, PartialEq)]
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("refused"))
    }
}

const FORMATS: [(u8, u8); 3] = [(b',', b'"'), (b';', b'\''), (b'\t', b',')];

/// What the plain parser makes of an input in each format; the crate `csv` must agree.
fn expected(input: &[u8]) -> Vec<(Format, Vec<oracle::Row>, bool)> {
    let of_format = |(delimiter, quote)| {
        let format =
            Format::new().no_header().flexible().with_delimiter(delimiter).with_quote(quote);
        let (rows, in_quotes) = oracle::rows(input, delimiter, quote);
        if !in_quotes {
            let theirs = oracle::csv_rows(input, delimiter, quote);
            assert!(rows.iter().map(|row| &row.fields).eq(&theirs), "{input:?}");
        }
        (format, rows, in_quotes)
    };
    FORMATS.map(of_format).into()
}

/// Fields, places and raw bytes are those that are expected.
fn check(chunks: &[Bytes], expected: &[(Format, Vec<oracle::Row>, bool)]) {
    for (format, rows, in_quotes) in expected {
        let given = run(Csv::<Record>::with_format(*format), chunks.iter().cloned());
        let fields = rows.iter().map(|row| &row.fields);
        assert!(given.outputs.iter().eq(fields), "{chunks:?}: {given:?}");
        assert_eq!(given.error.is_some(), *in_quotes, "{chunks:?}");
        if let Some(error) = &given.error {
            let length: usize = chunks.iter().map(Bytes::len).sum();
            assert!(error.is_truncated() && error.offset() == Some(length as u64), "{error}");
        }

        let (policy, dead) = dead_letters();
        let refused = Csv::<Nothing>::with_format(*format).on_failure(policy);
        assert!(run(refused, chunks.iter().cloned()).outputs.is_empty());
        for (index, row) in rows.iter().enumerate() {
            let letter = dead.recv().unwrap();
            assert_eq!(letter.item(), &row.raw, "{chunks:?}");
            assert_eq!(
                (letter.offset(), letter.index()),
                (Some(row.offset), Some(index as u64)),
                "{chunks:?}"
            );
            assert_eq!(letter.error().line(), Some(row.line), "{chunks:?}");
            assert!(!letter.is_cut());
        }
        assert!(dead.recv().is_err(), "no more rows, {chunks:?}");
    }
}

/// Single bytes and every way into two; the suite for machines and random cuts do the rest.
fn check_cuts(input: &[u8]) {
    let (bytes, expected) = (Bytes::copy_from_slice(input), expected(input));
    for cut in cuts(input.len(), Seed::fresh()).take(input.len() + 5) {
        check(&cut.chunks(&bytes), &expected);
    }
}

/// What has gone wrong in readers of CSV.
const CORPUS: &[&str] = &[
    "",
    "a",
    "\n",
    "\r\n\r\n",
    "a,b\nc,d\n",
    "a,b\r\nc,d",
    "a,b\rc,d\r",
    "\n\na\n\n\r\n\rb\n",
    ",\n,,\n",
    "a,",
    "\"\"\n",
    "\"\",\"\"",
    "\"a,b\",c\n",
    "\"a\nb\",c\n1,2\n",
    "\"a\r\nb\",\"\r\"\r\nc\r\n",
    "\"a\"\"b\"\n",
    "\"\"\"\"\n\"\"\"\n",
    "a\"b,c\"\n\"",
    "\"a\"b,\"c\"\"d\"e\n",
    "\"a\" ,b\n",
    " \"a\",b\n",
    "a;'b;c';'d''e'\n'\n",
    "a\t,b\tc,\td\n",
    "\u{feff}a,b\n",
    "\u{feff}\"a\",b\n",
    "\u{feff}",
    "\u{feff}\u{feff}a\n\u{feff}b\n",
    "\u{feff}\n\na",
    "\0,\u{1}\n\u{b},\u{c}\n",
    "ä,€\n😀,\"ä\"\n",
    "one,two,three\n\"unclosed,x\ny,z\n",
];

#[test]
fn every_cut_gives_the_same_rows_at_the_same_places() {
    for input in CORPUS {
        check_cuts(input.as_bytes());
    }
}

/// What begins like a byte order mark and is none is data, wherever it is cut.
#[test]
fn half_a_byte_order_mark_is_data() {
    for input in [&b"\xEF"[..], b"\xEF\xBB", b"\xEF\xBBa,b\nc", b"\xEF,\xEF\xBB\xBF", b"\xEF\n\xBB"]
    {
        check_cuts(input);
    }
}

proptest! {
    #[test]
    fn random_bytes_and_cuts_give_the_same_rows(
        input in proptest::collection::vec(prop::sample::select(&b"aab\",;'\t\r\n\xEF\xBB\xBF"[..]), 0..80),
        mut places in proptest::collection::vec(0..80_usize, 0..8),
    ) {
        places.iter_mut().for_each(|place| *place = (*place).min(input.len()));
        places.sort_unstable();
        check(&Cut::at(places).chunks(&Bytes::from(input.clone())), &expected(&input));
    }
}

/// More fields and longer ones than room is made for at first.
#[test]
fn long_rows_and_many_fields() {
    let fields: Vec<String> = (0..500).map(|n| format!("\"{}\"", "x\n".repeat(n % 20))).collect();
    let row = fields.join(",");
    let input = format!("{row}\r\n{row}");
    for size in [1, 1000, input.len()] {
        let chunks: Vec<_> = input.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        check(&chunks, &expected(input.as_bytes()));
    }
}

/// Without quotes, a quote is a byte like others.
#[test]
fn without_quotes_a_quote_is_data() {
    let format = Format::new().no_header().no_quotes();
    let given = run_text(Csv::<Record>::with_format(format), "\"a,b\"\n\"\",c");
    let rows = [Record::from_iter(["\"a", "b\""]), Record::from_iter(["\"\"", "c"])];
    assert_eq!((given.outputs, given.error.is_none()), (rows.to_vec(), true));
}

/// An input that is cut short in quotes fails with every policy, at every place.
#[test]
fn an_end_in_quotes_is_an_error() {
    let input = "a,b\n1,\"two\n\"\"three\"\"\"\n";
    let (open, close) = (input.find('"').unwrap(), input.len() - 1);
    for end in 0..=input.len() {
        let (rows, in_quotes) = oracle::rows(&input.as_bytes()[..end], b',', b'"');
        // After an even number of quotes it may be the whole.
        assert!((open < end && end < close) || !in_quotes);
        for policy in [OnFailure::Fail, OnFailure::Skip, dead_letters().0] {
            let format = Format::new().no_header().flexible();
            let machine = Csv::<Record>::with_format(format).on_failure(policy);
            let counts = machine.counts();
            let given = run_text(machine, &input[..end]);
            assert_eq!((given.outputs.len(), counts.failed()), (rows.len(), 0));
            assert_eq!(given.error.is_some_and(|error| error.is_truncated()), in_quotes);
        }
    }
}

#[test]
#[should_panic(expected = "the delimiter cannot be the quote as well")]
fn a_delimiter_that_is_the_quote_is_a_mistake() {
    drop(Csv::<Record>::with_format(Format::new().with_delimiter(b'"')));
}

#[test]
#[should_panic(expected = "ASCII and ends no line: '\\n'")]
fn a_delimiter_that_ends_lines_is_a_mistake() {
    drop(Csv::<Record>::with_format(Format::new().with_delimiter(b'\n')));
}

#[test]
#[should_panic(expected = "ASCII and ends no line: 'ÿ'")]
fn a_quote_that_is_not_ascii_is_a_mistake() {
    drop(Csv::<Record>::with_format(Format::new().with_quote(0xff)));
}

/// Each end of a line counts once, also in quotes, however the input is cut.
#[test]
fn a_bad_row_has_its_line_whatever_ends_the_lines() {
    for (end, lines) in [("\n", [4, 8]), ("\r", [4, 8]), ("\r\n", [4, 8])] {
        let text = ["x,y", "1,2", "", "bad,1", "\"3", "\",4", "", "1,bad", ""].join(end);
        for size in 1..text.len() {
            let chunks = text.as_bytes().chunks(size).map(Bytes::copy_from_slice);
            let (policy, dead) = dead_letters();
            run(Csv::<(Strict, Strict)>::new().on_failure(policy), chunks);
            let found: Vec<_> = dead.iter().map(|bad| bad.error().line().unwrap()).collect();
            assert_eq!(found, lines, "{end:?} in chunks of {size}");
        }
    }
}

/// A number, perhaps with white space around it.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.trim().parse::<u8>().map(|_| Self).map_err(serde::de::Error::custom)
    }
}

/// With `lf`, only `\n` ends a row, and what is written comes back.
#[test]
fn a_return_is_data_where_only_newlines_end_rows() {
    let format = Format::new().no_header().lf();
    let text = "a\rb,c\r\n\r,d\n\n\"e\n\",f\r";
    let expected = [["a\rb", "c\r"], ["\r", "d"], ["e\n", "f\r"]];
    for size in 1..text.len() {
        let chunks = text.as_bytes().chunks(size).map(Bytes::copy_from_slice);
        let rows = run(Csv::<[String; 2]>::with_format(format), chunks).outputs;
        assert_eq!(rows, expected, "chunks of {size}");
    }
    let written = run(crate::ToCsv::with_format(format), expected).outputs.concat();
    assert_eq!(run_text(Csv::<[String; 2]>::with_format(format), written).outputs, expected);
    // The line of a bad row: a return is no end.
    let error = run_text(Csv::<[u8; 2]>::with_format(format), "1,2\n\rx,3\n").error.unwrap();
    assert_eq!(error.line(), Some(2));
}
