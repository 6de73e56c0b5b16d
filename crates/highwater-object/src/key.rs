//! Keys: which are taken, and how the id of a record becomes one.
//!
//! A key is a path of segments with `/` between them. A key that somebody names is taken exactly as it is, or refused; the
//! id of a record may be any text, and is encoded into one segment, so that no id leaves its prefix.

use std::fmt::Write;

use highwater_core::{Error, Result};
use object_store::path::Path;

/// Takes a key as it is: no empty, `.` or `..` segment, no control character, at most [`MAX_KEY`] bytes.
pub(crate) fn parse(key: &str) -> Result<Path> {
    // `Path` drops a slash at either end.
    let whole = !key.is_empty() && !key.starts_with('/') && !key.ends_with('/');
    match Path::parse(key) {
        Ok(path) if whole => within_limit(path),
        _ => Err(Error::msg(format!("`{}` is not a key: {WHY_NOT}", key.escape_debug()))),
    }
}

/// Puts one path behind another.
pub(crate) fn join(root: &Path, path: &Path) -> Result<Path> {
    within_limit(root.parts().chain(path.parts()).collect())
}

/// The key of a record: `prefix/<encoded id><suffix>`.
pub(crate) fn of_record(prefix: &Path, id: &str, suffix: &str) -> Result<Path> {
    if id.is_empty() {
        return Err(Error::msg("a record has an empty id"));
    }
    let key = format!("{prefix}/{}{suffix}", encode(id));
    within_limit(Path::parse(key).expect("one encoded segment behind those of a path"))
}

/// The id of the record with this key, if it is the key of a record of this prefix: directly in it, with the suffix, and
/// encoded as [`of_record`] does it.
pub(crate) fn id_of(prefix: &Path, key: &Path, suffix: &str) -> Option<String> {
    let name = key.as_ref().strip_prefix(prefix.as_ref())?.strip_prefix('/')?;
    id_of_name(name, suffix)
}

/// The same for the last segment of a key.
pub(crate) fn id_of_name(name: &str, suffix: &str) -> Option<String> {
    let encoded = name.strip_suffix(suffix)?;
    let id = decode(encoded)?;
    (!id.is_empty() && encode(&id) == encoded).then_some(id)
}

fn within_limit(path: Path) -> Result<Path> {
    let length = path.as_ref().len();
    if length > MAX_KEY {
        return Err(Error::limit(format!("a key of {length} bytes; {MAX_KEY} are allowed")));
    }
    Ok(path)
}

/// Whether encoding leaves it as it is.
pub(crate) fn is_plain(suffix: &str) -> bool {
    encode(suffix) == suffix
}

/// Encodes as few characters as make every id one segment of a path that every store takes and every listing gives back.
fn encode(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    let dots = matches!(id, "." | "..");
    for character in id.chars() {
        let escape = matches!(character, '/' | '\\' | '%' | '#' | ' ')
            || character.is_control()
            || (dots && character == '.');
        if !escape {
            name.push(character);
            continue;
        }
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            write!(name, "%{byte:02X}").expect("a String takes everything");
        }
    }
    name
}

