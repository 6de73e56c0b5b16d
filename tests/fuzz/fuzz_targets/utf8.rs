//! UTF-8 in any chunks is what `std` makes of the whole: F33, I53.
#![no_main]

use highwater_fuzz::{Input, cut, joined};
use highwater_text::DecodeUtf8;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: Input| {
    let chunks = cut(&input);
    let bytes = &input.1[..];
    let (text, error) = joined(DecodeUtf8::new().keep_bom(), chunks.clone());
    match std::str::from_utf8(bytes) {
        Ok(whole) => assert_eq!((&text[..], error), (whole.as_bytes(), None)),
        Err(wrong) => {
            let at = wrong.error_len().map_or(bytes.len(), |_| wrong.valid_up_to());
            assert_eq!(text, bytes[..wrong.valid_up_to()]);
            assert_eq!(error.expect("an error").1, Some(at as u64));
        }
    }
    let (text, error) = joined(DecodeUtf8::new().lossy(), chunks);
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    assert_eq!((&text[..], error), (String::from_utf8_lossy(bytes).as_bytes(), None));
});
