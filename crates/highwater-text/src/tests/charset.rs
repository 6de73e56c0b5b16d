//! Charsets against `encoding_rs` on the whole: I53.

use bytes::Bytes;
use encoding_rs::Encoding;
use highwater_core::{Error, Readable, Transform};
use proptest::prelude::*;

use super::{Failure, all_cuts, cut, cuts_of, drive, keeps_no_chunk, run};
use crate::{DecodeCharset, EncodeCharset, PIECE, Text, TextExt, decode_charset, encode_charset};

const LABELS: [&str; 14] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "gbk",
    "gb18030",
    "big5",
    "euc-kr",
    "windows-1252",
    "koi8-r",
    "macintosh",
    "x-user-defined",
];

fn encoding(label: &str) -> &'static Encoding {
    Encoding::for_label(label.as_bytes()).expect("a label of the list")
}

/// The whole, decoded at once; or the text before the error, which is found by trying every prefix.
fn check(label: &str, input: &[u8], chunks: Vec<Bytes>) {
    let encoding = encoding(label);
    let lossy = decode_charset(label).unwrap().lossy();
    let (whole, wrong) = encoding.decode_with_bom_removal(input);
    assert_eq!(run(lossy, chunks.clone()), (whole.into_owned().into_bytes(), None), "{label}");

    let (text, failure) = run(decode_charset(label).unwrap(), chunks);
    assert_eq!(failure.is_some(), wrong, "{label} {input:?}");
    let valid = match failure {
        None => input.len(),
        Some(Failure::Corrupt(at)) => usize::try_from(at).unwrap(),
        Some(Failure::Truncated(at)) => {
            assert_eq!(at, input.len() as u64);
            // Only the last character is not there: with one byte less the end may be before it or in it.
            let at = (0..=4.min(input.len())).map(|back| input.len() - back);
            at.into_iter().find(|&at| !encoding.decode_with_bom_removal(&input[..at]).1).unwrap()
        }
        Some(Failure::Limit(_)) => unreachable!("there is none"),
    };
    let (before, wrong) = encoding.decode_with_bom_removal(&input[..valid]);
    assert!(!wrong, "{label} {input:?}: an error before {valid}");
    assert_eq!(text, before.as_bytes(), "{label} {input:?}");
}

