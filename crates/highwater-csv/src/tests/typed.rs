//! From rows to values: C47, C55, F74.

use std::collections::BTreeMap;

use bytes::Bytes;
use highwater_core::record::OnFailure;
use highwater_core::{Error, Readable};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{dead_letters, run, run_text};
use crate::{Csv, CsvExt, Format, Record, ToCsv, Trim};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    name: String,
    age: Option<u8>,
    height: f64,
}

proptest! {
    /// Whatever the texts: written by the crate `csv`, cut anywhere, read as the crate `csv` reads it.
    #[test]
    fn values_are_those_of_the_crate_csv(
        rows in proptest::collection::vec(
            ("[ -~ä😀\r\n\",]{0,12}", any::<Option<u8>>(), -1e6..1e6).prop_map(|(name, age, height)| Row { name, age, height }),
            0..8,
        ),
        size in 1..40_usize,
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        rows.iter().for_each(|row| writer.serialize(row).unwrap());
        let text = writer.into_inner().unwrap();
        let chunks = || text.chunks(size).map(Bytes::copy_from_slice);
        prop_assert_eq!(&run(Csv::<Row>::new(), chunks()).outputs, &rows);
        let maps: Vec<BTreeMap<String, String>> =
            csv::Reader::from_reader(&text[..]).deserialize().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(run(Csv::<BTreeMap<String, String>>::new(), chunks()).outputs, maps);
        let written = run(ToCsv::new(), rows).outputs.concat();
        prop_assert_eq!(written, text);
    }
}

#[test]
fn columns_are_matched_by_name_and_more_may_be_there() {
    let given = run_text(Csv::<Row>::new(), "height,x,age,name\n1.5,?,,Eve\n");
    let eve = Row { name: "Eve".into(), age: None, height: 1.5 };
    assert_eq!((given.outputs, given.error.is_none()), (vec![eve], true));
}

/// Only what becomes text has to be UTF-8: a row that is not UTF-8 throughout is as good as any other.
#[test]
fn a_column_that_nobody_reads_need_not_be_utf8() {
    let given = run_text(Csv::<Row>::new(), b"height,x,age,name\n1.5,\xff,,Eve\n2.5,x,,\xc3\xbc\n");
    let rows = [("Eve", 1.5), ("ü", 2.5)];
    let rows = rows.map(|(name, height)| Row { name: name.into(), age: None, height });
    assert_eq!((given.outputs, given.error.is_none()), (rows.to_vec(), true));
}

#[test]
fn without_a_header_the_order_counts() {
    let machine = || Csv::<(String, u8)>::with_format(Format::new().no_header());
    assert_eq!(run_text(machine(), "a,1\nb,2\n").outputs, [("a".into(), 1), ("b".into(), 2)]);
    assert!(run_text(machine(), "").outputs.is_empty());
}

/// A bad first row does not say how many fields the others must have.
#[test]
fn without_a_header_the_first_good_row_counts() {
    let format = Format::new().no_header();
    let machine = Csv::<Vec<u8>>::with_format(format).on_failure(OnFailure::Skip);
    let counts = machine.counts();
    assert_eq!(run_text(machine, "# a comment\n1,2\n3\n4,5\n").outputs, [[1, 2], [4, 5]]);
    assert_eq!(counts.failed(), 2);
}

#[test]
fn a_header_alone_and_nothing_at_all_are_no_rows() {
    for text in ["", "\n", "name,age,height", "name,age,height\r\n\r\n", "\u{feff}"] {
        let given = run_text(Csv::<Row>::new(), text);
        assert!(given.outputs.is_empty() && given.error.is_none(), "{text:?}");
    }
}

