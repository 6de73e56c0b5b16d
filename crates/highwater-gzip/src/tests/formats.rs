//! Zlib and raw deflate, both ways.

use bytes::Bytes;

use super::{Kind, Random, SEED, pack, pieces, run, unpack, unpack_all_ways};
use crate::{Format, Gunzip, Gzip, Trailing};

const BOTH: [Format; 2] = [Format::Zlib, Format::Deflate];

fn packed(format: Format, text: &[u8]) -> Vec<u8> {
    pack(Gzip::new(6).with_format(format), text.to_vec())
}

#[test]
fn both_come_back() {
    let text = Random(SEED).text(100_000);
    for format in BOTH {
        for text in [&text[..], &text[..300], b""] {
            let packed = packed(format, text);
            assert!(unpack(Gunzip::new().with_format(format), &packed).whole() == text);
            assert!(run(Gunzip::new().with_format(format), pieces(&packed, 1)).whole() == text);
            let packed = run(Gzip::new(6).with_format(format), pieces(text, 1000)).whole();
            assert!(unpack(Gunzip::new().with_format(format), &packed).whole() == text);
        }
    }
    assert_eq!(packed(Format::Zlib, b"")[..2], [0x78, 0x9c], "RFC 1950, 2.2");
    assert_eq!(packed(Format::Deflate, b""), [3, 0]);
}

/// I30b: cut off anywhere.
#[test]
fn every_strict_prefix_is_truncated() {
    for format in BOTH {
        let packed = packed(format, &Random(SEED).text(200));
        for end in 0..packed.len() {
            let outcome = unpack(Gunzip::new().with_format(format), &packed[..end]);
            assert_eq!(outcome.failed().1, Kind::Truncated, "{format:?} cut off at {end}");
        }
    }
    assert_eq!(run(Gunzip::new().with_format(Format::Zlib).allow_empty(), []).whole(), b"");
}

/// F40, for zlib: each flip is an error, or harmless; raw deflate has nothing to notice it by.
#[test]
fn every_single_bit_of_zlib_that_flips_is_noticed() {
    let text = Random(SEED).text(200);
    let packed = packed(Format::Zlib, &text);
    let gunzip = || Gunzip::new().with_format(Format::Zlib);
    for bit in 0..packed.len() * 8 {
        let mut broken = packed.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        let outcome = unpack(gunzip(), &broken);
        assert_eq!(run(gunzip(), pieces(&broken, 1)), outcome, "bit {bit}");
        assert!(outcome.error.is_some() || outcome.output == text, "bit {bit}");
    }
}

#[test]
fn what_is_wrong_with_zlib_is_said() {
    let gunzip = || Gunzip::new().with_format(Format::Zlib);
    let says = |bytes: &[u8], what: &str| {
        let outcome = unpack_all_ways(gunzip, bytes);
        let failure = outcome.error.expect("an error");
        assert!(failure.kind == Kind::Corrupt && failure.text.contains(what), "{failure:?}");
    };
    let whole = packed(Format::Zlib, b"text");
    let mut broken = whole.clone();
    *broken.last_mut().unwrap() ^= 1;
    says(&broken, "Adler-32");
    says(b"\x1f\x8b\x08\0", "not zlib");
    says(b"hello", "not zlib");
    // FDICT is set, and the check bits are right.
    says(b"\x78\xbb\x00\x00\x00\x01", "preset dictionary");
    says(&[&whole[..], b"x"].concat(), "follows");
}

/// There are no members: what follows is what follows, and zeros are padding.
#[test]
fn there_is_one_and_no_more() {
    for format in BOTH {
        let gunzip = || Gunzip::new().with_format(format);
        let one = packed(format, b"one");
        let twice = [&one[..], &one].concat();
        let failed = unpack_all_ways(gunzip, &twice).failed();
        assert_eq!(failed, (b"one".to_vec(), Kind::Corrupt, one.len() as u64));
        assert_eq!(unpack_all_ways(gunzip, &[&one[..], &[0; 3]].concat()).whole(), b"one");
        // Not even what would begin a gzip member.
        for gzip in [&b"\x1f"[..], b"\x1f\x8b\x08"] {
            let failed = unpack_all_ways(gunzip, &[&one[..], gzip].concat()).failed();
            assert_eq!(failed, (b"one".to_vec(), Kind::Corrupt, one.len() as u64));
        }
        let gunzip = gunzip().with_trailing(Trailing::Return);
        let info = gunzip.info();
        assert_eq!(unpack(gunzip, &twice).whole(), b"one");
        assert_eq!((info.rest(), info.members()), (Bytes::from(one), 1));
        assert_eq!(info.header(), None);
    }
}
