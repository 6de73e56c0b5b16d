//! Decompressing: I30b, I53, I58, D.3, F39 to F43, F48, C56 to C60, C62.

use bytes::Bytes;
use highwater_core::Transform;

use super::{Kind, Random, SEED, drive, pack, pieces, run, unpack, unpack_all_ways};
use crate::{Gunzip, Gzip, Header, Trailing};

fn member(text: &str) -> Vec<u8> {
    pack(Gzip::new(6), text.to_owned())
}

/// One of each kind: a member with every field, stored, fixed and dynamic blocks, several members with padding.
fn fixtures() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let header = Header {
        name: Some("name".into()),
        comment: Some("comment".into()),
        extra: Some("XY\x02\0ab".into()),
        ..Header::default()
    };
    let text = Random(SEED).text(400);
    let fields = pack(Gzip::new(6).with_header(header).unwrap(), "with fields");
    let several = [member("one"), member(""), member("three"), vec![0; 7]].concat();
    vec![
        ("fields", fields, b"with fields".to_vec()),
        (
            "stored",
            pack(Gzip::new(0), "stored, not compressed"),
            b"stored, not compressed".to_vec(),
        ),
        ("dynamic", pack(Gzip::new(9), text.clone()), text),
        ("several", several, b"onethree".to_vec()),
    ]
}

/// I53: all cuts give the same.
#[test]
fn how_it_is_cut_makes_no_difference() {
    for (name, packed, text) in fixtures() {
        assert_eq!(unpack_all_ways(Gunzip::new, &packed).whole(), text, "{name}");
    }
}

/// I30b, F39, C56: cut off anywhere, it is truncated there, but where a member or the padding ends. What could be
/// decompressed comes first, and is a prefix.
/// Shows I58.
#[test]
fn every_strict_prefix_is_truncated() {
    for (name, packed, text) in fixtures() {
        let ends: &[usize] = match name {
            "several" => &[23, 43],
            _ => &[],
        };
        let mut longest = 0;
        for end in 0..packed.len() {
            let outcome = unpack(Gunzip::new(), &packed[..end]);
            assert!(text.starts_with(&outcome.output), "{name} cut off at {end}");
            assert!(outcome.output.len() >= longest, "{name} cut off at {end}");
            longest = outcome.output.len();
            if ends.contains(&end) || name == "several" && end >= 68 {
                outcome.whole();
            } else {
                let (_, kind, offset) = outcome.failed();
                assert_eq!(
                    (kind, offset),
                    (Kind::Truncated, end as u64),
                    "{name} cut off at {end}"
                );
            }
        }
        assert_eq!(longest, text.len(), "{name}: all of it comes before the trailer is missed");
    }
}

/// I58, F40: with one bit changed it is an error, or the output is the same; never another output and no error. And
/// that does not depend on how it is cut (I53).
#[test]
fn every_single_bit_that_flips_is_noticed_or_harmless() {
    let (mut noticed, mut harmless) = (0, 0);
    for (name, packed, text) in fixtures() {
        for bit in 0..packed.len() * 8 {
            let mut broken = packed.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let outcome = unpack(Gunzip::new(), &broken);
            assert_eq!(run(Gunzip::new(), pieces(&broken, 1)), outcome, "{name}, bit {bit}");
            assert_eq!(run(Gunzip::new(), pieces(&broken, 7)), outcome, "{name}, bit {bit}");
            if outcome.error.is_some() {
                noticed += 1;
            } else {
                assert_eq!(outcome.output, text, "{name}, bit {bit}");
                harmless += 1;
            }
        }
    }
    assert!(noticed > 2000 && harmless > 200, "{noticed} noticed, {harmless} harmless");
}

/// D.3: what follows a member.
#[test]
fn what_may_follow_a_member() {
    let (one, two) = (member("one"), member("two"));
    let after = |rest: &[u8]| unpack_all_ways(Gunzip::new, &[&one[..], rest].concat());
    let length = one.len() as u64;
    assert_eq!(after(&two).whole(), b"onetwo");
    for zeros in [1, 2, 511, 512, 1024] {
        assert_eq!(after(&vec![0; zeros]).whole(), b"one", "F41: {zeros} zeros");
    }
    for garbage in 1..=32 {
        let (output, kind, offset) =
            after(&b"garbage, and more of that than 32"[..garbage]).failed();
        assert_eq!((&output[..], kind, offset), (&b"one"[..], Kind::Corrupt, length), "F42");
    }
    assert_eq!(after(b"\x1f").failed(), (b"one".to_vec(), Kind::Truncated, length + 1));
    assert_eq!(after(b"\x1f\x8c").failed(), (b"one".to_vec(), Kind::Corrupt, length));
    assert_eq!(after(b"\x1f\x8b\x07").failed(), (b"one".to_vec(), Kind::Corrupt, length + 2));
    assert_eq!(after(b"\0\0\x01").failed(), (b"one".to_vec(), Kind::Corrupt, length + 2));
    // A member behind padding is none: gzip(1) ignores it, Python reads it, and here it is not lost unnoticed.
    let behind_zeros = [&[0, 0], &two[..]].concat();
    assert_eq!(after(&behind_zeros).failed(), (b"one".to_vec(), Kind::Corrupt, length + 2));
}

