//! What a `Text` is besides a `str`.

use std::collections::HashMap;

use bytes::Bytes;

use crate::Text;

#[test]
fn a_text_is_checked_and_says_where_it_is_none() {
    let error = Text::try_from(Bytes::from_static(b"ab\xFF")).unwrap_err();
    assert!(error.is_corrupt());
    assert_eq!(error.to_string(), "not valid UTF-8 (byte 2)");
}

#[test]
fn a_text_compares_hashes_and_prints_as_its_str() {
    let text = Text::from("a\"b");
    assert_eq!((format!("{text}"), format!("{text:?}")), ("a\"b".into(), "\"a\\\"b\"".into()));
    assert_eq!((&text, text.as_str()), (&Text::from_static("a\"b"), "a\"b"));
    let owned = "a\"b".to_owned();
    assert!(text == "a\"b" && text.as_str() == owned);
    assert!(text != "ab" && text.as_str() < "b");
    let map: HashMap<Text, u8> = [(text.clone(), 1)].into();
    assert_eq!(map.get("a\"b"), Some(&1));
    assert_eq!(AsRef::<[u8]>::as_ref(&text), b"a\"b");
    assert_eq!(AsRef::<str>::as_ref(&text), "a\"b");
    assert_eq!(String::from(text), "a\"b");
    assert!(Text::default().is_empty());
}

/// Neither way between bytes and text copies.
#[test]
fn a_text_shares_its_bytes() {
    let bytes = Bytes::from("shared".to_owned());
    let start = bytes.as_ptr();
    let text = Text::try_from(bytes).unwrap();
    let clone = text.clone();
    assert_eq!((text.as_ptr(), clone.as_ptr()), (start, start));
    assert_eq!(Bytes::from(text).as_ptr(), start);
    assert_eq!(Text::from("owned".to_owned()), "owned");
}
