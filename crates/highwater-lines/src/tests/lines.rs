//! `Lines` against the oracle: I53, I57, F31, F32, F34, F36, C47, C48, C50, C51.

use bytes::Bytes;
use highwater_core::{Error, Readable, Transform};
use proptest::prelude::*;

use super::oracle::{Expected, ExpectedLine, POLICIES, split};
use super::{CORPUS, LIMITS, all_cuts, cut, cut_bytes, drive};
use crate::{Ending, Line, Lines, LinesExt, LongLine, lines};

fn expected_of(line: &Line) -> ExpectedLine {
    ExpectedLine {
        text: line.to_vec(),
        number: line.number(),
        offset: line.offset(),
        ending: line.ending(),
        truncated: line.is_truncated(),
    }
}

/// What `Lines` makes of the chunks, in the words of the oracle.
fn run(chunks: &[Bytes], max: usize, policy: LongLine) -> Expected {
    let mut machine = lines().with_max_length(max).on_long_line(policy);
    let counts = machine.counts();
    let (given, error) = drive(&mut machine, chunks);
    if let Some(error) = &error {
        let message = format!("a line is longer than {max} bytes");
        assert!(error.is_limit() && error.to_string().starts_with(&message), "{error}");
    } else {
        let bytes: usize = chunks.iter().map(Bytes::len).sum();
        assert_eq!(counts.bytes(), bytes as u64);
    }
    Expected {
        lines: given.iter().map(expected_of).collect(),
        error: error.map(|error| (error.line().unwrap(), error.offset().unwrap())),
        total: counts.lines(),
        skipped: counts.skipped(),
        truncated: counts.truncated(),
    }
}

/// Shows F31, F32, F34, I53, I57.
#[test]
fn every_cut_gives_the_same_lines_and_the_same_error() {
    for input in CORPUS {
        for chunks in all_cuts(input) {
            for (max, policy) in LIMITS.into_iter().flat_map(|max| POLICIES.map(|p| (max, p))) {
                let (got, want) = (run(&chunks, max, policy), split(input, max, policy));
                assert_eq!(got, want, "max {max}, {policy:?}, {chunks:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn random_cuts_give_the_same((input, chunks) in cut_bytes(), max in 0..12_usize) {
        for policy in POLICIES {
            prop_assert_eq!(run(&chunks, max, policy), split(&input, max, policy));
        }
    }
}

/// More lines than are found in one go, in one chunk.
#[test]
fn many_lines_in_one_chunk() {
    for count in [511, 512, 513, 1024, 5000] {
        let input = b"a\r\n\nbc\n".repeat(count);
        let want = split(&input, 2, LongLine::Fail);
        assert_eq!(run(&cut(&input, &[]), 2, LongLine::Fail), want);
        assert_eq!(run(&cut(&input, &[count, 2 * count + 1]), 2, LongLine::Fail), want);
    }
}

/// F36: at an error of the source, the start of a line is not a line.
#[test]
fn a_partial_line_is_given_at_the_end_but_not_at_an_error() {
    let mut machine = Lines::new();
    assert_eq!(machine.write(Bytes::from("a\nb")).unwrap().unwrap(), "a");
    assert!(machine.read().unwrap().is_none());
    machine.release().unwrap();
    assert!(machine.read().unwrap().is_none());

    machine.end().unwrap();
    let last = machine.read().unwrap().unwrap();
    assert_eq!((&last, last.ending()), (&last, Ending::None));
    assert_eq!(last, "b");
}

/// The default maximum is 1 MiB, of which not one byte is lost or gained by the ending (C51).
#[test]
fn the_default_maximum_is_a_mebibyte() {
    let input = [&vec![b'x'; 1 << 20][..], b"\r\n"].concat();
    let (given, error) = drive(&mut Lines::default(), &cut(&input, &[700_000, (1 << 20) + 1]));
    assert!(error.is_none());
    assert_eq!((given.len(), given[0].len()), (1, 1 << 20));

    let input = vec![b'x'; (1 << 20) + 1];
    let (given, error) = drive(&mut Lines::default(), &cut(&input, &[]));
    assert!(given.is_empty() && error.unwrap().is_limit());
    let (given, error) = drive(&mut Lines::new().unlimited_length(), &cut(&input, &[9]));
    assert!(error.is_none());
    assert_eq!(given[0].len(), (1 << 20) + 1);
}

/// The error names the stage and the place; the lines before it are given, nothing behind it (C47, C48).
#[tokio::test(flavor = "current_thread")]
async fn in_a_pipeline_the_error_comes_behind_the_lines_before_it() {
    let chunks = ["ab\ncdefg", "hij\nk\n"].map(Bytes::from);
    let mut lines = Readable::from_iter(chunks).pipe(Lines::new().with_max_length(4));
    assert_eq!(lines.next().await.unwrap().unwrap(), "ab");
    let error: Error = lines.next().await.unwrap().unwrap_err();
    let text = "a line is longer than 4 bytes (in lines, line 2, byte 3, chunk 0)";
    assert_eq!(error.to_string(), text);
    assert!(lines.next().await.is_none());
}

/// F36 through the driver.
#[tokio::test(flavor = "current_thread")]
async fn an_error_of_the_source_passes_behind_the_whole_lines() {
    let chunk = |number| if number == 0 { Ok(Bytes::from("a\nb")) } else { Err(Error::aborted()) };
    let mut lines = Readable::from_iter(0..2).try_map(chunk).lines();
    assert_eq!(lines.next().await.unwrap().unwrap(), "a");
    assert!(lines.next().await.unwrap().unwrap_err().is_aborted());
    assert!(lines.next().await.is_none());
}
