//! Base64 against the crate `base64` on the whole: I53.

use base64::Engine;
use base64::engine::general_purpose::{self, GeneralPurpose};
use bytes::Bytes;
use highwater_core::{Readable, Transform};
use proptest::prelude::*;

use super::{Failure, all_cuts, cut, cuts_of, drive, keeps_no_chunk, run};
use crate::{Base64, DecodeBase64, PIECE, TextExt, decode_base64, encode_base64};

const VARIANTS: [Base64; 4] =
    [Base64::Standard, Base64::StandardNoPad, Base64::UrlSafe, Base64::UrlSafeNoPad];

fn engine(variant: Base64) -> &'static GeneralPurpose {
    match variant {
        Base64::Standard => &general_purpose::STANDARD,
        Base64::StandardNoPad => &general_purpose::STANDARD_NO_PAD,
        Base64::UrlSafe => &general_purpose::URL_SAFE,
        Base64::UrlSafeNoPad => &general_purpose::URL_SAFE_NO_PAD,
    }
}

/// How a machine is set.
#[derive(Debug, Clone, Copy)]
struct Settings {
    variant: Base64,
    any_padding: bool,
    skip: bool,
}

impl Settings {
    fn machine(self) -> DecodeBase64 {
        let mut machine = decode_base64(self.variant);
        if self.any_padding {
            machine = machine.any_padding();
        }
        if self.skip {
            machine = machine.skip_white_space();
        }
        machine
    }

    /// What all symbols decode to at once.
    fn whole(self, symbols: &[u8]) -> Option<Vec<u8>> {
        let (padded, unpadded) = match self.variant {
            Base64::Standard | Base64::StandardNoPad => (Base64::Standard, Base64::StandardNoPad),
            Base64::UrlSafe | Base64::UrlSafeNoPad => (Base64::UrlSafe, Base64::UrlSafeNoPad),
        };
        match self.any_padding {
            true => engine(padded).decode(symbols).or(engine(unpadded).decode(symbols)).ok(),
            false => engine(self.variant).decode(symbols).ok(),
        }
    }

    fn is_symbol(self, byte: &u8) -> bool {
        !(self.skip && byte.is_ascii_whitespace())
    }
}

/// What the machine gives has to be what the whole decodes to, or what its groups before the error decode to.
fn check(input: &[u8], settings: Settings, chunks: Vec<Bytes>) {
    let symbols_of = |input: &[u8]| -> Vec<u8> {
        input.iter().copied().filter(|byte| settings.is_symbol(byte)).collect()
    };
    let symbols = symbols_of(input);
    let (bytes, failure) = run(settings.machine(), chunks);
    let before = match (settings.whole(&symbols), failure) {
        (Some(whole), None) => {
            assert_eq!(bytes, whole);
            return;
        }
        (None, Some(Failure::Truncated(at))) => {
            assert_eq!(at, input.len() as u64);
            symbols.len()
        }
        (None, Some(Failure::Corrupt(at))) => {
            let before = symbols_of(&input[..usize::try_from(at).unwrap()]).len();
            let end = symbols.len().min(before - before % 4 + 4);
            assert!(settings.whole(&symbols[..end]).is_none(), "{input:?} {settings:?}");
            before
        }
        (whole, failure) => panic!("{whole:?}, but {failure:?} in {input:?} {settings:?}"),
    };
    let groups = settings.whole(&symbols[..before - before % 4]);
    assert_eq!(Some(bytes), groups, "{input:?} {settings:?}");
}

fn check_all(input: &[u8], chunks: &[Bytes]) {
    for variant in VARIANTS {
        for (any_padding, skip) in [(false, false), (false, true), (true, false), (true, true)] {
            check(input, Settings { variant, any_padding, skip }, chunks.to_vec());
        }
    }
}

