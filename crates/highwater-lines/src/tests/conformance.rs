//! The machines pass the suite that every machine passes: I27, I33, I38, I53, I56, F36.

use bytes::Bytes;
use highwater_core::Error;
use highwater_test::{Case, conformance_bytes};

use crate::{Grep, LineBlocks, Lines, LongLine};

#[test]
fn lines() {
    conformance_bytes(
        Lines::new,
        [
            Case::bytes(""),
            Case::bytes("one\ntwo\r\n\nfour").gives(["one", "two", "", "four"]),
            Case::bytes("\r\r\n\r").gives(["\r", "\r"]),
        ],
    );
}

#[test]
fn lines_with_a_limit() {
    let case = || Case::bytes("ab\nabcde\nabc\n").with_name("a long line");
    // Exactly the maximum, and a last line that is held when its chunk is asked for.
    let fits = || Case::bytes("abc\r\nabc\nab").gives(["abc", "abc", "ab"]);
    let fails = case().gives(["ab"]).fails(|error| error.is_limit() && error.offset() == Some(3));
    conformance_bytes(|| Lines::new().with_max_length(3), [fits(), fails]);
    // More bytes than it says it holds, so that a chunk that is kept is found.
    let many = Case::bytes("abc\n".repeat(3000) + "ab");
    let lines = std::iter::repeat_n("abc", 3000).chain(["ab"]);
    conformance_bytes(
        || Lines::new().with_max_length(3),
        [many.gives(lines).with_name("many lines")],
    );
    let on_long_line = |policy| move || Lines::new().with_max_length(3).on_long_line(policy);
    conformance_bytes(on_long_line(LongLine::Skip), [fits(), case().gives(["ab", "abc"])]);
    conformance_bytes(
        on_long_line(LongLine::Truncate),
        [fits(), case().gives(["ab", "abc", "abc"])],
    );
}

/// A block is released as soon as it is whole, so nothing but a partial line is held.
#[test]
fn line_blocks() {
    conformance_bytes(
        LineBlocks::new,
        [
            Case::bytes(""),
            Case::bytes("one\ntwo\n").gives_joined("one\ntwo\n"),
            Case::bytes("one\ntwo").gives_where(|blocks: &[Bytes]| {
                blocks.concat() == b"one\ntwo"
                    && blocks[..blocks.len() - 1].iter().all(|b| b.ends_with(b"\n"))
            }),
        ],
    );
}

#[test]
fn grep() {
    conformance_bytes(
        || Grep::from("two"),
        [
            Case::bytes("one\n"),
            Case::bytes("one\ntwo\nthree\ntwo, again").gives_joined("two\ntwo, again\n"),
        ],
    );
    let long = Case::bytes("two\ntwo two two\n").gives_joined("two\n").fails(Error::is_limit);
    conformance_bytes(|| Grep::from("two").with_max_length(5), [long]);
}
