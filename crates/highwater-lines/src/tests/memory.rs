//! What is copied, and what is kept in memory: I57, F35.

use std::slice::from_ref;
use std::sync::Arc;

use bytes::Bytes;
use highwater_core::Transform;

use super::{cut, drive};
use crate::work::take_searched;
use crate::{Grep, LineBlocks, Lines};

/// True when `part` is a slice of `whole` and not a copy.
fn is_slice(part: &[u8], whole: &[u8]) -> bool {
    whole.as_ptr_range().contains(&part.as_ptr())
}

#[test]
fn only_the_line_across_the_border_is_copied() {
    let chunks = cut(b"a\nb\nccdd\ne\n", &[6]);
    let (lines, _) = drive(&mut Lines::new(), &chunks);
    let sliced: Vec<bool> =
        lines.iter().map(|line| chunks.iter().any(|chunk| is_slice(line, chunk))).collect();
    assert_eq!(sliced, [true, true, false, true]);

    let (blocks, _) = drive(&mut LineBlocks::new(), &chunks);
    let sliced: Vec<bool> =
        blocks.iter().map(|block| chunks.iter().any(|chunk| is_slice(block, chunk))).collect();
    assert_eq!(blocks, [&b"a\nb\n"[..], b"ccdd\n", b"e\n"]);
    assert_eq!(sliced, [true, false, true]);
}

/// A chunk whose memory tells when it is given back.
struct Tracked(Vec<u8>, #[expect(dead_code, reason = "counted, not read")] Arc<()>);

impl AsRef<[u8]> for Tracked {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Once a machine asks for the next chunk, it keeps nothing of the last: a pool gets its buffer back.
fn gives_the_chunk_back<M: Transform<Input = Bytes>>(mut machine: M) {
    let name = machine.name();
    for taken_back in [false, true] {
        for input in ["a\nb\n", "a\nb", "no newline", "\n", "", "xaaaa\naaaa"] {
            let alive = Arc::new(());
            let chunk = Bytes::from_owner(Tracked(input.into(), Arc::clone(&alive)));
            let mut output = machine.write(chunk).unwrap();
            while let Some(given) = output {
                if taken_back {
                    machine.take_back(given);
                }
                output = machine.read().unwrap();
            }
            assert_eq!(Arc::strong_count(&alive), 1, "{name} keeps the chunk of {input:?}");
        }
    }
}

#[test]
fn a_line_of_another_machine_is_not_taken_for_ones_own() {
    let [mut one, mut two] = [Lines::new(), Lines::new()];
    let theirs = one.write(Bytes::from("x\ny\n")).unwrap().unwrap();
    assert_eq!(two.write(Bytes::from("a\nb\nc\n")).unwrap().unwrap(), "a");
    two.take_back(theirs);
    let own = two.read().unwrap().unwrap();
    assert_eq!((&own[..], own.number()), (&b"b"[..], 2));
    two.take_back(own);
    assert_eq!(two.read().unwrap().unwrap(), "c");
}

#[test]
fn a_chunk_is_given_back_before_the_next_is_asked_for() {
    gives_the_chunk_back(Lines::new());
    gives_the_chunk_back(Lines::new().with_max_length(2).on_long_line(crate::LongLine::Skip));
    gives_the_chunk_back(LineBlocks::new());
    gives_the_chunk_back(Grep::literal("a"));
    gives_the_chunk_back(Grep::regex("^$").unwrap());
    gives_the_chunk_back(Grep::literal("a").count());
    gives_the_chunk_back(Grep::literals(["a", "b"]).invert());
}

#[test]
fn what_is_held_is_told() {
    assert!(Lines::new().with_max_length(1000).max_bytes().unwrap() < 1000 + 16 * 1024);
    assert_eq!(LineBlocks::new().with_max_length(1000).max_bytes(), Some(1002));
    assert_eq!(Grep::literal("a").with_max_length(1000).max_bytes(), Some(1002 + 16 * 1024 - 1));
    assert_eq!(Lines::new().unlimited_length().max_bytes(), None);
    assert_eq!(Grep::literal("a").unlimited_length().max_bytes(), None);
}

/// Many matching lines are not copied, few are put together.
#[test]
fn grep_slices_long_runs_and_gathers_short_ones() {
    let block = "match\n".repeat(1000);
    let input = format!("match 1\nno\nmatch 2\nno\n{block}no\nmatch 3\n");
    let chunk = Bytes::from(input);
    let (outputs, _) = drive(&mut Grep::literal("match"), from_ref(&chunk));
    assert_eq!(outputs, ["match 1\nmatch 2\n", &block[..], "match 3\n"]);
    assert!(is_slice(&outputs[1], &chunk) && !is_slice(&outputs[0], &chunk));
    let (outputs, _) = drive(&mut Grep::literal("absent"), &[chunk]);
    assert!(outputs.is_empty());
}

/// F35: an expression that looks past the match it finds, and one whose matches are no lines, in a large block.
#[test]
fn grep_searches_in_proportion_to_the_bytes() {
    let dense = Bytes::from("a b\n".repeat(50_000));
    let sparse = Bytes::from(format!("{}a b\n", "c\n".repeat(5_000)).repeat(20));
    for pattern in ["a[^x]*b|a", r"a\s[^x]*y", r"b\s+a", "^$", "a", r"\s"] {
        for block in [&dense, &sparse] {
            take_searched();
            drive(&mut Grep::regex(pattern).unwrap(), from_ref(block));
            let searched = take_searched();
            assert!(searched <= 8 * block.len(), "{searched} bytes for {pattern}");
        }
    }
}
