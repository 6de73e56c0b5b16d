//! `Line` as a value: F33, C49.

use bytes::Bytes;

use super::{cut, drive};
use crate::{Ending, Line, Lines};

fn lines_of(input: &[u8], places: &[usize]) -> Vec<Line> {
    let (lines, error) = drive(&mut Lines::new(), &cut(input, places));
    assert!(error.is_none());
    lines
}

/// F33, C49: it is the reader of the text who fails, for one line, with the place of the byte.
#[test]
fn bad_utf8_is_told_with_its_place_and_spoils_no_other_line() {
    let lines = lines_of(b"ok\nab\xFFc\n\xE2\x82\nend\xC3", &[5]);
    let places: Vec<_> = lines.iter().map(|line| line.as_str().err()).collect();
    let places: Vec<_> = places
        .iter()
        .map(|e| e.as_ref().map(|e| (e.line().unwrap(), e.offset().unwrap())))
        .collect();
    assert_eq!(places, [None, Some((2, 5)), Some((3, 8)), Some((4, 14))]);
    assert!(lines[1].as_str().unwrap_err().is_corrupt());
    assert_eq!(lines[1].to_string_lossy(), "ab\u{FFFD}c");
}

/// F33: a code point that was split by chunks is not bad.
#[test]
fn a_code_point_across_chunks_is_whole() {
    for place in 0..=9 {
        assert_eq!(lines_of("ä€😀".as_bytes(), &[place])[0].as_str().unwrap(), "ä€😀");
    }
}

#[test]
fn compares_and_converts() {
    let line = lines_of(b"ab\r\n", &[]).remove(0);
    assert!(line == "ab" && line == b"ab");
    assert!(line == "ab".as_bytes() && line != "a" && line == line.clone());
    assert_eq!(line.as_ref(), b"ab");
    assert_eq!(line.len(), 2);
    assert_eq!(line.to_string(), "ab");
    let debug = r#"Line { text: "ab", number: 1, offset: 0, ending: CrLf, truncated: false }"#;
    assert_eq!(format!("{line:?}"), debug);
    assert_eq!(Bytes::from(line.clone()), line.into_bytes());
}

#[test]
fn an_ending_is_its_bytes() {
    let endings = [Ending::Lf, Ending::CrLf, Ending::None].map(Ending::as_bytes);
    assert_eq!(endings.concat(), b"\n\r\n");
}
