//! From the bytes of a record to a value, or to what is wrong with them and where.

use highwater_core::record::Place;
use highwater_core::{Error, Result};
use memchr::{memchr_iter, memrchr};
use serde_core::de::DeserializeOwned;

/// What is wrong with a record.
#[derive(Debug)]
pub(crate) struct Problem {
    /// In words, the place left out: that is of the record, not of the stream.
    pub(crate) what: String,
    /// The byte of its line where it was found out, from 1; `None` where the type itself has refused the value.
    pub(crate) column: Option<usize>,
    /// How many lines and bytes of the record are before that.
    lines: usize,
    bytes: usize,
}

/// Makes a value of a record.
///
/// All of it is looked at once for what is not UTF-8, which costs less than a look at each string of it: the parser is
/// then a fifth faster.
#[inline]
pub(crate) fn parse<T: DeserializeOwned>(record: &[u8]) -> Result<T, Box<Problem>> {
    match std::str::from_utf8(record) {
        Ok(text) => serde_json::from_str(text).map_err(|error| Problem::of(record, &error)),
        Err(error) => Err(Problem::not_utf8(record, error.valid_up_to())),
    }
}

impl Problem {
    /// What serde_json says.
    #[cold]
    fn of(record: &[u8], error: &serde_json::Error) -> Box<Self> {
        let mut what = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        if what.ends_with(&place) {
            what.truncate(what.len() - place.len());
        }
        // "EOF" would be understood as the end of the stream.
        if let Some(rest) = what.strip_prefix("EOF while ").filter(|_| error.is_eof()) {
            what = format!("the record ends while {rest}");
        }
        let lines = error.line().saturating_sub(1);
        let start = match lines.checked_sub(1) {
            Some(last) => memchr_iter(b'\n', record).nth(last).map_or(0, |newline| newline + 1),
            None => 0,
        };
        let column = (error.line() > 0).then(|| error.column().max(1));
        Box::new(Self { what, column, lines, bytes: start + column.map_or(0, |column| column - 1) })
    }

    #[cold]
    fn not_utf8(record: &[u8], valid: usize) -> Box<Self> {
        let start = memrchr(b'\n', &record[..valid]).map_or(0, |newline| newline + 1);
        let lines = memchr_iter(b'\n', &record[..start]).count();
        let (what, column) = ("not valid UTF-8".to_owned(), Some(valid - start + 1));
        Box::new(Self { what, column, lines, bytes: valid })
    }

    /// It is nested deeper than serde_json follows. Nothing but the text tells: there is a test that it still does.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.what == "recursion limit exceeded"
    }

    /// The error, with this text and the place in the stream.
    pub(crate) fn at(&self, text: String, begin: Place) -> Error {
        let error = if self.is_too_deep() { Error::limit(text) } else { Error::corrupt(text) };
        let (line, offset) = (begin.line + self.lines as u64, begin.offset + self.bytes as u64);
        Place { line, offset }.locate(error)
    }
}

/// White space as JSON knows it: RFC 8259, section 2.
#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// UTF-8's byte order mark, which RFC 8259, section 8.1, lets a reader pass over.
pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";
