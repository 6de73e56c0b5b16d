//! `LineBlocks` against the oracle: I53, I57, F31, F32.

use bytes::Bytes;
use proptest::prelude::*;

use super::oracle::{POLICIES, split};
use super::{CORPUS, LIMITS, all_cuts, cut, cut_bytes, drive};
use crate::{LineBlocks, LongLine, line_blocks};

/// All bytes given, and line and offset of the error.
fn run(chunks: &[Bytes], max: usize, policy: LongLine) -> (Vec<u8>, Option<(u64, u64)>) {
    let mut machine = line_blocks().with_max_length(max).on_long_line(policy);
    let (blocks, error) = drive(&mut machine, chunks);
    for block in blocks.iter().rev().skip(1) {
        assert!(block.ends_with(b"\n"), "{block:?} is not whole lines");
    }
    assert!(blocks.iter().all(|block| !block.is_empty()));
    (blocks.concat(), error.map(|error| (error.line().unwrap(), error.offset().unwrap())))
}

fn expected(input: &[u8], max: usize, policy: LongLine) -> (Vec<u8>, Option<(u64, u64)>) {
    let expected = split(input, max, policy);
    let lines: Vec<Vec<u8>> = expected.lines.iter().map(|line| line.whole()).collect();
    (lines.concat(), expected.error)
}

/// Shows I53.
#[test]
fn every_cut_gives_the_same_bytes_and_the_same_error() {
    for input in CORPUS {
        for chunks in all_cuts(input) {
            for (max, policy) in LIMITS.into_iter().flat_map(|max| POLICIES.map(|p| (max, p))) {
                let (got, want) = (run(&chunks, max, policy), expected(input, max, policy));
                assert_eq!(got, want, "max {max}, {policy:?}, {chunks:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn random_cuts_give_the_same((input, chunks) in cut_bytes(), max in 0..12_usize) {
        for policy in POLICIES {
            prop_assert_eq!(run(&chunks, max, policy), expected(&input, max, policy));
        }
    }
}

#[test]
fn counts_lines_and_bytes() {
    let mut machine = LineBlocks::new().with_max_length(3).on_long_line(LongLine::Truncate);
    let counts = machine.counts();
    drive(&mut machine, &cut(b"a\nbbbb\nccccc\nd", &[4, 9]));
    assert_eq!((counts.lines(), counts.truncated(), counts.bytes()), (4, 2, 14));
    assert_eq!(counts.skipped(), 0);
}
