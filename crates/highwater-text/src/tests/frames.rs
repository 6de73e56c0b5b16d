//! Frames both ways: I53, F63, F64, F65, C53.

use bytes::Bytes;
use highwater_core::{Readable, Transform};
use proptest::prelude::*;

use super::{Failure, all_cuts, cut, drive, keeps_no_chunk};
use crate::{Frames, Prefix, TextExt, ToFrames, frames, to_frames};

const PREFIXES: [Prefix; 8] = [
    Prefix::U8,
    Prefix::U16Be,
    Prefix::U16Le,
    Prefix::U32Be,
    Prefix::U32Le,
    Prefix::U64Be,
    Prefix::U64Le,
    Prefix::Varint,
];

/// A length as its prefix has it, written down by hand.
fn prefix_of(prefix: Prefix, length: usize) -> Vec<u8> {
    let le = (length as u64).to_le_bytes();
    let be = |width: usize| le[..width].iter().rev().copied().collect();
    match prefix {
        Prefix::U8 => le[..1].to_vec(),
        Prefix::U16Le => le[..2].to_vec(),
        Prefix::U32Le => le[..4].to_vec(),
        Prefix::U64Le => le.to_vec(),
        Prefix::U16Be => be(2),
        Prefix::U32Be => be(4),
        Prefix::U64Be => be(8),
        Prefix::Varint => match length {
            0..0x80 => vec![le[0]],
            0x80..0x4000 => vec![le[0] | 0x80, (length >> 7).to_le_bytes()[0]],
            _ => vec![
                le[0] | 0x80,
                (length >> 7).to_le_bytes()[0] | 0x80,
                (length >> 14).to_le_bytes()[0],
            ],
        },
    }
}

fn written(prefix: Prefix, payloads: &[&[u8]]) -> Vec<u8> {
    payloads.iter().flat_map(|p| [&prefix_of(prefix, p.len())[..], p].concat()).collect()
}

fn read(machine: Frames, chunks: Vec<Bytes>) -> (Vec<Bytes>, Option<Failure>) {
    let mut machine = machine;
    let (frames, error) = drive(&mut machine, chunks);
    (frames, error.map(|error| Failure::of(&error)))
}

/// F65: every cut gives the same frames; the input that ends at any byte is an error with that offset, behind the whole
/// frames, and never a part of one.
#[test]
fn every_cut_and_every_end() {
    let payloads: [&[u8]; 5] = [b"hi", b"", b"", b"frame", b"x"];
    for prefix in PREFIXES {
        let input = written(prefix, &payloads);
        for end in 0..=input.len() {
            let (mut whole, mut at) = (0, 0);
            while let Some(payload) = payloads.get(whole) {
                let next = at + prefix_of(prefix, payload.len()).len() + payload.len();
                if next > end {
                    break;
                }
                (whole, at) = (whole + 1, next);
            }
            let failure = (at < end).then_some(Failure::Truncated(end as u64));
            for chunks in all_cuts(&input[..end]) {
                let (given, error) = read(frames(prefix), chunks);
                assert_eq!(
                    (&given[..], error),
                    (&payloads.map(Bytes::from_static)[..whole], failure)
                );
            }
        }
    }
}

/// F63: a length over the limit is an error at its last byte, with the offset of the frame, whatever it promises.
#[test]
fn a_frame_that_is_too_long_is_an_error_before_its_first_byte() {
    for prefix in PREFIXES {
        let input = [written(prefix, &[b"abc"]), written(prefix, &[b"abcd"])].concat();
        let begins = input.len() - prefix_of(prefix, 4).len() - 4;
        for chunks in all_cuts(&input[..input.len() - 4]) {
            let (given, error) = read(frames(prefix).with_max_length(3), chunks);
            assert_eq!(
                (given, error),
                (vec![Bytes::from("abc")], Some(Failure::Limit(begins as u64)))
            );
        }
        assert_eq!(read(frames(prefix).with_max_length(4), cut(&input, &[])).1, None);
    }
    let longest = [0xFF; 8];
    for (prefix, width) in
        [(Prefix::U32Be, 4), (Prefix::U32Le, 4), (Prefix::U64Be, 8), (Prefix::U64Le, 8)]
    {
        assert_eq!(read(frames(prefix), cut(&longest[..width], &[])).1, Some(Failure::Limit(0)));
    }
}

/// The default is a mebibyte, of which not one byte more; and it can be lifted.
#[test]
fn the_default_maximum_is_a_mebibyte() {
    let payload = vec![7; (1 << 20) + 1];
    let input = written(Prefix::U32Be, &[&payload]);
    assert_eq!(read(frames(Prefix::U32Be), cut(&input, &[])).1, Some(Failure::Limit(0)));
    let (given, error) = read(frames(Prefix::U32Be).unlimited_length(), cut(&input, &[500_000]));
    assert_eq!((given, error), (vec![Bytes::from(payload.clone())], None));
    let input = written(Prefix::U32Be, &[&payload[1..]]);
    assert_eq!(read(frames(Prefix::U32Be), cut(&input, &[])).1, None);

    let (mut short, mut long) = (Bytes::from(payload.clone()), Bytes::from(payload));
    assert!(to_frames(Prefix::U32Be).write(long.clone()).unwrap_err().is_limit());
    assert!(to_frames(Prefix::U32Be).write(long.split_off(1)).is_ok());
    assert!(to_frames(Prefix::U32Be).unlimited_length().write(short.split_to(2)).is_ok());
    assert_eq!(frames(Prefix::U8).unlimited_length().max_bytes(), None);
    assert_eq!(frames(Prefix::U8).with_max_length(9).max_bytes(), Some(9));
}

