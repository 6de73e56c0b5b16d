//! Where a record begins.

use crate::Error;

/// Where a record begins in the input, for the errors of machines that read records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an offset and a line are all there is to a place")]
pub struct Place {
    /// In bytes from 0.
    pub offset: u64,
    /// From 1.
    pub line: u64,
}

impl Place {
    /// The error, at this place.
    #[cold]
    pub fn locate(self, error: Error) -> Error {
        error.at_line(self.line).at_offset(self.offset)
    }

    /// The error of a record that begins here and is longer than the maximum.
    #[cold]
    pub fn too_long(self, what: &str, max: usize) -> Error {
        self.locate(Error::limit(format!("{what} is longer than {max} bytes")))
    }
}
