//! Which digests there are.

use std::fmt;
use std::str::FromStr;

use highwater_core::{Error, Result};

use crate::Digest;
use crate::engine::Engine;

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

    /// The digest of bytes that are all there.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_hash::Algorithm;
    /// let digest = Algorithm::Sha256.digest(b"abc");
    /// assert!(digest.to_hex().starts_with("ba7816bf"));
    /// ```
    pub fn digest(self, bytes: &[u8]) -> Digest {
        let mut engine = Engine::new(self);
        engine.update(bytes);
        engine.finish()
    }

    /// The length of its digests in bytes; in hex they have twice as many digits.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            #[cfg(feature = "blake3")]
            Self::Blake3 => 32,
            #[cfg(feature = "sha1")]
            Self::Sha1 => 20,
            #[cfg(feature = "md5")]
            Self::Md5 => 16,
            #[cfg(feature = "crc32")]
            Self::Crc32 => 4,
            #[cfg(feature = "xxh3")]
            Self::Xxh3 => 8,
        }
    }

    /// True where a digest that fits shows no more than that nothing went wrong by chance: other bytes with the same
    /// digest can be made on purpose.
    pub const fn is_checksum_only(self) -> bool {
        match self {
            Self::Sha256 | Self::Sha512 => false,
            #[cfg(feature = "blake3")]
            Self::Blake3 => false,
            #[cfg(feature = "sha1")]
            Self::Sha1 => true,
            #[cfg(feature = "md5")]
            Self::Md5 => true,
            #[cfg(feature = "crc32")]
            Self::Crc32 => true,
            #[cfg(feature = "xxh3")]
            Self::Xxh3 => true,
        }
    }

    /// Its name, such as `sha256`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            #[cfg(feature = "blake3")]
            Self::Blake3 => "blake3",
            #[cfg(feature = "sha1")]
            Self::Sha1 => "sha1",
            #[cfg(feature = "md5")]
            Self::Md5 => "md5",
            #[cfg(feature = "crc32")]
            Self::Crc32 => "crc32",
            #[cfg(feature = "xxh3")]
            Self::Xxh3 => "xxh3",
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