const CORPUS: [&[u8]; 30] = [
    b"",
    b"QQ==",
    b"QUI=",
    b"QUJD",
    b"QUJDRA==",
    b"QQ",
    b"QUI",
    b"QUJDRA",
    b"Q",
    b"QUJDR",
    b"=",
    b"==",
    b"Q=",
    b"Q===",
    b"====",
    b"QQ=",
    b"QQ=Q",
    b"QQ==QQ==",
    b"QQ==Q",
    b"QQ===",
    b"QUJD=",
    b"QUJDQ=UJ",
    // Bits that are of no byte.
    b"QR==",
    b"QUJ=",
    b"QR",
    // Symbols of the other alphabet, and of none.
    b"+/+/",
    b"-_-_",
    b"QUJD!UJD",
    b"QUJD\r\nQUJD\n",
    b" Q\tQ =\n= \n",
];

#[test]
fn every_cut_gives_what_the_whole_gives() {
    for input in CORPUS {
        for chunks in all_cuts(input) {
            check_all(input, &chunks);
        }
    }
}

/// The position of an error is the same for every cut; and where it is, for those that matter.
#[test]
fn errors_say_where() {
    for input in CORPUS {
        for variant in VARIANTS {
            let whole = run(decode_base64(variant), cut(input, &[]));
            for chunks in all_cuts(input) {
                assert_eq!(run(decode_base64(variant), chunks), whole, "{input:?}");
            }
        }
    }
    let failure = |input: &[u8], variant| run(decode_base64(variant), cut(input, &[])).1;
    use Failure::{Corrupt, Truncated};
    assert_eq!(failure(b"QUJD!UJD", Base64::Standard), Some(Corrupt(4)));
    assert_eq!(failure(b"QUJDQU!", Base64::Standard), Some(Corrupt(6)));
    assert_eq!(failure(b"QUJDQUI=Q", Base64::Standard), Some(Corrupt(8)));
    assert_eq!(failure(b"QUJDQUI=", Base64::StandardNoPad), Some(Corrupt(7)));
    assert_eq!(failure(b"QUJDQUJ=", Base64::Standard), Some(Corrupt(6)));
    assert_eq!(failure(b"QUJDQ", Base64::StandardNoPad), Some(Truncated(5)));
    assert_eq!(failure(b"QUJDQUI", Base64::Standard), Some(Truncated(7)));
    assert_eq!(failure(b"QUJDQQ=", Base64::Standard), Some(Truncated(7)));
    assert_eq!(failure(b"Q=", Base64::Standard), Some(Corrupt(1)));
    let any = run(decode_base64(Base64::UrlSafe).any_padding(), cut(b"QUJDQQ=", &[]));
    assert_eq!(any, (b"ABC".to_vec(), Some(Truncated(7))));
    assert_eq!(failure(b"QUJ+", Base64::UrlSafe), Some(Corrupt(3)));
    assert_eq!(failure(b"Q\n", Base64::Standard), Some(Corrupt(1)));
}

fn symbols() -> impl Strategy<Value = Vec<u8>> {
    let symbol = prop_oneof![
        40 => prop::sample::select(b"ABCDQRSTabcd0123+/-_".as_slice()),
        2 => Just(b'\n'),
        1 => prop::sample::select(b"==! \xFF".as_slice()),
    ];
    let end = prop::sample::select(["", "=", "==", "A==", "Aa="].as_slice());
    (proptest::collection::vec(symbol, 0..40), end)
        .prop_map(|(symbols, end)| [&symbols[..], end.as_bytes()].concat())
}

proptest! {
    #[test]
    fn random_cuts_give_what_the_whole_gives((input, chunks) in cuts_of(symbols())) {
        check_all(&input, &chunks);
    }

    #[test]
    fn there_and_back((input, chunks) in cuts_of(proptest::collection::vec(any::<u8>(), 0..99))) {
        for variant in VARIANTS {
            let (there, _) = drive(&mut encode_base64(variant), chunks.clone());
            prop_assert_eq!(there.concat(), engine(variant).encode(&input).into_bytes());
            prop_assert_eq!(run(decode_base64(variant), there), (input.clone(), None));
        }
    }
}

