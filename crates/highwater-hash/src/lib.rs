//! Digests of highwater streams of [`Bytes`], and streams that must have a given digest.
//!
//! - [`Hash`](struct@Hash) is a tap: chunks pass through it untouched, and when the stream has ended, a [`DigestHandle`]
//!   has the digest; it makes as many at once as it is asked for;
//! - [`Verify`] lets a stream end only if its digest is the expected one, so that what commits at its end, such as
//!   `fs::replace`, never commits a damaged file;
//! - [`HashExt::digest`] reads a stream to its end for its digest alone.
//!
//! How the input is cut into chunks makes no difference. Nothing is held but the state of the algorithms, two KiB for the
//! largest. There is no limit to lift: a digest is made of any number of bytes (SHA-256 and SHA-1 count up to 2⁶⁴ bits).
//!
//! There is no digest of half a stream: if it fails, is dropped or is stopped early, the handle says so with an error.
//!
//! # Which algorithm
//!
//! | | bytes | against attacks | feature |
//! |---|---|---|---|
//! | `Sha256` | 32 | yes | always there |
//! | `Sha512` | 64 | yes | always there |
//! | `Blake3` | 32 | yes | `blake3` |
//! | `Sha1` | 20 | no: checksum only | `sha1` |
//! | `Md5` | 16 | no: checksum only | `md5` |
//! | `Crc32` | 4 | no: checksum only | `crc32` |
//! | `Xxh3` | 8 | no: checksum only | `xxh3` |
//!
//! The instructions of the processor are looked for at run time, except for XXH3, which takes those it is compiled for. No
//! feature needs a C compiler: BLAKE3 is compiled from Rust, which on x86-64 goes up to AVX2, and has no vector
//! instructions on ARM.
//!
//! # Not for secrets
//!
//! A digest says what bytes are, not who wrote them. The digest of a key followed by a message can be extended to that of a
//! longer message without knowing the key (SHA-256, SHA-512, SHA-1 and MD5 all have this), so there is no method that
//! takes a key: use HMAC or keyed BLAKE3 from a crate that is made for it.
//!
//! ```
//! use bytes::Bytes;
//! use highwater_core::{Readable, Result};
//! use highwater_hash::{Algorithm, Digest, HashExt};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let download = || Readable::from_iter(["hello, ", "world"].map(Bytes::from));
//! let digest = download().digest(Algorithm::Sha256).await?;
//!
//! let published: Digest = "sha256:09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b".parse()?;
//! assert_eq!(digest, published);
//! assert_eq!(download().verify(published).to_bytes().await?, "hello, world");
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod algorithm;
mod digest;
mod engine;
mod hash;
#[cfg(test)]
mod tests;
mod verify;

use std::future::Future;

use bytes::Bytes;
use highwater_core::source::Piped;
use highwater_core::{Readable, Result, Source};

pub use algorithm::Algorithm;
pub use digest::Digest;
pub use hash::{DigestHandle, Hash, hash};
pub use verify::{Verify, verify};

/// The machines of this crate as methods of a readable of bytes.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_hash::{Algorithm, Hash, HashExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let source = || Readable::from_iter(["a", "bc"].map(Bytes::from));
/// let expected = Algorithm::Sha256.digest(b"abc");
/// assert_eq!(source().digest(Algorithm::Sha256).await?, expected);
/// assert_eq!(source().verify(expected).to_vec().await?, ["a", "bc"]);
///
/// let mut hash = Hash::new();
/// let digest = hash.digest(Algorithm::Sha256);
/// assert_eq!(source().hash(hash).count().await?, 2);
/// assert_eq!(digest.await?, expected);
/// # Ok(()) }
/// ```
pub trait HashExt<S>: Into<Readable<S>> {
    /// Puts a [`Hash`](struct@Hash) behind, which makes the digests that it was asked for.
    fn hash(self, hash: Hash) -> Piped<S, Hash>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(hash)
    }

    /// Lets the stream end only if it has this digest: [`Verify::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at its end if it has another one, behind all chunks.
    fn verify(self, expected: Digest) -> Piped<S, Verify>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(Verify::new(expected))
    }

    /// Reads to the end for the digest alone.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: what was read is lost.
    ///
    /// # Errors
    ///
    /// That of the stream.
    fn digest(self, algorithm: Algorithm) -> impl Future<Output = Result<Digest>>
    where
        S: Source<Chunk = Bytes>,
    {
        let mut hash = Hash::new();
        let digest = hash.digest(algorithm);
        async move {
            self.into().pipe(hash).count().await?;
            digest.await
        }
    }
}

impl<S> HashExt<S> for Readable<S> {}
