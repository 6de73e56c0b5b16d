//! What computes a digest, behind one type for all algorithms: the choice is made at run time, once per chunk.

use highwater_core::debug_fields;

use crate::{Algorithm, Digest};

/// A digest under way.
pub(crate) struct Engine {
    algorithm: Algorithm,
    state: Box<dyn State>,
}

impl Engine {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let state: Box<dyn State> = match algorithm {
            Algorithm::Sha256 => Box::<Crypto<sha2::Sha256>>::default(),
            Algorithm::Sha512 => Box::<Crypto<sha2::Sha512>>::default(),
            #[cfg(feature = "blake3")]
            Algorithm::Blake3 => Box::new(blake3::Hasher::new()),
            #[cfg(feature = "sha1")]
            Algorithm::Sha1 => Box::<Crypto<sha1::Sha1>>::default(),
            #[cfg(feature = "md5")]
            Algorithm::Md5 => Box::<Crypto<md5::Md5>>::default(),
            #[cfg(feature = "crc32")]
            Algorithm::Crc32 => Box::new(crc32fast::Hasher::new()),
            #[cfg(feature = "xxh3")]
            Algorithm::Xxh3 => Box::new(xxhash_rust::xxh3::Xxh3Default::new()),
        };
        Self { algorithm, state }
    }

    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
    }

    /// The digest of all that was given. It must not be asked twice.
    pub(crate) fn finish(&mut self) -> Digest {
        Digest::filled(self.algorithm, |out| self.state.finish(out))
    }

    /// What it holds, in bytes.
    pub(crate) fn max_bytes(&self) -> usize {
        size_of_val(&*self.state)
    }
}

debug_fields!(Engine, algorithm);

impl Algorithm {
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
}

trait State: Send + Sync {
    fn update(&mut self, bytes: &[u8]);
    /// Fills `out`, which has the length of the digest.
    fn finish(&mut self, out: &mut [u8]);
}

/// A digest of RustCrypto: SHA and MD5.
#[derive(Default)]
struct Crypto<D>(D);

impl<D: sha2::Digest + Default + Send + Sync> State for Crypto<D> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&std::mem::take(&mut self.0).finalize());
    }
}

#[cfg(feature = "blake3")]
impl State for blake3::Hasher {
    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(&mut self, out: &mut [u8]) {
        out.copy_from_slice(self.finalize().as_bytes());
    }
}

#[cfg(feature = "crc32")]
impl State for crc32fast::Hasher {
    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&std::mem::take(self).finalize().to_be_bytes());
    }
}

#[cfg(feature = "xxh3")]
impl State for xxhash_rust::xxh3::Xxh3Default {
    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(&mut self, out: &mut [u8]) {
        // Most significant byte first: the canonical form of xxHash.
        out.copy_from_slice(&self.digest().to_be_bytes());
    }
}