/// A large chunk is worked off in pieces, both ways, with and without lines of 76 symbols (I55).
#[test]
fn a_large_chunk_comes_in_pieces() {
    let input: Vec<u8> = (0..=255).cycle().take(3 * PIECE + 7).collect();
    for places in [&[][..], &[1], &[2, PIECE, PIECE + 2]] {
        let (there, _) = drive(&mut encode_base64(Base64::Standard), cut(&input, places));
        assert!(there.iter().all(|piece| piece.len() <= PIECE));
        let there = there.concat();
        assert_eq!(there, general_purpose::STANDARD.encode(&input).into_bytes());
        let (back, _) = drive(&mut decode_base64(Base64::Standard), cut(&there, places));
        assert!(back.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(back.concat(), input);

        let mut lines = there.chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
        let skips = || decode_base64(Base64::Standard).skip_white_space();
        assert_eq!(run(skips(), cut(&lines, places)), (input.clone(), None));
        for at in [PIECE + 1, 2 * PIECE, 4 * PIECE + 1] {
            let before = std::mem::replace(&mut lines[at], b'!');
            let (_, failure) = run(skips(), cut(&lines, places));
            assert_eq!(failure, Some(Failure::Corrupt(at as u64)));
            lines[at] = before;
        }
    }
}

/// White space that fills more than a piece, between symbols of one group, and of two.
#[test]
fn much_white_space_comes_in_pieces() {
    let space = " ".repeat(2 * PIECE);
    let skips = || decode_base64(Base64::Standard).skip_white_space();
    let input = ["Q", "U", "JDQ", "Q=", "=", ""].join(&space);
    assert_eq!(run(skips(), cut(input.as_bytes(), &[])), (b"ABCA".to_vec(), None));
    let input = ["Q", "U", "JDQ", "Q=", "=", "!"].join(&space);
    let end = Failure::Corrupt(input.len() as u64 - 1);
    assert_eq!(run(skips(), cut(input.as_bytes(), &[])), (b"ABCA".to_vec(), Some(end)));
    let input = ["Q", "U!", "JD"].join(&space);
    let wrong = Failure::Corrupt(2 * PIECE as u64 + 2);
    assert_eq!(run(skips(), cut(input.as_bytes(), &[])), (Vec::new(), Some(wrong)));
}

#[test]
fn no_chunk_is_kept() {
    keeps_no_chunk(encode_base64(Base64::Standard), b"abcd");
    keeps_no_chunk(decode_base64(Base64::Standard), b"QUJDQ");
    keeps_no_chunk(decode_base64(Base64::Standard).skip_white_space(), b"QQ==\n");
    assert_eq!(decode_base64(Base64::Standard).max_bytes(), Some(2 * PIECE));
    assert_eq!(encode_base64(Base64::Standard).max_bytes(), Some(3));
}

/// At an error of the source a last group is not known to be the last: it is not given.
#[tokio::test(flavor = "current_thread")]
async fn an_error_of_the_source_passes_behind_the_whole_groups() {
    let chunk =
        |n| if n == 0 { Ok(Bytes::from("QUJDQQ")) } else { Err(highwater_core::Error::aborted()) };
    let mut bytes =
        Readable::from_iter(0..2).try_map(chunk).pipe(DecodeBase64::new(Base64::UrlSafeNoPad));
    assert_eq!(bytes.next().await.unwrap().unwrap(), "ABC");
    assert!(bytes.next().await.unwrap().unwrap_err().is_aborted());
    assert!(bytes.next().await.is_none());

    let mut symbols = Readable::from_iter(0..2).try_map(chunk).encode_base64(Base64::Standard);
    assert_eq!(symbols.next().await.unwrap().unwrap(), "UVVKRFFR");
    assert!(symbols.next().await.unwrap().unwrap_err().is_aborted());
}
