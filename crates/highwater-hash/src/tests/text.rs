//! Reading and printing digests and names (F52).

use std::collections::HashSet;

use crate::{Algorithm, Digest};

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn what_is_printed_is_read_again() {
    for &algorithm in Algorithm::ALL {
        let digest = algorithm.digest(b"some bytes");
        assert_eq!(Digest::from_hex(algorithm, &digest.to_hex()).unwrap(), digest);
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert_eq!(Digest::from_bytes(algorithm, digest.as_ref()).unwrap(), digest);
        assert_eq!(digest.to_hex().len(), 2 * algorithm.digest_len());
        assert_eq!(algorithm.to_string().parse::<Algorithm>().unwrap(), algorithm);
    }
}

/// F52: digits of either case are read, also mixed; what is printed is lower case unless said otherwise.
#[test]
fn upper_case_is_read() {
    let digest = Algorithm::Sha256.digest(b"abc");
    let mixed = format!("{}{}", &ABC[..20], ABC[20..].to_uppercase());
    for text in [ABC, &ABC.to_uppercase(), &mixed] {
        assert_eq!(Digest::from_hex(Algorithm::Sha256, text).unwrap(), digest);
    }
    assert_eq!(
        (format!("{digest:x}"), format!("{digest:X}")),
        (ABC.to_owned(), ABC.to_uppercase())
    );
    assert_eq!((digest.to_hex(), digest.to_string()), (ABC.to_owned(), format!("sha256:{ABC}")));
    assert_eq!(format!("{digest:?}"), format!("Digest(sha256:{ABC})"));
}

#[test]
fn every_digit_has_its_value() {
    let bytes: Vec<u8> = (0..=255).collect();
    for part in bytes.chunks(32) {
        let text: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(Digest::from_hex(Algorithm::Sha256, &text).unwrap().as_bytes(), part);
    }
}

/// F52.
#[test]
fn malformed_digests_are_errors_at_construction() {
    let of = |text: &str| Digest::from_hex(Algorithm::Sha256, text).unwrap_err();
    let lengths: [String; 5] = [
        String::new(),
        ABC[..63].to_owned(),
        ABC[..62].to_owned(),
        format!("{ABC}0"),
        ABC.repeat(2),
    ];
    for text in lengths {
        let error = of(&text);
        assert!(error.is_corrupt());
        let what = format!("a digest of sha256 has 64 hex digits, not {}", text.len());
        assert_eq!(error.to_string(), what);
    }
    // Not a digit: before, inside, behind; of several bytes; with a sign, as `from_str_radix` would read it.
    for (text, at) in [
        (format!(" {ABC}"), 0),
        (format!("{ABC}\n"), 64),
        (format!("{}g{}", &ABC[..31], &ABC[32..]), 31),
        (format!("+{}", &ABC[1..]), 0),
        (format!("{}ä", &ABC[..62]), 62),
        (format!("0x{}", &ABC[2..]), 1),
        (format!("{}@`/:", &ABC[..60]), 60),
    ] {
        let error = of(&text);
        assert!(error.is_corrupt());
        assert_eq!(error.offset(), Some(at), "{text:?}");
    }
    let error = Digest::from_bytes(Algorithm::Sha256, &[0; 31]).unwrap_err();
    assert!(error.is_corrupt());
    assert_eq!(error.to_string(), "a digest of sha256 has 32 bytes, not 31");
}

/// F52.
#[test]
fn a_name_and_a_colon_come_first() {
    let of = |text: &str| text.parse::<Digest>().unwrap_err().to_string();
    assert_eq!(of(ABC), "a digest begins with its algorithm, such as `sha256:`");
    assert!(of(&format!("sha-1024:{ABC}")).starts_with("no algorithm \"sha-1024\""));
    assert_eq!(of(&format!("sha512:{ABC}")), "a digest of sha512 has 128 hex digits, not 64");
    assert!(format!("SHA-256:{ABC}").parse::<Digest>().is_ok());
}

#[test]
fn algorithms_have_names() {
    for text in ["sha256", "SHA256", "Sha-256", "sha-256"] {
        assert_eq!(text.parse::<Algorithm>().unwrap(), Algorithm::Sha256);
    }
    for text in ["", "sha", "sha2", "sha256 ", "sha_256"] {
        let error = text.parse::<Algorithm>().unwrap_err().to_string();
        assert!(
            error.contains(&format!("{text:?}")) && error.contains("sha256, sha512"),
            "{error}"
        );
    }
    assert_eq!(format!("[{:>8}]", Algorithm::Sha256), "[  sha256]");
}

/// Every bit counts, and so does the algorithm.
#[test]
fn digests_differ_when_anything_does() {
    let digest = Algorithm::Sha256.digest(b"abc");
    let mut seen = HashSet::from([digest]);
    for bit in 0..256 {
        let mut bytes = digest.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let other = Digest::from_bytes(Algorithm::Sha256, &bytes).unwrap();
        assert_ne!(other, digest);
        assert!(seen.insert(other));
    }
    assert!(!seen.insert(Algorithm::Sha256.digest(b"abc")));
    #[cfg(feature = "blake3")]
    assert_ne!(Digest::from_bytes(Algorithm::Blake3, digest.as_bytes()).unwrap(), digest);
}
