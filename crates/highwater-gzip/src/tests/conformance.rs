//! The machines pass the suite that every machine passes: I27, I33, I38, I53, I55, I56.

use std::num::NonZeroU64;

use bytes::Bytes;
use highwater_core::Error;
use highwater_test::{Case, conformance_bytes};

use super::{Kind, pack, unpack};
use crate::{Flush, Format, Gunzip, Gzip, Trailing};

/// What can be decompressed of these outputs, and whether there was an end.
fn unpacked(given: &[Bytes]) -> (Vec<u8>, bool) {
    let outcome = unpack(Gunzip::new(), &given.concat());
    let ended = match outcome.error {
        None => true,
        Some(failure) => {
            assert_eq!(failure.kind, Kind::Truncated);
            false
        }
    };
    (outcome.output, ended)
}

/// What goes in comes out of a whole member; when the input fails, all that was taken comes out, and no end.
fn packs(text: &'static [u8]) -> Case<Bytes, Bytes> {
    Case::bytes(text)
        .gives_where(move |given: &[Bytes]| unpacked(given) == (text.to_vec(), true))
        .releases_where(move |taken, given: &[Bytes]| {
            unpacked(given) == (text[..taken].to_vec(), false)
        })
}

/// With [`Flush::WhenIdle`] what is given depends on the waits of the source, and the suite wants the same with all of
/// them: that is tested elsewhere.
#[test]
fn gzip() {
    let every_ten = Flush::Every(NonZeroU64::MIN.saturating_add(9));
    for flush in [Flush::Never, Flush::EachChunk, every_ten] {
        conformance_bytes(
            || Gzip::new(6).with_flush(flush),
            [packs(b""), packs(b"a"), packs(b"to be, or not to be, that is the question")],
        );
    }
}

#[test]
fn gunzip() {
    let one = || pack(Gzip::new(6), "one");
    let two = [one(), pack(Gzip::new(0), ", two"), vec![0, 0]].concat();
    let short = &two[..two.len() - 4];
    let garbage = [&one()[..], b"garbage"].concat();
    conformance_bytes(
        Gunzip::new,
        [
            Case::bytes("").fails(Error::is_truncated),
            Case::bytes("not gzip").fails(Error::is_corrupt),
            prefix(Case::bytes(two.clone()).gives_joined("one, two")),
            prefix(Case::bytes(short).gives_joined("one, two").fails(Error::is_truncated)),
            prefix(Case::bytes(garbage).gives_joined("one").fails(Error::is_corrupt)),
        ],
    );
    let limited = Case::bytes(two).gives_joined("one, ").fails(Error::is_limit);
    conformance_bytes(|| Gunzip::new().with_max_output(5), [prefix(limited)]);
}

/// It gives at once all that it can, so nothing is left to be released.
fn prefix(case: Case<Bytes, Bytes>) -> Case<Bytes, Bytes> {
    case.releases_where(|_, given: &[Bytes]| b"one, two".starts_with(&given.concat()))
}

#[test]
fn gunzip_that_gives_back() {
    let one = pack(Gzip::new(6), "one");
    let followed = [&one[..], b"behind"].concat();
    conformance_bytes(
        || Gunzip::new().with_trailing(Trailing::Return),
        [prefix(Case::bytes(followed.clone()).gives_joined("one").takes(one.len() + 1))],
    );
    conformance_bytes(
        || Gunzip::new().single_member().with_trailing(Trailing::Return),
        [prefix(Case::bytes(followed).gives_joined("one").takes(one.len()))],
    );
}

#[test]
fn zlib_and_deflate() {
    for format in [Format::Zlib, Format::Deflate] {
        let packed = pack(Gzip::new(6).with_format(format), "one, two");
        let short = packed[..packed.len() - 1].to_vec();
        conformance_bytes(
            || Gunzip::new().with_format(format),
            [
                prefix(Case::bytes(packed).gives_joined("one, two")),
                prefix(
                    Case::bytes(short)
                        .gives_where(|given: &[Bytes]| b"one, two".starts_with(&given.concat()))
                        .fails(Error::is_truncated),
                ),
            ],
        );
    }
}