/// F42, C58: garbage is an error at once: nobody waits for ten bytes, or for the end.
#[test]
fn garbage_is_an_error_before_more_comes() {
    for garbage in ["g", "\x1fg", "\0g"] {
        let mut gunzip = Gunzip::new();
        let packed = [&member("one")[..], garbage.as_bytes()].concat();
        assert_eq!(gunzip.write(packed.into()).unwrap().unwrap(), "one");
        assert!(gunzip.read().unwrap_err().is_corrupt(), "{garbage:?}");
    }
    for start in ["P", "\x1fK", "\x1f\u{8b}"] {
        assert!(Gunzip::new().write(start.into()).unwrap_err().is_corrupt(), "{start:?}");
    }
}

#[test]
fn what_is_not_gzip_fails_at_its_first_wrong_byte() {
    for (start, offset) in [(&b"PK\x03\x04"[..], 0), (b"\x1f\x9d\x90", 1), (b"\x1f\x8b\x07", 2)] {
        let outcome = unpack_all_ways(Gunzip::new, start);
        assert_eq!(outcome.failed(), (vec![], Kind::Corrupt, offset));
    }
    let text = unpack(Gunzip::new(), b"hello").error.unwrap().text;
    assert_eq!(text, "not gzip: 0x68 where 0x1f is due (byte 0)");
}

/// D.3, C60.
#[test]
fn an_empty_input_is_an_error_unless_allowed() {
    assert_eq!(unpack(Gunzip::new(), b"").failed(), (vec![], Kind::Truncated, 0));
    assert_eq!(run(Gunzip::new(), []).failed(), (vec![], Kind::Truncated, 0));
    assert_eq!(run(Gunzip::new().allow_empty(), []).whole(), b"");
    assert_eq!(unpack(Gunzip::new().allow_empty(), b"").whole(), b"");
    assert_eq!(unpack(Gunzip::new().allow_empty(), b"\x1f").failed().1, Kind::Truncated);
    assert_eq!(unpack(Gunzip::new().allow_empty(), &member("")).whole(), b"");
}

/// C57: a member that ends at every offset of a chunk.
#[test]
fn members_may_end_anywhere_in_a_chunk() {
    let packed = [member("one"), member("two"), member(""), member("four")].concat();
    for first in 0..=packed.len() {
        for second in first..=packed.len() {
            let parts = [&packed[..first], &packed[first..second], &packed[second..]];
            let outcome = run(Gunzip::new(), parts.map(Bytes::copy_from_slice));
            assert_eq!(outcome.whole(), b"onetwofour");
        }
    }
}

/// F43, I58: 100 000 tiny members, half of them empty; the outputs are gathered, whatever the members.
#[test]
fn a_hundred_thousand_members() {
    let packed = [member(""), member("x")].concat().repeat(50_000);
    for size in [packed.len(), 64 * 1024, 1000] {
        let gunzip = &mut Gunzip::new();
        let info = gunzip.info();
        let (mut length, mut chunks) = (0, 0);
        drive(gunzip, pieces(&packed, size), |given| {
            assert!(given.iter().all(|byte| *byte == b'x'));
            length += given.len();
            chunks += 1;
        })
        .unwrap();
        assert_eq!((length, info.members()), (50_000, 100_000));
        assert!(chunks <= packed.len().div_ceil(size), "{chunks} chunks");
    }
}

/// F48: each of the two is checked, and the error stands where it does.
#[test]
fn a_wrong_crc_or_length_comes_behind_the_data() {
    let packed = member("data");
    for (byte, what) in [(0, "CRC-32"), (3, "CRC-32"), (4, "length"), (7, "length")] {
        let mut broken = packed.clone();
        let place = packed.len() - 8 + byte;
        broken[place] ^= 0x40;
        let outcome = unpack_all_ways(Gunzip::new, &broken);
        assert!(outcome.error.as_ref().unwrap().text.contains(what), "{outcome:?}");
        let field = (place - byte % 4) as u64;
        assert_eq!(outcome.failed(), (b"data".to_vec(), Kind::Corrupt, field));
    }
}

