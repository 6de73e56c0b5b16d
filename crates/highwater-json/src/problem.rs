//! What serde_json says about a record, and where.

use highwater_core::Error;
use memchr::memchr_iter;

/// Where a record begins in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// In bytes from 0.
    pub(crate) offset: u64,
    /// From 1.
    pub(crate) line: u64,
}

/// What is wrong with a record that serde_json has refused.
#[derive(Debug)]
pub(crate) struct Problem<'a> {
    error: &'a serde_json::Error,
    /// What serde_json says, its place left out: that is of the record, not of the stream.
    pub(crate) what: String,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(error: &'a serde_json::Error) -> Self {
        let mut what = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        if what.ends_with(&place) {
            what.truncate(what.len() - place.len());
        }
        // "EOF" would be understood as the end of the stream.
        if let Some(rest) = what.strip_prefix("EOF while ").filter(|_| error.is_eof()) {
            what = format!("the record ends while {rest}");
        }
        Self { error, what }
    }

    /// It is nested deeper than serde_json follows. Nothing but the text tells: there is a test that it still does.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.error.is_syntax() && self.what == "recursion limit exceeded"
    }

    /// The byte of its line where serde_json stood, from 1; `None` where the type itself has refused the value.
    pub(crate) fn column(&self) -> Option<usize> {
        (self.error.line() > 0).then(|| self.error.column().max(1))
    }

    /// The error, with this text and the place in the stream.
    pub(crate) fn at(&self, text: String, record: &[u8], begin: Place) -> Error {
        let error = if self.is_too_deep() { Error::limit(text) } else { Error::corrupt(text) };
        let lines_before = self.error.line().saturating_sub(1);
        let line_start = match lines_before.checked_sub(1) {
            Some(last) => memchr_iter(b'\n', record).nth(last).map_or(0, |newline| newline + 1),
            None => 0,
        };
        let index = line_start + self.error.column().saturating_sub(1);
        error.at_line(begin.line + lines_before as u64).at_offset(begin.offset + index as u64)
    }
}

/// A record is longer than the maximum.
pub(crate) fn too_long(what: &str, max: usize, begin: Place) -> Error {
    Error::limit(format!("{what} is longer than {max} bytes"))
        .at_line(begin.line)
        .at_offset(begin.offset)
}

/// White space as JSON knows it: RFC 8259, section 2.
#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// UTF-8's byte order mark, which RFC 8259, section 8.1, lets a reader pass over.
pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";