/// A length of variable width of more than 64 bits is corrupt, at its last byte, and not one byte is read on.
#[test]
fn a_variable_width_has_an_end() {
    let corrupt = |bytes: &[u8]| read(frames(Prefix::Varint), cut(bytes, &[])).1;
    assert_eq!(corrupt(&[0x80; 10]), Some(Failure::Corrupt(0)));
    assert_eq!(corrupt(b"\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), Some(Failure::Corrupt(1)));
    assert_eq!(corrupt(b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), Some(Failure::Limit(0)));
    // More bytes than it takes are read as well.
    let (given, error) = read(frames(Prefix::Varint), cut(b"\x82\x80\x00hi", &[1]));
    assert_eq!((given, error), (vec![Bytes::from("hi")], None));
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let payload = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..5),
        1 => proptest::collection::vec(any::<u8>(), 100..300),
        1 => proptest::collection::vec(any::<u8>(), 4000..17_000),
    ];
    proptest::collection::vec(payload, 0..8)
}

proptest! {
    #[test]
    fn there_and_back(payloads in payloads(), places in proptest::collection::vec(any::<prop::sample::Index>(), 0..9)) {
        for prefix in &PREFIXES[1..] {
            let chunks = payloads.iter().map(|payload| Bytes::from(payload.clone()));
            let (there, error) = drive(&mut to_frames(*prefix), chunks);
            prop_assert!(error.is_none());
            let there = there.concat();
            let plain: Vec<&[u8]> = payloads.iter().map(|payload| &payload[..]).collect();
            prop_assert_eq!(&there, &written(*prefix, &plain));
            let mut places: Vec<usize> = places.iter().map(|place| place.index(there.len() + 1)).collect();
            places.sort_unstable();
            let (back, failure) = read(frames(*prefix), cut(&there, &places));
            prop_assert_eq!(failure, None);
            prop_assert_eq!(back, payloads.iter().map(|p| Bytes::from(p.clone())).collect::<Vec<_>>());
        }
    }
}

/// A chunk that its prefix cannot say is an error and leaves nothing behind.
#[test]
fn a_prefix_has_no_room() {
    for (prefix, most) in [(Prefix::U8, 0xFF), (Prefix::U16Be, 0xFFFF), (Prefix::U16Le, 0xFFFF)] {
        let fits = to_frames(prefix).write(Bytes::from(vec![0; most])).unwrap().unwrap();
        assert!(fits.starts_with(&prefix_of(prefix, most)));
        let error = to_frames(prefix).write(Bytes::from(vec![0; most + 1])).unwrap_err();
        assert!(error.is_limit());
        assert!(error.to_string().contains("has no room in U"), "{error}");
    }
    let error = ToFrames::new(Prefix::U8).with_max_length(1).write(Bytes::from("ab")).unwrap_err();
    assert_eq!(error.to_string(), "a frame of 2 bytes, where 1 are allowed");
}

/// A frame that came in one chunk is a slice of it, and a long one is written without a copy.
#[test]
fn long_frames_are_not_copied() {
    let input = Bytes::from(written(Prefix::U16Be, &[&[7; 5000], b"x"]));
    let (given, _) = drive(&mut frames(Prefix::U16Be), [input.clone()]);
    assert_eq!(
        (given[0].as_ptr(), given[1].as_ptr()),
        (input[2..].as_ptr(), input[5004..].as_ptr())
    );
    let (there, _) = drive(&mut to_frames(Prefix::U16Be), given.clone());
    assert_eq!(there.iter().map(Bytes::len).collect::<Vec<_>>(), [2, 5000, 3]);
    assert_eq!(there[1].as_ptr(), given[0].as_ptr());
}

#[test]
fn no_chunk_is_kept() {
    keeps_no_chunk(frames(Prefix::U16Be), b"\0\x02hi\0");
    keeps_no_chunk(frames(Prefix::U16Be), b"\0\x02hi\0\x05par");
    keeps_no_chunk(frames(Prefix::U16Be), b"\0\x02hi\0\0");
    keeps_no_chunk(to_frames(Prefix::U16Be), b"abcd");
}

#[tokio::test(flavor = "current_thread")]
async fn in_a_pipeline_the_error_says_where() {
    let chunks = [&b"\x02hi\x09"[..], b"..."].map(Bytes::from);
    let mut whole =
        Readable::from_iter(chunks.clone()).pipe(Frames::new(Prefix::U8).with_max_length(8));
    assert_eq!(whole.next().await.unwrap().unwrap(), "hi");
    let error = whole.next().await.unwrap().unwrap_err();
    let text = "a frame of 9 bytes, where 8 are allowed (in frames, byte 3, chunk 0)";
    assert_eq!(error.to_string(), text);
    let error = Readable::from_iter(chunks).frames(Prefix::U8).to_vec().await.unwrap_err();
    assert_eq!(error.to_string(), "the input ended inside a frame (in frames, byte 7, chunk 1)");
}
