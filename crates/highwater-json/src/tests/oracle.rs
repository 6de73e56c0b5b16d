//! What is expected of NDJSON, by a plain function over the whole input.

use bytes::Bytes;
use highwater_core::Error;
use highwater_core::record::Failed;
use serde::de::{DeserializeOwned, IgnoredAny};

/// What a line that is not blank is.
#[derive(Debug, PartialEq)]
pub(super) enum Expected<T> {
    Good(T),
    Bad(Bad),
    /// The input ends inside it: the line, and the length of the input.
    CutShort(u64, u64),
}

/// All that is known of a bad record.
#[derive(Debug, PartialEq)]
pub(super) struct Bad {
    pub(super) is_limit: bool,
    pub(super) line: u64,
    /// Where it begins.
    pub(super) begin: u64,
    /// Where it is wrong.
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) cut: bool,
}

impl Bad {
    pub(super) fn of(letter: &Failed<Bytes>) -> Self {
        let error = letter.error();
        assert!(error.is_limit() != error.is_corrupt(), "{error}");
        Self {
            is_limit: error.is_limit(),
            line: error.line().unwrap(),
            begin: letter.offset().unwrap(),
            offset: error.offset().unwrap(),
            bytes: letter.item().to_vec(),
            cut: letter.is_cut(),
        }
    }

    /// True when the stream has failed with it.
    pub(super) fn is(&self, error: &Error) -> bool {
        error.is_limit() == self.is_limit
            && error.is_corrupt() != self.is_limit
            && (error.line(), error.offset()) == (Some(self.line), Some(self.offset))
    }
}

pub(super) fn ndjson<T: DeserializeOwned>(input: &[u8], max: usize) -> Vec<Expected<T>> {
    let mut all = Vec::new();
    let mut begin = 0;
    for (index, whole) in input.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let (line, mut bytes) = (index as u64 + 1, whole);
        bytes = bytes.strip_suffix(b"\n").map_or(bytes, |b| b.strip_suffix(b"\r").unwrap_or(b));
        let cut = bytes.len() > max;
        bytes = &bytes[..bytes.len().min(max)];
        let mark = index == 0 && !cut && bytes.starts_with("\u{feff}".as_bytes());
        let mark = if mark { 3 } else { 0 };
        let start = (begin + mark) as u64;
        begin += whole.len();
        bytes = &bytes[mark..];
        let bad = |is_limit, offset| {
            Expected::Bad(Bad { is_limit, line, begin: start, offset, bytes: bytes.to_vec(), cut })
        };
        if cut {
            all.push(bad(true, start));
        } else if bytes.iter().any(|byte| !b" \t\r\n".contains(byte)) {
            let offset_of = |error: serde_json::Error| match std::str::from_utf8(bytes) {
                Ok(_) => error.column().saturating_sub(1),
                Err(error) => error.valid_up_to(),
            };
            all.push(match serde_json::from_slice(bytes) {
                Ok(value) => Expected::Good(value),
                Err(_) if begin == input.len() && !whole.ends_with(b"\n") && is_open(bytes) => {
                    Expected::CutShort(line, begin as u64)
                }
                Err(error) => bad(false, start + offset_of(error) as u64),
            });
        }
    }
    all
}

/// True when it is the start of some JSON text, and not one itself.
fn is_open(text: &[u8]) -> bool {
    let parse = serde_json::from_slice::<IgnoredAny>;
    let digit = [text, b"0"].concat();
    parse(text)
        .is_err_and(|error| error.is_eof() || parse(&digit).map_or_else(|e| e.is_eof(), |_| true))
}
