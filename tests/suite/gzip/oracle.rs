//! D.3: the table of what is taken for valid, in the documentation of highwater-gzip, beside GNU gzip.

use bytes::Bytes;
use highwater::gzip::{Gunzip, Gzip};
use highwater::{Error, Readable};

use crate::support::{Tool, drain};

fn member(text: &'static str) -> Vec<u8> {
    let (given, error) = drain(Readable::once(Bytes::from(text)).pipe(Gzip::new(6)));
    assert!(error.is_none());
    given.concat()
}

/// An input, what highwater says, and the exit code of GNU gzip 1.12. Both give the same output, except where the second
/// is `Some`.
struct Line {
    name: &'static str,
    input: Vec<u8>,
    output: &'static str,
    fails: Option<fn(&Error) -> bool>,
    code: i32,
}

fn table() -> Vec<Line> {
    let (one, two) = (member("one"), member("two"));
    let valid = |name, input, output| Line { name, input, output, fails: None, code: 0 };
    let broken = |name, input, output, fails: fn(&Error) -> bool, code| Line {
        name,
        input,
        output,
        fails: Some(fails),
        code,
    };
    let with = |rest: &[u8]| [&one[..], rest].concat();
    let changed = |place: usize, value: u8| {
        let mut input = one.clone();
        input[place] = value;
        input
    };
    let trailer = one.len() - 8;
    vec![
        valid("two members", with(&two), "onetwo"),
        valid("an empty member between", [&one[..], &member(""), &two].concat(), "onetwo"),
        valid("zeros behind it", with(&[0; 512]), "one"),
        broken("garbage behind it", with(b"garbage"), "one", Error::is_corrupt, 2),
        broken("garbage behind zeros", with(b"\0\0garbage"), "one", Error::is_corrupt, 2),
        broken("the start of a member behind it", with(b"\x1f"), "one", Error::is_truncated, 1),
        broken(
            "cut off in the trailer",
            one[..one.len() - 4].to_vec(),
            "one",
            Error::is_truncated,
            1,
        ),
        broken("cut off in the header", one[..5].to_vec(), "", Error::is_truncated, 1),
        broken("empty", vec![], "", Error::is_truncated, 1),
        broken("a wrong CRC", changed(trailer, one[trailer] ^ 1), "one", Error::is_corrupt, 1),
        broken("a wrong length", changed(trailer + 4, 4), "one", Error::is_corrupt, 1),
        broken("a reserved flag", changed(3, 0x80), "", Error::is_corrupt, 1),
        broken("another method", changed(2, 9), "", Error::is_corrupt, 1),
        broken("no gzip at all", b"plain text".to_vec(), "", Error::is_corrupt, 1),
        broken("a wrong header CRC", with_header_crc(&one), "", Error::is_corrupt, 1),
    ]
}

/// The member with a CRC of the header, which is wrong.
fn with_header_crc(member: &[u8]) -> Vec<u8> {
    let mut input = member.to_vec();
    input[3] = 2;
    input.splice(10..10, [0xba, 0xd0]);
    input
}

#[test]
fn highwater_judges_as_the_table_says() {
    for Line { name, input, output, fails, .. } in table() {
        let (given, error) = drain(Readable::once(Bytes::from(input)).pipe(Gunzip::new()));
        assert_eq!(given.concat(), output.as_bytes(), "{name}");
        match (fails, error) {
            (Some(right), Some(error)) => {
                assert!(right(&error) && error.offset().is_some(), "{name}: {error}");
            }
            (None, None) => {}
            (_, error) => panic!("{name}: {error:?}"),
        }
    }
}

#[test]
fn gnu_gzip_judges_as_the_table_says() {
    let tool = Tool::new("gzip -dc", &["gzip", "-dc"]);
    if !tool.is_there() {
        return;
    }
    for Line { name, input, output, code, .. } in table() {
        let theirs = tool.output(&input);
        assert_eq!(theirs.status.code(), Some(code), "{name}: {theirs:?}");
        assert_eq!(theirs.stdout, output.as_bytes(), "{name}");
    }
}