/// Undoes [`encode`], and takes more than that gives.
fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((plain, escaped)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let digits =
            escaped.get(..2).filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
        bytes.push(u8::from_str_radix(digits?, 16).ok()?);
        rest = &escaped[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// The longest key, in bytes: what S3 and GCS allow
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>).
pub(crate) const MAX_KEY: usize = 1024;

const WHY_NOT: &str = "a segment of it is empty, `.` or `..`, or has a control character";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix() -> Path {
        parse("users/all").unwrap()
    }

    #[test]
    fn a_named_key_is_taken_as_it_is_or_refused() {
        for key in ["a", "a/b", "a b/ü", "%2e%2e/x", "a~b[1]#2", "...", "a/.b"] {
            assert_eq!(parse(key).unwrap().as_ref(), key);
        }
        for key in
            ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\0b", "a\nb"]
        {
            assert!(parse(key).is_err(), "{key:?}");
        }
    }

    /// F105: over 1024 bytes is refused, and exactly as many are taken.
    #[test]
    fn a_key_has_at_most_1024_bytes() {
        assert!(parse(&"k".repeat(1024)).is_ok());
        assert!(parse(&"k".repeat(1025)).unwrap_err().is_limit());
        let longest = 1024 - "users/all/.json".len();
        assert!(of_record(&prefix(), &"k".repeat(longest), ".json").is_ok());
        assert!(of_record(&prefix(), &"k".repeat(longest + 1), ".json").unwrap_err().is_limit());
        // What counts is the encoded id.
        assert!(of_record(&prefix(), &"/".repeat(longest / 3), ".json").is_ok());
        assert!(
            of_record(&prefix(), &"/".repeat(longest / 3 + 1), ".json").unwrap_err().is_limit()
        );
        assert!(
            join(&parse(&"a".repeat(1000)).unwrap(), &parse(&"b".repeat(24)).unwrap())
                .unwrap_err()
                .is_limit()
        );
    }

    #[test]
    fn what_is_encoded_and_what_is_not() {
        let cases = [
            ("u-1", "users/all/u-1.json"),
            ("a/b", "users/all/a%2Fb.json"),
            ("..", "users/all/%2E%2E.json"),
            ("../../etc", "users/all/..%2F..%2Fetc.json"),
            ("100%", "users/all/100%25.json"),
            ("%2e%2e", "users/all/%252e%252e.json"),
            ("a#1", "users/all/a%231.json"),
            ("a\0\n\u{7f}\u{85} z", "users/all/a%00%0A%7F%C2%85%20z.json"),
            ("Zoë~[*]", "users/all/Zoë~[*].json"),
        ];
        for (id, key) in cases {
            let path = of_record(&prefix(), id, ".json").unwrap();
            assert_eq!(path.as_ref(), key);
            assert_eq!(id_of(&prefix(), &path, ".json").as_deref(), Some(id));
        }
        assert!(of_record(&prefix(), "", ".json").is_err());
        assert_eq!(of_record(&prefix(), "..", "").unwrap().as_ref(), "users/all/%2E%2E");
    }

    #[test]
    fn what_is_not_the_key_of_a_record() {
        let strangers = [
            "users/all.json",
            "users/all/deeper/a.json",
            "users/allies/a.json",
            "users/all/a.txt",
            "users/all/.json",
            "users/all/a%2fb.json",
            "users/all/a%41.json",
            "users/all/a%.json",
            "users/all/a%4.json",
            "users/all/a%ü4.json",
            "users/all/%FF.json",
            "users/all/a b.json",
            "other/a.json",
        ];
        for key in strangers {
            assert_eq!(id_of(&prefix(), &parse(key).unwrap(), ".json"), None, "{key}");
        }
    }

    fn ids() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            3 => any::<char>().prop_map(String::from),
            3 => "[a-z.]{1,3}",
            1 => prop::sample::select(vec!["/", "//", ".", "..", "%", "%2e", "%2F", "\\", "\0", "ü", " ", "#1", ".json", "CON"])
                .prop_map(str::to_owned),
        ];
        prop::collection::vec(part, 1..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        /// F94, F105: whatever the id, its key is one segment below the prefix, and gives the id back.
        #[test]
        fn every_id_round_trips_and_stays_in_its_prefix(id in ids(), suffix in prop::sample::select(vec!["", ".json"])) {
            let (prefix, key) = (prefix(), of_record(&prefix(), &id, suffix).unwrap());
            prop_assert_eq!(key.parts_count(), prefix.parts_count() + 1);
            prop_assert!(key.prefix_matches(&prefix));
            let name = key.filename().unwrap();
            prop_assert!(name != "." && name != ".." && !name.chars().any(char::is_control));
            let found = id_of(&prefix, &key, suffix);
            prop_assert_eq!(found.as_deref(), Some(id.as_str()));
        }

        /// F105: two ids never share a key.
        #[test]
        fn two_ids_have_two_keys(a in ids(), b in ids()) {
            let (one, other) = (of_record(&prefix(), &a, ".json").unwrap(), of_record(&prefix(), &b, ".json").unwrap());
            prop_assert_eq!(a == b, one == other);
        }

        /// F105: any key at all is either no record's or exactly the one its id has.
        #[test]
        fn no_key_is_guessed(name in "[a-c%2F./ü#]{0,12}") {
            if let Some(id) = id_of_name(&name, ".json") {
                let key = of_record(&prefix(), &id, ".json").unwrap();
                prop_assert_eq!(key.filename(), Some(name.as_str()));
            }
        }
    }
}
