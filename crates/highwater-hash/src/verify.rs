//! The tap that refuses.

use bytes::Bytes;
use highwater_core::{Error, Result, Transform};

use crate::Digest;
use crate::engine::Engine;

/// Lets a stream end only if it has this digest: [`Verify::new`].
pub fn verify(expected: Digest) -> Verify {
    Verify::new(expected)
}

/// Lets a stream end only if all that has passed has the digest that is expected.
///
/// The chunks pass as they are, before anybody knows whether they are right. It fails in the place of the end, so a
/// pipeline calls its destination's `abort` and not its `finish`: put it before a destination that commits when it is
/// finished, such as `fs::replace`, and the old file stays as it was. What a destination does with chunks before that
/// (`fs::write`, a socket) is done.
///
/// With an algorithm that [is a checksum only](crate::Algorithm::is_checksum_only) it finds mistakes and not attacks.
///
/// # Errors
///
/// [`is_corrupt`](Error::is_corrupt) at the end, with both digests in the message. They are compared in a time that does
/// not depend on where they differ.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_hash::{Algorithm, HashExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let path = tempfile::tempdir()?.keep().join("file");
/// std::fs::write(&path, "old")?;
/// let expected = Algorithm::Sha256.digest(b"new");
///
/// let damaged = Readable::once(Bytes::from("nwe")).verify(expected);
/// let error = damaged.pipe_to(highwater_io::fs::replace(&path)).await.unwrap_err();
/// assert!(error.is_corrupt() && error.to_string().contains(&expected.to_string()));
/// assert_eq!(std::fs::read(&path)?, b"old");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Verify {
    expected: Digest,
    engine: Engine,
}

impl Verify {
    /// Expects this digest.
    pub fn new(expected: Digest) -> Self {
        Self { expected, engine: Engine::new(expected.algorithm()) }
    }
}

impl Transform for Verify {
    type Input = Bytes;
    type Output = Bytes;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.engine.update(&chunk);
        Ok(Some(chunk))
    }

    fn end(&mut self) -> Result<()> {
        let (expected, found) = (self.expected, self.engine.finish());
        if found == expected {
            Ok(())
        } else {
            Err(Error::corrupt(format!("the digest is {found}, where {expected} is expected")))
        }
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(self.engine.max_bytes())
    }

    fn name(&self) -> &'static str {
        "verify"
    }
}
