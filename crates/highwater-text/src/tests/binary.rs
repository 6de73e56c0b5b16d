//! Numbers and pieces, whatever the chunks and whenever a future is dropped: I53, F63, F65.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::Error;
use highwater_test::{Cue, Event, Log, Script, poll_once, run_woken};
use proptest::prelude::*;

use super::{all_cuts, cut};
use crate::{BinaryReader, TextExt};

type Reader = BinaryReader<Script<Bytes>>;

/// Pending before every chunk and before the end.
fn reader(cues: impl IntoIterator<Item = Cue<Bytes>>) -> Reader {
    let cues = cues.into_iter().flat_map(|cue| [Cue::Pending, cue]).chain([Cue::Pending]);
    Script::new(&Log::default(), cues).readable().binary()
}

fn of(chunks: Vec<Bytes>) -> Reader {
    reader(Cue::chunks(chunks))
}

/// Makes and drops the future of a call until one of them is ready.
macro_rules! patiently {
    ($call:expr) => {
        loop {
            if let Poll::Ready(output) = poll_once(pin!($call)) {
                break output;
            }
        }
    };
}

const INPUT: &[u8] = b"\x01\xFE\x12\x34\x12\x34\xFF\xFE\x01\x02\x03\x04\x01\x02\x03\x04\
    \x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE\
    \x3F\x80\x00\x00\xAC\x02exactly\0\0\0end";

/// Every call is dropped at every `Pending`, and made again: nothing is lost, and nothing is given twice.
fn read_all(mut reader: Reader) {
    assert_eq!(patiently!(reader.u8()).unwrap(), 1);
    assert_eq!(patiently!(reader.i8()).unwrap(), -2);
    assert_eq!(patiently!(reader.u16_be()).unwrap(), 0x1234);
    assert_eq!(patiently!(reader.u16_le()).unwrap(), 0x3412);
    assert_eq!(patiently!(reader.i16_be()).unwrap(), -2);
    assert_eq!(patiently!(reader.u32_be()).unwrap(), 0x0102_0304);
    assert_eq!(patiently!(reader.u32_le()).unwrap(), 0x0403_0201);
    assert_eq!(patiently!(reader.u64_be()).unwrap(), 0x0102_0304_0506_0708);
    assert_eq!(patiently!(reader.u64_le()).unwrap(), 0x0807_0605_0403_0201);
    assert_eq!(patiently!(reader.i64_be()).unwrap(), -2);
    assert_eq!(patiently!(reader.f32_be()).unwrap().to_bits(), 1_f32.to_bits());
    assert_eq!(patiently!(reader.varint()).unwrap(), 300);
    assert_eq!(patiently!(reader.exact(0)).unwrap(), "");
    assert_eq!(patiently!(reader.exact(7)).unwrap(), "exactly");
    assert!(!patiently!(reader.is_at_end()).unwrap());
    let start = reader.offset();
    while reader.offset() < start + 3 {
        let left = start + 3 - reader.offset();
        assert!(!matches!(poll_once(pin!(reader.skip(left))), Poll::Ready(Err(_))));
    }
    assert_eq!(patiently!(reader.array()).unwrap(), *b"end");
    assert!(patiently!(reader.is_at_end()).unwrap());
    assert_eq!(reader.offset(), INPUT.len() as u64);
}

#[test]
fn every_cut_and_every_drop_give_the_same() {
    for chunks in all_cuts(INPUT) {
        read_all(of(chunks));
    }
}

/// No wake-up is lost: the same by an executor that polls only what was woken.
#[test]
fn a_reader_is_woken() {
    for chunks in [cut(INPUT, &[]), cut(INPUT, &[1, 3, 9, 30, 30, 44])] {
        // One for each `Pending`: before each chunk and before the end; and the last.
        let polls = chunks.len() + 2;
        let mut reader = of(chunks);
        let read = async {
            reader.skip(40).await?;
            let float = reader.f32_be().await?;
            let number = reader.varint().await?;
            let piece = reader.exact(7).await?;
            reader.skip(6).await?;
            Ok::<_, Error>((float.to_bits(), number, piece, reader.is_at_end().await?))
        };
        let ran = run_woken(read).expect("every wake-up arrives");
        let expected = (1_f32.to_bits(), 300, Bytes::from("exactly"), true);
        assert_eq!(ran.output.unwrap(), expected);
        assert_eq!(ran.polls, polls);
    }
}

