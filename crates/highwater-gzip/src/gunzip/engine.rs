//! The engine, made when it is needed.

use flate2::{Decompress, DecompressError, FlushDecompress, Status};
use highwater_core::{Error, Result};

use crate::input::Input;

/// Inflates (RFC 1951), with a zlib header and checksum around the data (RFC 1950) or without.
#[derive(Debug, Default)]
pub(super) struct Engine {
    zlib: bool,
    /// Made with the first byte: it takes 46 KiB.
    inner: Option<Decompress>,
}

impl Engine {
    /// The most bytes it allocates: 47,552 were counted for zlib-rs 0.6.
    pub(super) const MAX_BYTES: usize = 48 * 1024;

    pub(super) fn new(zlib: bool) -> Self {
        Self { zlib, inner: None }
    }

    /// Makes it ready for other data.
    pub(super) fn reset(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.reset(self.zlib);
        }
    }

    /// Takes of the input and appends to the buffer, as far as there is input and room. What was made before an error is
    /// in the buffer.
    pub(super) fn inflate(&mut self, input: &mut Input, buffer: &mut Vec<u8>) -> Result<Status> {
        let inner = self.inner.get_or_insert_with(|| Decompress::new(self.zlib));
        let before = inner.total_in();
        let result = inner.decompress_vec(input.bytes(), buffer, FlushDecompress::None);
        let (total, taken) = (inner.total_in(), inner.total_in() - before);
        input.advance(usize::try_from(taken).expect("it is of a slice"));
        result.map_err(|error| self.explain(&error, total).at_offset(input.offset()))
    }

    /// The engine's own words depend on how the input is cut.
    #[cold]
    fn explain(&self, error: &DecompressError, total: u64) -> Error {
        Error::corrupt(if error.needs_dictionary().is_some() {
            "the data cannot be decompressed without a preset dictionary"
        } else if self.zlib && total <= ZLIB_HEADER {
            "not zlib: its first two bytes are no header"
        } else if self.zlib && error.message() == Some("incorrect data check") {
            "the data is damaged: its Adler-32 is not what the trailer says"
        } else {
            "the compressed data is damaged"
        })
    }
}

/// Bytes of a zlib header.
const ZLIB_HEADER: u64 = 2;
