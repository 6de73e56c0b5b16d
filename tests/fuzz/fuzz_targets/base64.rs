//! Base64 in any chunks is what the crate `base64` makes of the whole: I53.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use highwater_fuzz::{Input, cut, joined};
use highwater_text::{Base64, DecodeBase64, EncodeBase64};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, bool, Input)| {
    let (variant, skip, input) = input;
    let (variant, engine) = match variant % 4 {
        0 => (Base64::Standard, STANDARD),
        1 => (Base64::StandardNoPad, STANDARD_NO_PAD),
        2 => (Base64::UrlSafe, URL_SAFE),
        _ => (Base64::UrlSafeNoPad, URL_SAFE_NO_PAD),
    };
    let machine = || match skip {
        true => DecodeBase64::new(variant).skip_white_space(),
        false => DecodeBase64::new(variant),
    };
    let (bytes, error) = joined(machine(), cut(&input));
    assert_eq!((bytes.clone(), error.clone()), joined(machine(), vec![input.1.clone().into()]));
    let symbols: Vec<u8> =
        input.1.iter().copied().filter(|byte| !(skip && byte.is_ascii_whitespace())).collect();
    match engine.decode(&symbols) {
        Ok(whole) => assert_eq!((&bytes, error), (&whole, None)),
        Err(_) => assert!(error.is_some()),
    }

    let written = joined(EncodeBase64::new(variant), cut(&(input.0, bytes.clone())));
    assert_eq!(written, (engine.encode(&bytes).into_bytes(), None));
});