/// F65: input that ends inside of a number or piece is an error with the offset of the end; what is there can be read.
#[test]
fn an_end_is_never_a_number() {
    for end in 0..8 {
        for chunks in [cut(&INPUT[..end], &[]), cut(&INPUT[..end], &[end / 2])] {
            let mut reader = of(chunks);
            let check = |error: Error| {
                assert!(error.is_truncated());
                assert_eq!((error.stage(), error.offset()), (Some("binary"), Some(end as u64)));
            };
            check(patiently!(reader.u64_be()).unwrap_err());
            check(patiently!(reader.exact(8)).unwrap_err());
            assert_eq!(patiently!(reader.exact(end)).unwrap(), INPUT[..end]);
            check(patiently!(reader.u8()).unwrap_err());
            check(patiently!(reader.varint()).unwrap_err());
            check(patiently!(reader.skip(1)).unwrap_err());
            assert!(patiently!(reader.is_at_end()).unwrap());
        }
    }
    let mut reader = of(cut(b"abc", &[1]));
    assert!(patiently!(reader.skip(9)).unwrap_err().is_truncated());
    assert_eq!(reader.offset(), 3);
    let mut reader = of(cut(b"\x80\x80", &[1]));
    let error = patiently!(reader.varint()).unwrap_err();
    assert!(error.is_truncated());
}

/// An error of the stream comes in its place: what came before it can be read, and nothing comes after it.
#[test]
fn an_error_of_the_source_comes_in_its_place() {
    let cues = [Cue::Chunk(Bytes::from("ab")), Cue::Error, Cue::Chunk(Bytes::from("c"))];
    let mut reader = reader(cues);
    assert_eq!(patiently!(reader.u8()).unwrap(), b'a');
    let error = patiently!(reader.u16_be()).unwrap_err();
    assert_eq!(error.to_string(), "source failed (in script)");
    assert_eq!(patiently!(reader.u8()).unwrap(), b'b');
    assert!(patiently!(reader.u8()).unwrap_err().is_truncated());
}

/// F63: what was asked for is compared with the limit before anything is read or held.
#[test]
fn a_piece_has_a_limit() {
    let mut limited = of(cut(b"abcd", &[])).with_max_length(3);
    let error = patiently!(limited.exact(4)).unwrap_err();
    assert!(error.is_limit());
    assert_eq!(error.to_string(), "a piece of 4 bytes, where 3 are allowed (in binary, byte 0)");
    assert_eq!(patiently!(limited.exact(3)).unwrap(), "abc");
    let mut default = of(Vec::new());
    assert!(patiently!(default.exact((1 << 20) + 1)).unwrap_err().is_limit());
    assert!(patiently!(default.exact(1 << 20)).unwrap_err().is_truncated());
    let mut lifted = of(cut(b"abcd", &[])).unlimited_length();
    assert!(patiently!(lifted.exact(usize::MAX)).unwrap_err().is_truncated());
    let mut corrupt = of(cut(&[0x80; 10], &[3]));
    let error = patiently!(corrupt.varint()).unwrap_err();
    assert!(error.is_corrupt());
    assert_eq!((error.stage(), error.offset()), (Some("binary"), Some(0)));
}

/// A piece that came in one chunk is a slice of it, and a chunk of which nothing is left is let go of.
#[test]
fn a_piece_is_not_copied_and_no_chunk_is_kept() {
    let chunk = Bytes::from(vec![1; 100]);
    let mut reader = of(vec![chunk.clone()]);
    assert_eq!(patiently!(reader.u16_be()).unwrap(), 0x0101);
    assert_eq!(patiently!(reader.exact(96)).unwrap().as_ptr(), chunk[2..].as_ptr());
    assert!(!chunk.is_unique());
    assert_eq!(patiently!(reader.u16_be()).unwrap(), 0x0101);
    assert!(chunk.is_unique());
}

