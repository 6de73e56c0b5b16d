//! What is put around the compressed data.

use flate2::Compression;

/// What is put around deflate data, the method that all three have in common (RFC 1951).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Format {
    /// A header that may name a file, and a CRC-32 and the length behind the data (RFC 1952): files, `gzip(1)`, HTTP's
    /// `gzip`.
    #[default]
    Gzip,
    /// Two bytes in front and an Adler-32 behind (RFC 1950): PNG, Git, HTTP's `deflate`.
    Zlib,
    /// Nothing: what is damaged may pass unnoticed (RFC 1951).
    Deflate,
}

/// The engine's word for a level.
///
/// # Panics
///
/// If the level is above 9.
#[track_caller]
pub(crate) fn checked(level: u32) -> Compression {
    assert!(level <= 9, "compression levels go from 0 (none) to 9 (best), and this is {level}");
    Compression::new(level)
}
