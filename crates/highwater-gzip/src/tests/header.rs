//! What stands in front of the data: F44.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;

use super::{Kind, pack, run, unpack, unpack_all_ways};
use crate::{Gunzip, Gzip, Header};

/// A member with these flags and fields, and "x" in it.
fn member(flags: u8, fields: &[u8]) -> Vec<u8> {
    let data = pack(Gzip::new(6), "x");
    [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3], fields, &data[10..]].concat()
}

/// With the CRC of all that stands before it.
fn with_crc(flags: u8, fields: &[u8]) -> Vec<u8> {
    let start = [&[0x1f, 0x8b, 8, flags | 2, 0, 0, 0, 0, 0, 3], fields].concat();
    let crc = crc32fast::hash(&start).to_le_bytes();
    member(flags | 2, &[fields, &crc[..2]].concat())
}

/// The header that is found.
fn found(packed: &[u8]) -> Header {
    let gunzip = Gunzip::new();
    let info = gunzip.info();
    unpack(gunzip, packed).whole();
    info.header().unwrap()
}

#[test]
fn what_is_put_in_is_found() {
    let all = Header {
        name: Some("Stra\u{df}e.txt".into()),
        comment: Some(Bytes::new()),
        modified: Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
        extra: Some("AB\x01\0!".into()),
        system: 3,
    };
    let none = Header::default();
    let longest = Header { extra: Some(vec![1; 65_000].into()), ..Header::default() };
    for header in [all, none, longest] {
        let packed = pack(Gzip::new(6).with_header(header.clone()).unwrap(), "x");
        assert_eq!(found(&packed), header);
    }
}

/// RFC 1952, 2.3.1: the fields in their order, and XFL for the two ends of the scale.
#[test]
fn the_header_is_as_the_rfc_says() {
    let header = Header {
        name: Some("n".into()),
        comment: Some("c".into()),
        modified: Some(UNIX_EPOCH + Duration::from_secs(0x0403_0201)),
        extra: Some("e".into()),
        system: 7,
    };
    let packed = pack(Gzip::new(9).with_header(header).unwrap(), "x");
    assert_eq!(packed[..17], *b"\x1f\x8b\x08\x1c\x01\x02\x03\x04\x02\x07\x01\0en\0c\0");
    let effort = |level| pack(Gzip::new(level), "x")[8];
    assert_eq!([0, 1, 2, 6, 8, 9].map(effort), [0, 4, 0, 0, 0, 2]);
}

#[test]
fn a_time_that_cannot_be_said_is_left_out() {
    let end = Duration::from_secs(u64::from(u32::MAX));
    let second = Duration::from_secs(1);
    for (time, kept) in [
        (UNIX_EPOCH - second, false),
        (UNIX_EPOCH, false),
        (UNIX_EPOCH + second, true),
        (UNIX_EPOCH + end, true),
        (UNIX_EPOCH + end + second, false),
    ] {
        let header = Header { modified: Some(time), ..Header::default() };
        let packed = pack(Gzip::new(6).with_header(header).unwrap(), "x");
        assert_eq!(found(&packed).modified, Some(time).filter(|_| kept));
    }
}

#[test]
fn a_header_that_cannot_be_written_is_refused() {
    let nul = Header { name: Some("a\0b".into()), ..Header::default() };
    assert!(Gzip::new(6).with_header(nul).unwrap_err().to_string().contains("NUL in the name"));
    let nul = Header { comment: Some("\0".into()), ..Header::default() };
    assert!(Gzip::new(6).with_header(nul).unwrap_err().to_string().contains("NUL in the comment"));
    let long = |name: usize, extra: usize| Header {
        name: Some(vec![b'n'; name].into()),
        extra: Some(vec![b'e'; extra].into()),
        ..Header::default()
    };
    assert!(Gzip::new(6).with_header(long(1, 65_536)).unwrap_err().is_limit());
    // Ten bytes, a name and its NUL, a length and the extra field: 65,536 in all.
    assert!(Gzip::new(6).with_header(long(524, 65_000)).unwrap_err().is_limit());
    let packed = pack(Gzip::new(6).with_header(long(523, 65_000)).unwrap(), "x");
    assert_eq!(unpack(Gunzip::new(), &packed).whole(), b"x");
}

