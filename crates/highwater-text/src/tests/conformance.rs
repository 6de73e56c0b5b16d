//! The machines pass the suite that every machine passes: I27, I33, I38, I53, I56, F36.

use bytes::Bytes;
use highwater_core::Error;
use highwater_test::{Case, conformance, conformance_bytes};

use crate::{
    Base64, DecodeBase64, DecodeHex, DecodeUtf8, EncodeBase64, EncodeHex, Frames, Prefix, ToFrames,
};

#[test]
fn decode_utf8() {
    conformance_bytes(
        DecodeUtf8::new,
        [
            Case::bytes(""),
            Case::bytes("\u{FEFF}ä€😀\u{FEFF}.").gives_joined("ä€😀\u{FEFF}."),
            Case::bytes(b"a\xE2\x82").gives_joined("a").fails(Error::is_truncated),
            Case::bytes(b"a\xE2\x82\xE2\x82\xAC").gives_joined("a").fails(Error::is_corrupt),
        ],
    );
    conformance_bytes(
        || DecodeUtf8::new().lossy().keep_bom(),
        [
            Case::bytes("\u{FEFF}ä").gives_joined("\u{FEFF}ä"),
            Case::bytes(b"a\xE2\x82\xE2\x82\xAC\xF0\x9F")
                .gives_joined("a\u{FFFD}€\u{FFFD}")
                .releases_where(|_, _| true),
        ],
    );
}

#[test]
fn hex() {
    conformance_bytes(
        EncodeHex::new,
        [Case::bytes(""), Case::bytes(b"\0\xAB").gives_joined("00ab")],
    );
    conformance_bytes(
        DecodeHex::new,
        [
            Case::bytes(""),
            Case::bytes("00aBFf").gives_joined(b"\0\xAB\xFF"),
            Case::bytes("00aB0").gives_joined(b"\0\xAB").fails(Error::is_truncated),
            Case::bytes("00aB\n").gives_joined(b"\0\xAB").fails(Error::is_corrupt),
        ],
    );
    let skips = || DecodeHex::new().skip_white_space();
    conformance_bytes(skips, [Case::bytes(" 0\t0\r\na B\n").gives_joined(b"\0\xAB")]);
}

#[test]
fn base64() {
    let encode = |variant| move || EncodeBase64::new(variant);
    let case = || Case::bytes(b"\xFB\xFF\xFEa");
    conformance_bytes(encode(Base64::Standard), [Case::bytes(""), case().gives_joined("+//+YQ==")]);
    conformance_bytes(encode(Base64::UrlSafeNoPad), [case().gives_joined("-__-YQ")]);
    conformance_bytes(
        || DecodeBase64::new(Base64::Standard),
        [
            Case::bytes(""),
            Case::bytes("+//+YQ==").gives_joined(b"\xFB\xFF\xFEa"),
            Case::bytes("+//+YQ").gives_joined(b"\xFB\xFF\xFE").fails(Error::is_truncated),
            Case::bytes("+//+YQ=!").gives_joined(b"\xFB\xFF\xFE").fails(Error::is_corrupt),
        ],
    );
    conformance_bytes(
        || DecodeBase64::new(Base64::UrlSafe).any_padding().skip_white_space(),
        [Case::bytes("-__-\r\nYQ\n").gives_joined(b"\xFB\xFF\xFEa")],
    );
}

#[test]
fn frames() {
    conformance_bytes(
        || Frames::new(Prefix::U16Be),
        [
            Case::bytes(""),
            Case::bytes(b"\0\x02hi\0\0\0\x03you").gives(["hi", "", "you"]),
            Case::bytes(b"\0\x02hi\0\x03yo").gives(["hi"]).fails(Error::is_truncated),
        ],
    );
    conformance_bytes(
        || Frames::new(Prefix::Varint).with_max_length(200),
        [
            Case::bytes(b"\x82\0hi\xC9\x01").gives(["hi"]).fails(Error::is_limit),
            Case::bytes([0x80; 12]).fails(Error::is_corrupt),
        ],
    );
    let chunks = || ["hi", "", "you"].map(Bytes::from);
    conformance(
        || ToFrames::new(Prefix::U16Le),
        [
            Case::new([]),
            Case::new(chunks()).gives([&b"\x02\0hi"[..], b"\0\0", b"\x03\0you"]),
            Case::new([Bytes::from(vec![7; 5000])]).gives([vec![0x88, 0x13], vec![7; 5000]]),
        ],
    );
    let short = || ToFrames::new(Prefix::U8).with_max_length(2);
    let fails = Case::new(chunks()).gives([&b"\x02hi"[..], b"\0"]).fails(Error::is_limit);
    conformance(short, [fails]);
}

#[cfg(feature = "charsets")]
#[test]
fn charsets() {
    use crate::{DecodeCharset, EncodeCharset};

    conformance_bytes(
        || DecodeCharset::new("shift_jis").expect("there is one"),
        [
            Case::bytes(""),
            Case::bytes(b"a\x93\xFA\x96\x7B").gives_joined("a日本"),
            Case::bytes(b"a\x93\xFA\x96").gives_joined("a日").fails(Error::is_truncated),
            Case::bytes(b"a\x93\xFA\xFF.").gives_joined("a日").fails(Error::is_corrupt),
        ],
    );
    conformance_bytes(
        || DecodeCharset::new("utf-16le").expect("there is one").lossy(),
        [Case::bytes(b"\xFF\xFEa\0\0\xD8b\0\0\xD8").gives_joined("a\u{FFFD}b\u{FFFD}")],
    );
    conformance(
        || EncodeCharset::new("iso-2022-jp").expect("there is one"),
        [
            Case::new([]),
            Case::new(["a日", "", "本"]).gives_joined(b"a\x1B$B\x46\x7C\x4B\x5C\x1B(B"),
            Case::new(["日", "a😀b"])
                .gives_joined(b"\x1B$B\x46\x7C\x1B(Ba")
                .fails(Error::is_corrupt),
        ],
    );
}
