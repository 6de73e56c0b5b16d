//! F48: a member of more than 4 GiB, whose length is said modulo 2³².

use bytes::Bytes;
use highwater_core::Transform;

use super::{Kind, drive, pack};
use crate::check::Check;
use crate::{Format, Gunzip, Gzip};

/// Bytes of a part, of which there are 64, and one byte.
const PART: usize = 64 << 20;

/// Deflate data of a part of zeros, without an end: put together they are deflate data again.
fn part() -> Bytes {
    let mut deflate = Gzip::new(1).with_format(Format::Deflate);
    let mut packed = Vec::new();
    let mut output = deflate.write(Bytes::from(vec![0; PART])).unwrap();
    while let Some(given) = output {
        packed.extend_from_slice(&given);
        output = deflate.read().unwrap();
    }
    deflate.release().unwrap();
    while let Some(given) = deflate.read().unwrap() {
        packed.extend_from_slice(&given);
    }
    packed.into()
}

/// What is in the trailer of 4 GiB and a byte of zeros.
fn trailer() -> [u8; Check::LENGTH] {
    let mut check = Check::default();
    check.update(&vec![0; PART]);
    for _ in 0..6 {
        let same = check.clone();
        check.combine(&same);
    }
    check.update(&[0]);
    check.trailer()
}

/// Shows F48.
#[test]
fn more_than_four_gib() {
    let trailer = trailer();
    assert_eq!(trailer[4..], [1, 0, 0, 0], "the length has wrapped");
    let (header, part) = (Bytes::from(pack(Gzip::new(1), "")).slice(..10), part());
    let last = pack(Gzip::new(1).with_format(Format::Deflate), vec![0]);
    let input = [header]
        .into_iter()
        .chain(std::iter::repeat_n(part, 64))
        .chain([last.into(), Bytes::copy_from_slice(&trailer)]);
    let mut length = 0;
    drive(&mut Gunzip::new(), input.clone(), |given| length += given.len() as u64).unwrap();
    assert_eq!(length, (4 << 30) + 1);

    // The limit on what comes out is not modulo anything.
    let (mut length, mut limited) = (0, Gunzip::new().with_max_output(4 << 30));
    let error = drive(&mut limited, input, |given| length += given.len() as u64).unwrap_err();
    assert_eq!((super::Failure::of(&error).kind, length), (Kind::Limit, 4 << 30));
}