/// The message says which row and which field, by name where there is one.
#[test]
fn an_error_says_which_row_and_where() {
    let error = |text: &str| run_text(Csv::<Row>::new(), text).error.unwrap().to_string();
    let text = "name,age,height\n\nEve,7,1.5\n\"Adam\n\",x,1.5\n";
    let wrong = "row 1, field `age`: invalid digit found in string (line 4, byte 27)";
    assert_eq!(error(text), wrong);
    assert_eq!(error("name,age\nEve,7\n"), "row 0: missing field `height` (line 2, byte 9)");
    let wrong = "row 0 has 2 fields, and those before it have 3 (line 2, byte 16)";
    assert_eq!(error("name,age,height\nEve,7\n"), wrong);
    let wrong =
        "row 0, field `name`: invalid utf-8 sequence of 1 bytes from index 1 (line 2, byte 16)";
    let bytes = b"name,age,height\nE\xff,7,1\n";
    assert_eq!(run_text(Csv::<Row>::new(), bytes).error.unwrap().to_string(), wrong);
    let machine = Csv::<(u8, u8)>::with_format(Format::new().no_header());
    let wrong = "row 0, field 1: invalid digit found in string (line 1, byte 0)";
    assert_eq!(run_text(machine, "1,b\n").error.unwrap().to_string(), wrong);
    assert!(
        run_text(Csv::<Row>::new(), "name,name,age,height\na,b,1,1\n")
            .error
            .is_some_and(|error| error.to_string().starts_with("row 0: duplicate field `name`"))
    );
}

/// C47, C55: bad rows of all kinds cost themselves only, and the counts are exact.
#[test]
fn bad_rows_are_left_out_one_by_one() {
    let long = "x".repeat(5000);
    let input = format!(
        "name,n\na,1\nb,two\n{long},3\n\"{long}\n{long}\",4\nc\nd,5,6\n\"e\n\",7\nf,-8\n\u{1},9\n"
    );
    for size in [1, 7, 4096, input.len()] {
        let (policy, dead) = dead_letters();
        let machine = Csv::<(String, u8)>::new().with_max_length(100).on_failure(policy);
        let counts = machine.counts();
        let given = run(machine, input.as_bytes().chunks(size).map(Bytes::copy_from_slice));
        assert!(given.error.is_none());
        let good = [("a", 1), ("e\n", 7), ("\u{1}", 9)].map(|(name, n)| (name.to_owned(), n));
        assert_eq!(given.outputs, good);
        assert_eq!((counts.succeeded(), counts.failed()), (3, 6));
        let letters: Vec<_> = dead.try_iter().collect();
        let known: Vec<_> = letters
            .iter()
            .map(|l| (l.index().unwrap(), l.error().line().unwrap(), l.is_cut()))
            .collect();
        let (bad, long) = (false, true);
        assert_eq!(
            known,
            [(1, 3, bad), (2, 4, long), (3, 5, long), (4, 7, bad), (5, 8, bad), (7, 11, bad)]
        );
        assert_eq!(letters[0].item(), "b,two");
        assert_eq!(letters[1].item(), &input[17..117]);
        assert_eq!(
            (letters[2].offset(), &letters[2].item()[..]),
            (Some(5020), &input.as_bytes()[5020..5120])
        );
        assert!(letters.iter().all(|l| l.error().offset() == l.offset()));
        assert!(letters[0].error().is_corrupt() && letters[1].error().is_limit());
    }
}

/// F74: the letter has everything.
#[test]
fn a_dead_letter_says_everything() {
    let (policy, dead) = dead_letters();
    run_text(Csv::<(u8, u8)>::new().on_failure(policy), "x,y\r\n1,2\r\n3,\"f\r\n\"\r\n");
    let letter = dead.recv().unwrap();
    assert_eq!(
        (&letter.item()[..], letter.offset(), letter.index()),
        (&b"3,\"f\r\n\""[..], Some(10), Some(1))
    );
    let text = "row 1, field `y`: invalid digit found in string (in csv, line 3, byte 10)";
    assert_eq!(letter.error().to_string(), text);
}

/// A bad header fails whatever the policy: no row means anything without it.
#[test]
fn a_bad_header_is_an_error_with_every_policy() {
    let bad: [(&[u8], &str); 4] = [
        (b"a,\xff\n1,2\n", "the header is not valid UTF-8 in field 1 (line 1, byte 0)"),
        (b"\n\na123456789,b\n1,2\n", "the header is longer than 10 bytes (line 3, byte 2)"),
        (b"a,b,c,d\n1,2\n", "the header has more than 3 fields (line 1, byte 0)"),
        (b"a,\"b\n1,2\n", "the input ends in quotes (line 1, byte 9)"),
    ];
    for (input, text) in bad {
        for policy in [OnFailure::Fail, OnFailure::Skip, dead_letters().0] {
            for size in [1, 100] {
                let machine = Csv::<Record>::new().with_max_length(10).with_max_fields(3);
                let chunks = input.chunks(size).map(Bytes::copy_from_slice);
                let given = run(
                    machine.on_failure(match &policy {
                        OnFailure::Fail => OnFailure::Fail,
                        _ => OnFailure::Skip,
                    }),
                    chunks,
                );
                assert_eq!(given.error.unwrap().to_string(), text);
                assert!(given.outputs.is_empty());
            }
        }
    }
}