/// F44: every set of fields, cut everywhere, with and without a CRC.
#[test]
fn every_set_of_fields_is_read() {
    let parts: [(u8, &[u8]); 4] =
        [(1, b""), (4, b"\x03\0abc"), (8, b"name\0"), (16, b"a comment\0")];
    for set in 0..16_u8 {
        let mut flags = 0;
        let mut fields = Vec::new();
        for (index, (flag, field)) in parts.iter().enumerate() {
            if set & (1 << index) != 0 {
                flags |= flag;
                fields.extend_from_slice(field);
            }
        }
        for packed in [member(flags, &fields), with_crc(flags, &fields)] {
            assert_eq!(unpack_all_ways(Gunzip::new, &packed).whole(), b"x", "flags {flags}");
            let header = found(&packed);
            let has = |flag| flags & flag != 0;
            assert_eq!(header.extra, has(4).then(|| "abc".into()));
            assert_eq!(header.name, has(8).then(|| "name".into()));
            assert_eq!(header.comment, has(16).then(|| "a comment".into()));
            assert_eq!((header.modified, header.system), (None, 3));
        }
    }
    assert_eq!(found(&member(4, b"\0\0")).extra, Some(Bytes::new()), "an empty extra field");
    assert_eq!(found(&member(8, b"\0")).name, Some(Bytes::new()), "an empty name");
}

/// Shows F44.
#[test]
fn a_wrong_header_crc_is_corrupt() {
    let packed = with_crc(8, b"name\0");
    for bit in 0..16 {
        let mut broken = packed.clone();
        broken[15 + bit / 8] ^= 1 << (bit % 8);
        assert_eq!(unpack_all_ways(Gunzip::new, &broken).failed(), (vec![], Kind::Corrupt, 15));
    }
    let mut broken = packed;
    broken[12] ^= 1;
    assert_eq!(unpack(Gunzip::new(), &broken).failed().1, Kind::Corrupt);
}

/// Shows F44.
#[test]
fn reserved_flags_and_other_methods_are_corrupt() {
    for flag in [0x20, 0x40, 0x80] {
        let outcome = unpack_all_ways(Gunzip::new, &member(flag, b""));
        assert_eq!(outcome.failed(), (vec![], Kind::Corrupt, 3));
    }
    for method in (0..=255).filter(|method| *method != 8) {
        let mut packed = member(0, b"");
        packed[2] = method;
        assert_eq!(unpack(Gunzip::new(), &packed).failed(), (vec![], Kind::Corrupt, 2));
    }
}

/// F44: an endless name or comment fails at the first byte too many, and is held no further.
#[test]
fn endless_fields_meet_the_limit() {
    let endless = vec![b'a'; 1 << 20];
    for flag in [8, 16] {
        let start = Bytes::from(member(flag, b"")[..10].to_vec());
        let outcome = run(Gunzip::new(), [start, Bytes::from(endless.clone())]);
        assert_eq!(outcome.failed(), (vec![], Kind::Limit, 10 + 65_536));
    }
    // Together they are limited as well.
    let fields = [&b"\x04\0abcd"[..], b"name\0", b"comment\0"].concat();
    let packed = member(4 | 8 | 16, &fields);
    let at_most = |bytes| move || Gunzip::new().with_max_header(bytes);
    assert_eq!(unpack_all_ways(at_most(15), &packed).whole(), b"x");
    assert_eq!(unpack_all_ways(at_most(14), &packed).failed(), (vec![], Kind::Limit, 27));
    assert_eq!(unpack_all_ways(at_most(7), &packed).failed(), (vec![], Kind::Limit, 19));
    assert_eq!(unpack_all_ways(at_most(3), &packed).failed(), (vec![], Kind::Limit, 10));
    assert_eq!(unpack_all_ways(at_most(0), &member(0, b"")).whole(), b"x");
    // The largest extra field there can be passes.
    let largest = [&[0xff, 0xff][..], &endless[..65_535]].concat();
    assert_eq!(unpack(Gunzip::new(), &member(4, &largest)).whole(), b"x");
}
