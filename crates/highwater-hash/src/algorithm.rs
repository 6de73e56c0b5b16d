//! Which digests there are.

use std::fmt;
use std::str::FromStr;

use highwater_core::{Error, Result};

/// How a digest is made.
///
/// Those that are a *checksum only* find mistakes, not attacks: somebody who wants to can make other bytes with the same
/// digest ([`is_checksum_only`](Self::is_checksum_only)).
///
/// # Examples
///
/// ```
/// use highwater_hash::Algorithm;
/// # fn main() -> highwater_core::Result<()> {
/// let algorithm: Algorithm = "SHA-256".parse()?;
/// assert_eq!(algorithm, Algorithm::Sha256);
/// assert_eq!((algorithm.to_string().as_str(), algorithm.digest_len()), ("sha256", 32));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-512 (FIPS 180-4). Slower than SHA-256 where the processor has instructions for that one.
    Sha512,
    /// BLAKE3, with its usual 32 bytes (<https://github.com/BLAKE3-team/BLAKE3-specs>). The fastest of those that
    /// withstand attacks.
    #[cfg(feature = "blake3")]
    Blake3,
    /// SHA-1 (FIPS 180-4). A checksum only: collisions are made in practice (<https://shattered.io>).
    #[cfg(feature = "sha1")]
    Sha1,
    /// MD5 (RFC 1321). A checksum only: collisions are made in seconds (RFC 6151).
    #[cfg(feature = "md5")]
    Md5,
    /// CRC-32 as in gzip, zip and Ethernet (RFC 1952, 8). A checksum only.
    #[cfg(feature = "crc32")]
    Crc32,
    /// XXH3 with 64 bits and no seed (<https://github.com/Cyan4973/xxHash>). A checksum only, and the fastest.
    #[cfg(feature = "xxh3")]
    Xxh3,
}

impl Algorithm {
    /// All that are compiled in.
    pub const ALL: &[Self] = &[
        Self::Sha256,
        Self::Sha512,
        #[cfg(feature = "blake3")]
        Self::Blake3,
        #[cfg(feature = "sha1")]
        Self::Sha1,
        #[cfg(feature = "md5")]
        Self::Md5,
        #[cfg(feature = "crc32")]
        Self::Crc32,
        #[cfg(feature = "xxh3")]
        Self::Xxh3,
    ];

    /// The length of its digests in bytes; in hex they have twice as many digits.
    pub const fn digest_len(self) -> usize {
        self.facts().1
    }

    /// True where a digest that fits shows no more than that nothing went wrong by chance: other bytes with the same
    /// digest can be made on purpose.
    pub const fn is_checksum_only(self) -> bool {
        self.facts().2
    }

    /// Its name, such as `sha256`.
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// Its name, its length in bytes, and whether it is a checksum only.
    const fn facts(self) -> (&'static str, usize, bool) {
        match self {
            Self::Sha256 => ("sha256", 32, false),
            Self::Sha512 => ("sha512", 64, false),
            #[cfg(feature = "blake3")]
            Self::Blake3 => ("blake3", 32, false),
            #[cfg(feature = "sha1")]
            Self::Sha1 => ("sha1", 20, true),
            #[cfg(feature = "md5")]
            Self::Md5 => ("md5", 16, true),
            #[cfg(feature = "crc32")]
            Self::Crc32 => ("crc32", 4, true),
            #[cfg(feature = "xxh3")]
            Self::Xxh3 => ("xxh3", 8, true),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// By name, whatever the case, with a dash or without: `sha256`, `SHA256` and `SHA-256` are one.
///
/// # Errors
///
/// There is none of that name, or its feature is off; the message lists those that there are.
impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = text.replace('-', "");
        let named = |known: &&Self| known.name().eq_ignore_ascii_case(&plain);
        Self::ALL.iter().find(named).copied().ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|known| known.name()).collect();
            Error::msg(format!("no algorithm {text:?}; there are {}", names.join(", ")))
        })
    }
}