#[test]
fn flexible_rows_may_be_shorter_and_longer() {
    let machine = Csv::<Vec<String>>::with_format(Format::new().flexible());
    let given = run_text(machine, "a,b\n1\n1,2\n1,2,3\n");
    assert_eq!(given.outputs, [vec!["1"], vec!["1", "2"], vec!["1", "2", "3"]]);
}

#[test]
fn white_space_is_trimmed_where_it_is_said() {
    let given = |trim| {
        let machine = Csv::<BTreeMap<String, String>>::with_format(Format::new().with_trim(trim));
        let given = run_text(machine, " a\t,b\n 1 ,\" 2 \"\n").outputs;
        given[0].iter().map(|(name, field)| format!("{name}={field}")).collect::<Vec<_>>()
    };
    assert_eq!(given(Trim::None), [" a\t= 1 ", "b= 2 "]);
    assert_eq!(given(Trim::Header), ["a= 1 ", "b= 2 "]);
    assert_eq!(given(Trim::Fields), [" a\t=1", "b=2"]);
    assert_eq!(given(Trim::All), ["a=1", "b=2"]);
}

/// Bytes that are no text go through as they are.
#[test]
fn a_record_need_not_be_utf8() {
    let input = b"a,b\n\xff,\"\xc3,\"\n";
    let rows = run_text(Csv::<Record>::new(), input).outputs;
    assert_eq!(rows[0].get(1), Some(&b"\xc3,"[..]));
    assert!(rows[0].text(0).is_err() && rows[0].text(2).is_err());
    assert_eq!(format!("{:?}", rows[0]), r#"["\\xff", "\\xc3,"]"#);
    let written = run(ToCsv::with_format(Format::new()), rows).outputs.concat();
    assert_eq!(written, &input[4..]);
}

/// A record is a list of texts to other formats, and can be read from them.
#[test]
fn a_record_is_a_list_elsewhere() {
    let record = Record::from_iter(["a", "ä"]);
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(
        (json.as_str(), serde_json::from_str::<Record>(&json).unwrap()),
        (r#"["a","ä"]"#, record)
    );
    assert!(Record::default().is_empty());
}

/// The whole way, with the name of the stage and the chunk.
#[tokio::test(flavor = "current_thread")]
async fn in_a_pipeline_the_error_comes_behind_the_rows_before_it() {
    let chunks = ["a,b\n1,2\n3", ",4\n5\n6,7\n"].map(Bytes::from);
    let mut rows = Readable::from_iter(chunks).csv::<(u8, u8)>();
    assert_eq!(rows.next().await.unwrap().unwrap(), (1, 2));
    assert_eq!(rows.next().await.unwrap().unwrap(), (3, 4));
    let error = rows.next().await.unwrap().unwrap_err();
    let text = "row 2 has 1 fields, and those before it have 2 (in csv, line 4, byte 12, chunk 1)";
    assert_eq!(error.to_string(), text);
    assert!(rows.next().await.is_none());
}

/// F36: at an error of the source, the start of a row is no row and no bad one.
#[tokio::test(flavor = "current_thread")]
async fn an_error_of_the_source_passes_and_half_a_row_is_forgotten() {
    let chunk = |n| if n == 0 { Ok(Bytes::from("a\n1\n2")) } else { Err(Error::aborted()) };
    let mut rows = Readable::from_iter(0..2).try_map(chunk).csv::<(u8,)>();
    assert_eq!(rows.next().await.unwrap().unwrap(), (1,));
    let error = rows.next().await.unwrap().unwrap_err();
    assert!(error.is_aborted() && error.suppressed().is_empty());
}
