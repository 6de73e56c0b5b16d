//! UTF-8 against `std`: F33, I53, C49, C50.

use bytes::Bytes;
use highwater_core::{Error, Readable, Transform};
use proptest::prelude::*;

use super::{Failure, all_cuts, cut, cuts_of, drive, keeps_no_chunk, run};
use crate::{DecodeUtf8, Text, TextExt, decode_utf8};

/// What has gone wrong in decoders of UTF-8.
const CORPUS: [&[u8]; 28] = [
    b"",
    b"plain",
    "ä€😀".as_bytes(),
    "\0\u{7F}\u{80}\u{7FF}\u{800}\u{FFFD}\u{FFFF}\u{10000}\u{10FFFF}".as_bytes(),
    "\r\n\u{2028}\u{85}".as_bytes(),
    // Continuations alone, and too many of them.
    b"\x80",
    b"a\xBF\x80b",
    b"\xC3\xA4\xA4",
    // Overlong, surrogates, beyond U+10FFFF, bytes that are never there.
    b"\xC0\x80\xC1\xBF",
    b"\xE0\x80\x80\xE0\x9F\xBF",
    b"\xF0\x80\x80\x80",
    b"\xF0\x8F\xBF\xBFx",
    b"\xED\xA0\x80\xED\xBF\xBF",
    b"\xED\x9F\xBF",
    b"\xF4\x90\x80\x80",
    b"\xF5\xF8\xFC\xFE\xFF",
    // A character that is broken off by another.
    b"\xC3a",
    b"\xE2\x82\xE2\x82\xAC",
    b"\xF0\x9F\x98\xC3\xA4",
    b"\xF0\x9F\xF0\x9F\x98\x80",
    // The end cuts a character.
    b"a\xC3",
    b"a\xE2\x82",
    b"a\xF0\x9F\x98",
    b"\xF0",
    // Byte order marks: at the start, alone, twice, in the middle, not whole, of another charset.
    b"\xEF\xBB\xBFa",
    b"\xEF\xBB\xBF\xEF\xBB\xBF",
    b"a\xEF\xBB\xBF\xEF\xBB",
    b"\xEF\xBBa\xFF\xFEa",
];

fn without_mark(input: &[u8]) -> &[u8] {
    input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input)
}

fn strict(input: &[u8]) -> (Vec<u8>, Option<Failure>) {
    match std::str::from_utf8(input) {
        Ok(_) => (without_mark(input).to_vec(), None),
        Err(error) => {
            let valid = error.valid_up_to() as u64;
            let failure = match error.error_len() {
                Some(_) => Failure::Corrupt(valid),
                None => Failure::Truncated(input.len() as u64),
            };
            (without_mark(&input[..error.valid_up_to()]).to_vec(), Some(failure))
        }
    }
}

fn lossy(input: &[u8]) -> (Vec<u8>, Option<Failure>) {
    (String::from_utf8_lossy(without_mark(input)).into_owned().into_bytes(), None)
}

#[test]
fn every_cut_gives_the_same_text_and_the_same_error() {
    for input in CORPUS {
        for chunks in all_cuts(input) {
            assert_eq!(run(decode_utf8(), chunks.clone()), strict(input), "{chunks:?}");
            assert_eq!(run(decode_utf8().lossy(), chunks.clone()), lossy(input), "{chunks:?}");
            let kept = String::from_utf8_lossy(input).into_owned().into_bytes();
            assert_eq!(run(decode_utf8().lossy().keep_bom(), chunks), (kept, None));
        }
    }
}

/// Bytes of which much is UTF-8, and much is nearly so.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        2 => any::<char>().prop_map(|c| {
            let mut bytes = c.to_string().into_bytes();
            bytes.pop();
            bytes
        }),
        1 => prop::sample::select(b"\x80\xBF\xC0\xE0\xED\xF0\xF4\xFFa".as_slice()).prop_map(|b| vec![b]),
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn random_cuts_give_the_same((input, chunks) in cuts_of(bytes())) {
        prop_assert_eq!(run(decode_utf8(), chunks.clone()), strict(&input));
        prop_assert_eq!(run(decode_utf8().lossy(), chunks), lossy(&input));
    }
}

