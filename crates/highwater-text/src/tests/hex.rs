//! Hexadecimal digits against a plain function: I53.

use bytes::Bytes;
use highwater_core::{Readable, Transform};
use proptest::prelude::*;

use super::{Failure, all_cuts, cut, cuts_of, drive, keeps_no_chunk, run};
use crate::{DecodeHex, EncodeHex, PIECE, TextExt, decode_hex, encode_hex};

fn encoded(input: &[u8]) -> Vec<u8> {
    input.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// Digit by digit; white space is skipped or wrong.
fn decoded(input: &[u8], skip: bool) -> (Vec<u8>, Option<Failure>) {
    let (mut bytes, mut high) = (Vec::new(), None);
    for (at, &symbol) in input.iter().enumerate() {
        if skip && symbol.is_ascii_whitespace() {
            continue;
        }
        let Some(digit) = char::from(symbol).to_digit(16) else {
            return (bytes, Some(Failure::Corrupt(at as u64)));
        };
        let digit = u8::try_from(digit).unwrap();
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    (bytes, high.map(|_| Failure::Truncated(input.len() as u64)))
}

const CORPUS: [&[u8]; 17] = [
    b"",
    b"0",
    b"00ff",
    b"0123456789abcdefABCDEF",
    b"0aF",
    b"0x",
    b"0X12",
    b"0x1234",
    b"120x34",
    b"g",
    b"12g4",
    b"1g",
    b"12 34",
    b" 1\t2\r\n3\x0C4 ",
    b"  ",
    b"1 2 3 ",
    b"1 2 g 3\xFF",
];

#[test]
fn every_cut_gives_the_same_bytes_and_the_same_error() {
    for input in CORPUS {
        for chunks in all_cuts(input) {
            assert_eq!(run(decode_hex(), chunks.clone()), decoded(input, false), "{chunks:?}");
            let skips = decode_hex().skip_white_space();
            assert_eq!(run(skips, chunks.clone()), decoded(input, true), "{chunks:?}");
            assert_eq!(run(encode_hex(), chunks), (encoded(input), None));
        }
    }
}

fn digits() -> impl Strategy<Value = Vec<u8>> {
    let digit = prop_oneof![
        40 => prop::sample::select(b"0123456789abcdefABCDEF".as_slice()),
        3 => prop::sample::select(b" \n".as_slice()),
        1 => prop::sample::select(b"xXg\xFF=\0".as_slice()),
    ];
    proptest::collection::vec(digit, 0..60)
}

proptest! {
    #[test]
    fn random_cuts_give_the_same((input, chunks) in cuts_of(digits())) {
        prop_assert_eq!(run(decode_hex(), chunks.clone()), decoded(&input, false));
        prop_assert_eq!(run(decode_hex().skip_white_space(), chunks), decoded(&input, true));
    }

    #[test]
    fn there_and_back((input, chunks) in cuts_of(proptest::collection::vec(any::<u8>(), 0..99))) {
        let (there, _) = drive(&mut encode_hex(), chunks.clone());
        prop_assert_eq!(run(decode_hex(), there), (input.clone(), None));
        let (there, _) = drive(&mut EncodeHex::new().upper_case(), chunks);
        prop_assert_eq!(there.concat(), encoded(&input).to_ascii_uppercase());
        prop_assert_eq!(run(decode_hex(), there), (input, None));
    }
}

/// A large chunk is worked off in pieces, both ways, and a wrong digit in any of them is found where it is (I55).
#[test]
fn a_large_chunk_comes_in_pieces() {
    let input: Vec<u8> = (0..=255).cycle().take(3 * PIECE + 7).collect();
    let (there, _) = drive(&mut encode_hex(), [Bytes::from(input.clone())]);
    assert!(there.iter().all(|piece| piece.len() <= PIECE));
    let mut there = there.concat();
    assert_eq!(there, encoded(&input));
    for chunks in [cut(&there, &[]), cut(&there, &[1, PIECE + 2, 3 * PIECE])] {
        let (back, error) = drive(&mut decode_hex(), chunks);
        assert!(error.is_none() && back.iter().all(|piece| piece.len() <= PIECE / 2));
        assert_eq!(back.concat(), input);
    }
    // `0x` in the middle is none of the prefixes that decoders like to drop, at the start of a piece either.
    for at in [PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE - 3] {
        let before = std::mem::replace(&mut there[at], b'x');
        let zero = std::mem::replace(&mut there[at - 1], b'0');
        for chunks in [cut(&there, &[]), cut(&there, &[at - 1]), cut(&there, &[1, at])] {
            assert_eq!(run(decode_hex(), chunks), decoded(&there, false));
        }
        (there[at], there[at - 1]) = (before, zero);
    }
}

#[test]
fn no_chunk_is_kept() {
    keeps_no_chunk(encode_hex(), b"abc");
    keeps_no_chunk(decode_hex(), b"abc");
    keeps_no_chunk(decode_hex().skip_white_space(), b"ab \n");
    assert_eq!(DecodeHex::default().max_bytes(), Some(2 * PIECE));
}

#[tokio::test(flavor = "current_thread")]
async fn in_a_pipeline_the_error_says_where() {
    let digits = Readable::from_iter(["0123a", "_4"].map(Bytes::from));
    let mut bytes = digits.decode_hex();
    assert_eq!(bytes.next().await.unwrap().unwrap(), &b"\x01\x23"[..]);
    let error = bytes.next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "not a hexadecimal digit (in decode_hex, byte 5, chunk 1)");
    let error = Readable::from_iter([Bytes::from("012")]).decode_hex().to_vec().await.unwrap_err();
    let text = "the input ended between two hexadecimal digits (in decode_hex, byte 3, chunk 0)";
    assert_eq!(error.to_string(), text);
}