/// C62: what comes before broken data is given.
#[test]
fn what_comes_before_broken_data_is_given() {
    let text = Random(SEED).bytes(100_000);
    let mut packed = pack(Gzip::new(0), text.clone());
    let middle = packed.len() / 2;
    // A stored block says its length twice.
    let block = packed[..middle].len() - 10;
    packed.truncate(10 + block);
    packed.extend_from_slice(&[0xff; 100]);
    let (output, ..) = unpack(Gunzip::new(), &packed).failed();
    assert!(output.len() > 49_000 && text.starts_with(&output[..49_000]), "{}", output.len());
}

#[test]
fn trailing_data_can_be_ignored() {
    let ignoring = || Gunzip::new().with_trailing(Trailing::Ignore);
    for (rest, ignored) in
        [(&b""[..], 0), (b"\0\0", 0), (b"garbage", 7), (b"\0\0g\0", 2), (b"\x1fg", 2)]
    {
        let packed = [&member("one")[..], rest].concat();
        assert_eq!(unpack_all_ways(ignoring, &packed).whole(), b"one");
        let gunzip = ignoring();
        let info = gunzip.info();
        run(gunzip, pieces(&packed, 1)).whole();
        assert_eq!((info.ignored(), info.members()), (ignored, 1), "{rest:?}");
        assert_eq!(info.bytes_in(), packed.len() as u64);
    }
    // The start of a member at the very end is no garbage.
    let half = [&member("one")[..], b"\x1f"].concat();
    assert_eq!(unpack(ignoring(), &half).failed().1, Kind::Truncated);
}

/// Together, the rest that is given back and what was not taken are what follows, wherever it is cut.
#[test]
fn trailing_data_can_be_given_back() {
    let two = [member("one"), member("two")].concat();
    for rest in [&b""[..], b"garbage", b"\0\0", b"\x1f", b"\x1fg"] {
        let packed = [&two[..], rest].concat();
        for cut in 0..=packed.len() {
            let mut chunks =
                [&packed[..cut], &packed[cut..]].map(Bytes::copy_from_slice).into_iter();
            let mut gunzip = Gunzip::new().with_trailing(Trailing::Return);
            let (info, mut output) = (gunzip.info(), Vec::new());
            drive(&mut gunzip, chunks.by_ref(), |given| output.extend_from_slice(&given)).unwrap();
            let left: Vec<u8> = [info.rest()].into_iter().chain(chunks).flatten().collect();
            assert_eq!((&output[..], &left[..]), (&b"onetwo"[..], rest), "cut at {cut}");
            assert_eq!((info.members(), info.bytes_in()), (2, two.len() as u64));
            assert_eq!(gunzip.is_done(), !rest.is_empty());
        }
    }
}

/// The end of the first member is enough: nothing behind it has to come, and nothing of it is taken.
#[test]
fn a_single_member_can_be_taken_out() {
    let packed = [member("one"), member("two")].concat();
    let mut gunzip = Gunzip::new().single_member().with_trailing(Trailing::Return);
    let info = gunzip.info();
    let end = member("one").len();
    assert_eq!(gunzip.write(Bytes::copy_from_slice(&packed[..end])).unwrap().unwrap(), "one");
    assert_eq!(gunzip.read().unwrap(), None);
    assert!(gunzip.is_done() && info.rest().is_empty());

    let gunzip = Gunzip::new().single_member().with_trailing(Trailing::Return);
    let info = gunzip.info();
    assert_eq!(unpack(gunzip, &packed).whole(), b"one");
    assert_eq!(info.rest(), member("two"));

    let single = || Gunzip::new().single_member();
    let failed = unpack_all_ways(single, &packed).failed();
    assert_eq!(failed, (b"one".to_vec(), Kind::Corrupt, end as u64));
    assert_eq!(unpack_all_ways(single, &[&member("one")[..], &[0; 9]].concat()).whole(), b"one");
}

#[test]
fn the_info_is_up_to_date_at_every_output() {
    let packed = [member("one"), pack(Gzip::new(6), vec![7; 200_000])].concat();
    let mut gunzip = Gunzip::new();
    let info = gunzip.info();
    assert_eq!((info.header(), info.members()), (None, 0));
    let mut length = 0;
    drive(&mut gunzip, [Bytes::from(packed.clone())], |given| {
        length += given.len() as u64;
        assert!(info.bytes_out() >= length && info.header().is_some());
    })
    .unwrap();
    assert_eq!((info.bytes_in(), info.bytes_out()), (packed.len() as u64, 200_003));
    assert_eq!((info.members(), info.ignored(), info.rest()), (2, 0, Bytes::new()));
}