/// The decoder of the Encoding Standard says the same.
#[cfg(feature = "charsets")]
#[test]
fn lossy_is_what_the_encoding_standard_says() {
    for input in CORPUS {
        let (text, _) = encoding_rs::UTF_8.decode_with_bom_removal(input);
        assert_eq!(lossy(input).0, text.as_bytes());
    }
}

/// Long text is given as slices of its chunk; broken text is copied in pieces, whatever there is of it (I55).
#[test]
fn long_text_is_sliced_and_broken_text_comes_in_pieces() {
    let text = "0123456789 äöü €\n".repeat(10_000);
    for mut broken in [0, 1, 100, 9_000, 150_000].map(|at| (at, text.clone().into_bytes())) {
        broken.1[broken.0] = 0xFF;
        let input = Bytes::from(broken.1);
        let (outputs, error) = drive(&mut decode_utf8().lossy(), [input.clone()]);
        assert!(error.is_none());
        assert_eq!(outputs.concat(), String::from_utf8_lossy(&input));
        let sliced = |output: &&Text| input.as_ptr_range().contains(&output.as_ptr());
        let sliced: usize = outputs.iter().filter(sliced).map(|output| output.len()).sum();
        assert!(sliced >= input.len() - 9_000, "{sliced} of {}", input.len());
    }
    let (outputs, _) = drive(&mut decode_utf8().lossy(), [Bytes::from(vec![0xFF; 1 << 20])]);
    assert!(outputs.iter().all(|output| output.len() < 8 * 1024 + 3));
    assert_eq!(outputs.concat(), "\u{FFFD}".repeat(1 << 20));
}

/// A mark in front of a long text does not make it be copied.
#[test]
fn a_mark_costs_no_copy() {
    let input = Bytes::from("\u{FEFF}".to_owned() + &"text ".repeat(10_000));
    let (outputs, _) = drive(&mut decode_utf8(), [input.clone()]);
    assert_eq!((outputs.len(), outputs[0].as_ptr()), (1, input[3..].as_ptr()));
}

#[test]
fn no_chunk_is_kept() {
    keeps_no_chunk(decode_utf8(), "ä".as_bytes());
    keeps_no_chunk(decode_utf8(), b"abc\xE2\x82");
    keeps_no_chunk(decode_utf8().lossy(), b"abc\xFF");
    assert!(decode_utf8().max_bytes().is_some_and(|most| most <= 16));
}

/// F36 for characters: at an error of the source, the start of one is none, and no end either.
#[tokio::test(flavor = "current_thread")]
async fn an_error_of_the_source_passes_behind_the_whole_characters() {
    let chunk =
        |n| if n == 0 { Ok(Bytes::from_static(b"a\xE2\x82")) } else { Err(Error::aborted()) };
    for machine in [DecodeUtf8::new(), DecodeUtf8::default().lossy()] {
        let mut text = Readable::from_iter(0..2).try_map(chunk).pipe(machine);
        assert_eq!(text.next().await.unwrap().unwrap(), "a");
        assert!(text.next().await.unwrap().unwrap_err().is_aborted());
        assert!(text.next().await.is_none());
    }
}

/// The error names the stage and the place.
#[tokio::test(flavor = "current_thread")]
async fn in_a_pipeline_the_error_says_where() {
    let chunks = cut("ä€".as_bytes(), &[1, 4]);
    let texts = Readable::from_iter(chunks).decode_utf8().to_vec().await.unwrap();
    assert_eq!(texts, ["ä", "€"]);

    let chunks = cut(b"ab\xE2\x82c", &[3]);
    let error = Readable::from_iter(chunks).decode_utf8().to_vec().await.unwrap_err();
    assert_eq!(error.to_string(), "not valid UTF-8 (in decode_utf8, byte 2, chunk 1)");

    let cut_off = Readable::from_iter([Bytes::from_static(b"ab\xE2\x82")]);
    let error = cut_off.decode_utf8().to_vec().await.unwrap_err();
    let text = "the input ended inside a character (in decode_utf8, byte 4, chunk 0)";
    assert_eq!(error.to_string(), text);
    let lossy = Readable::from_iter([Bytes::from_static(b"ab\xE2\x82")]).decode_utf8_lossy();
    assert_eq!(lossy.to_vec().await.unwrap().concat(), "ab\u{FFFD}");
}