#[test]
fn every_cut_gives_the_same_text_and_the_same_error() {
    let texts =
        ["", "plain", "äß€", "日本語テキスト", "汉字 漢字", "한국어", "Привет", "😀a\u{FEFF}"];
    for label in LABELS {
        let mut corpus: Vec<Vec<u8>> =
            texts.iter().map(|text| encoding(label).encode(text).0.into_owned()).collect();
        corpus.extend([
            b"\xFF\xFEa\0\x3D\xD8".to_vec(),
            b"\xFE\xFF\0a\xD8\x3D\xDE\0\xDE".to_vec(),
            b"\xEF\xBB\xBFa\xEF\xBB".to_vec(),
            b"\x93\xFA\x81".to_vec(),
            b"a\x80\xFF\xA1b".to_vec(),
            b"\x1B$B\x46\x7C\x1B(Bx\x1B(J\x5C\x1B$".to_vec(),
            b"\x1B$B\x46\x1B(Bx\x0E".to_vec(),
            b"\x81\x30\x81\x30\x84\x31\xA4\x37\x81\x30".to_vec(),
        ]);
        for input in corpus {
            let whole = run(decode_charset(label).unwrap(), cut(&input, &[]));
            for chunks in all_cuts(&input) {
                assert_eq!(run(decode_charset(label).unwrap(), chunks.clone()), whole, "{label}");
                check(label, &input, chunks);
            }
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_give_what_the_whole_gives(
        (input, chunks) in cuts_of(proptest::collection::vec(any::<u8>(), 0..40)),
        label in prop::sample::select(LABELS.as_slice()),
    ) {
        check(label, &input, chunks);
    }

    /// Text in any chunks is encoded as the whole is, and comes back.
    #[test]
    fn there_and_back(
        parts in proptest::collection::vec(".{0,6}", 0..6),
        label in prop::sample::select(&["utf-8", "gb18030", "shift_jis", "iso-2022-jp", "windows-1252"][..]),
    ) {
        let whole = parts.concat();
        let (encoded, _, unmappable) = encoding(label).encode(&whole);
        let (bytes, failure) = run(encode_charset(label).unwrap(), parts.clone());
        match failure {
            None => {
                prop_assert!(!unmappable);
                prop_assert_eq!(&bytes[..], &encoded[..]);
                let back = run(decode_charset(label).unwrap().keep_bom(), [Bytes::from(bytes)]);
                if label == "gb18030" {
                    prop_assert_eq!(back, (whole.into_bytes(), None));
                }
            }
            Some(Failure::Corrupt(at)) => {
                prop_assert!(unmappable);
                let at = usize::try_from(at).unwrap();
                prop_assert!(!encoding(label).encode(&whole[..at]).2);
                let next = whole[at..].chars().next().unwrap();
                prop_assert!(encoding(label).encode(&whole[..at + next.len_utf8()]).2);
            }
            Some(other) => prop_assert!(false, "{:?}", other),
        }
    }
}

/// The offset of an error is that of the first byte of what is wrong, whether it came with the chunk or before.
#[test]
fn errors_say_where() {
    let failure = |label: &str, input: &[u8], places: &[usize]| {
        run(decode_charset(label).unwrap(), cut(input, places)).1
    };
    for places in [&[][..], &[2], &[3], &[1, 3]] {
        assert_eq!(failure("shift_jis", b"ab\x93\xFF", places), Some(Failure::Corrupt(2)));
        assert_eq!(failure("utf-16le", b"a\0\0\xD8b\0", places), Some(Failure::Corrupt(2)));
        assert_eq!(failure("shift_jis", b"ab\xFA", &places[..0]), Some(Failure::Truncated(3)));
    }
    assert_eq!(failure("utf-16be", b"\0a\0", &[1]), Some(Failure::Truncated(3)));
    assert_eq!(failure("utf-16be", b"\0a\xD8\x3D", &[1]), Some(Failure::Truncated(4)));
}

/// A character that the charset does not have, in every state of its encoder.
#[test]
fn what_a_charset_does_not_have() {
    let text = ["日", "😀", "本", "é!"];
    let lossy = encode_charset("iso-2022-jp").unwrap().lossy();
    let (bytes, failure) = run(lossy, text);
    assert_eq!(failure, None);
    let back = run(decode_charset("iso-2022-jp").unwrap(), [Bytes::from(bytes)]);
    assert_eq!(back, ("日?本?!".as_bytes().to_vec(), None));
    let (_, failure) = run(encode_charset("iso-2022-jp").unwrap(), text);
    assert_eq!(failure, Some(Failure::Corrupt(3)));
    let (bytes, failure) = run(encode_charset("latin1").unwrap(), ["ä€", "ab😀"]);
    assert_eq!((&bytes[..], failure), (&b"\xE4\x80ab"[..], Some(Failure::Corrupt(7))));
}

/// Large chunks come in pieces, whatever they expand to (I55).
#[test]
fn a_large_chunk_comes_in_pieces() {
    let text = "日本語 text, \u{FFFD}".repeat(10_000);
    for label in ["shift_jis", "gb18030", "utf-16le"] {
        let input = encoding(label).encode(&text).0.into_owned();
        let (outputs, _) =
            drive(&mut decode_charset(label).unwrap().lossy(), cut(&input, &[5, 77_777]));
        assert!(outputs.len() > 3 && outputs.iter().all(|output| output.len() <= PIECE), "{label}");
        assert_eq!(outputs.concat(), encoding(label).decode(&input).0);
    }
    for label in ["gb18030", "latin1"] {
        let (outputs, _) = drive(&mut encode_charset(label).unwrap().lossy(), [text.as_str()]);
        assert!(outputs.len() > 1 && outputs.iter().all(|output| output.len() <= PIECE), "{label}");
    }
    let (outputs, _) = drive(&mut encode_charset("latin1").unwrap().lossy(), ["😀".repeat(70_000)]);
    assert!(outputs.iter().all(|output| output.len() <= PIECE));
    assert_eq!(outputs.concat(), b"?".repeat(70_000));
}

/// Unknown, dangerous and unwritable charsets are refused when the machine is made.
#[tokio::test(flavor = "current_thread")]
async fn labels_are_checked_at_once() {
    assert_eq!(
        decode_charset("klingon\n").unwrap_err().to_string(),
        "unknown charset `klingon\\n`"
    );
    assert!(DecodeCharset::new("iso-2022-kr").is_err(), "the Encoding Standard replaces it");
    assert!(DecodeCharset::new(" SHIFT_JIS ").is_ok());
    let error = EncodeCharset::<Text>::new("utf-16le").unwrap_err();
    assert_eq!(error.to_string(), "UTF-16LE is only read, not written");
    let empty = || Readable::from_iter([Bytes::new()]);
    assert!(empty().decode_charset("none").is_err());
    assert!(empty().decode_utf8().encode_charset("none").is_err());
    let machine = EncodeCharset::<&str>::new("big5").unwrap();
    assert!(format!("{machine:?}").contains("Big5") && machine.max_bytes().is_some());
}

#[test]
fn no_chunk_is_kept() {
    keeps_no_chunk(decode_charset("shift_jis").unwrap(), b"ab\x93");
    keeps_no_chunk(decode_charset("utf-16le").unwrap(), b"a\0b");
}

/// At an error of the source, the start of a character is none, and no end either.
#[tokio::test(flavor = "current_thread")]
async fn an_error_of_the_source_passes_behind_the_whole_characters() {
    let chunk = |n| if n == 0 { Ok(Bytes::from_static(b"ab\x93")) } else { Err(Error::aborted()) };
    let text = Readable::from_iter(0..2).try_map(chunk).decode_charset("shift_jis");
    let mut text = text.unwrap();
    assert_eq!(text.next().await.unwrap().unwrap(), "ab");
    assert!(text.next().await.unwrap().unwrap_err().is_aborted());
    assert!(text.next().await.is_none());
}