/// What is left goes on as a readable: the rest of the chunk, and of what was put together, first.
#[test]
fn the_rest_is_a_readable_again() {
    for chunks in all_cuts(b"\0\x07rest of it") {
        let mut reader = of(chunks);
        // This asks for more than is taken then, so that chunks have been put together.
        assert_eq!(patiently!(reader.u16_be()).unwrap(), 7);
        assert!(patiently!(reader.exact(11)).unwrap_err().is_truncated());
        assert_eq!(patiently!(reader.exact(1)).unwrap(), "r");
        let mut rest = pin!(reader.into_readable());
        let mut bytes = Vec::new();
        while let Some(chunk) = patiently!(poll_fn(|cx| rest.as_mut().poll_next(cx))) {
            bytes.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(bytes, b"est of it");
    }
}

/// The rest of a source that has ended is whole; the rest of one that has failed, and said so, is cut off: A5, A10.
/// Neither source is asked again, and both are let go of at their end.
#[test]
fn the_rest_of_a_source_that_is_over() {
    let chunk = || Cue::Chunk(Bytes::from("ab"));
    let mut ended = reader(vec![chunk()]);
    assert!(patiently!(ended.exact(3)).unwrap_err().is_truncated());
    let rest = run_woken(ended.into_readable().to_bytes()).expect("every wake-up arrives");
    assert_eq!(rest.output.unwrap(), "ab");

    let mut failed = reader(vec![chunk(), Cue::Error]);
    assert_eq!(patiently!(failed.exact(3)).unwrap_err().to_string(), "source failed (in script)");
    let mut rest = failed.into_readable();
    let read = async {
        assert_eq!(rest.next().await.unwrap().unwrap(), "ab");
        assert!(rest.next().await.unwrap().unwrap_err().is_premature_close());
        assert!(rest.next().await.is_none());
    };
    run_woken(read).expect("every wake-up arrives");

    let log = Log::default();
    let reader = Script::new(&log, [chunk(), Cue::Error]).readable().binary();
    let mut rest = reader.into_readable();
    let read = async {
        assert_eq!(rest.next().await.unwrap().unwrap(), "ab");
        assert_eq!(log.count(Event::SourceDropped), 0);
        assert_eq!(
            rest.next().await.unwrap().unwrap_err().to_string(),
            "source failed (in script)"
        );
        assert_eq!(log.count(Event::SourceDropped), 1);
        assert!(rest.next().await.is_none());
    };
    run_woken(read).expect("every wake-up arrives");
}

#[test]
fn the_rest_says_what_it_is() {
    let mut reader = of(cut(b"abcdef", &[3]));
    assert_eq!(patiently!(reader.u8()).unwrap(), b'a');
    let rest = reader.into_readable();
    assert_eq!(rest.size_hint().0, 1);
    assert_eq!(format!("{rest:?}"), "Readable(\"script -> binary\")");
}

proptest! {
    /// Random pieces of random chunks, against a plain cursor.
    #[test]
    fn pieces_against_a_cursor(
        input in proptest::collection::vec(any::<u8>(), 0..80),
        places in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        pieces in proptest::collection::vec((0..12_usize, any::<bool>()), 0..20),
    ) {
        let mut places: Vec<usize> = places.iter().map(|at| at.index(input.len() + 1)).collect();
        places.sort_unstable();
        let (mut reader, mut left) = (of(cut(&input, &places)), &input[..]);
        for (length, skipped) in pieces {
            if length > left.len() {
                prop_assert!(patiently!(reader.exact(length)).unwrap_err().is_truncated());
                continue;
            }
            let (piece, behind) = left.split_at(length);
            if skipped {
                let end = reader.offset() + length as u64;
                while reader.offset() < end {
                    let left = end - reader.offset();
                    prop_assert!(!matches!(poll_once(pin!(reader.skip(left))), Poll::Ready(Err(_))));
                }
            } else {
                prop_assert_eq!(patiently!(reader.exact(length)).unwrap(), piece);
            }
            left = behind;
            prop_assert_eq!(reader.offset(), (input.len() - left.len()) as u64);
        }
    }
}
