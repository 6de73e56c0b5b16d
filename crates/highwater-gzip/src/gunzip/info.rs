//! What a machine finds out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::header::Header;

/// What [`Gunzip`](crate::Gunzip) has found out so far; cheap to clone.
///
/// It is brought up to date whenever an output is given, at the end of each chunk, and at an error.
///
/// # Examples
///
/// A format with something behind the compressed data.
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_gzip::{Gunzip, Gzip, Trailing};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let packed = Readable::once(Bytes::from("packed")).pipe(Gzip::new(6)).to_bytes().await?;
/// let mut source = Readable::from_iter([packed, "not packed, ".into(), "at all".into()]);
///
/// let gunzip = Gunzip::new().with_trailing(Trailing::Return);
/// let info = gunzip.info();
/// assert_eq!(source.by_ref().pipe(gunzip).to_bytes().await?, "packed");
/// assert_eq!((info.members(), info.bytes_out()), (1, 6));
/// assert_eq!(info.rest(), "not packed, ");
/// assert_eq!(source.to_bytes().await?, "at all");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct GunzipInfo(Arc<Mutex<Figures>>);

impl GunzipInfo {
    /// The header of the member that was begun last. `None` before the first is whole, and for zlib and deflate.
    pub fn header(&self) -> Option<Header> {
        self.lock().header.clone()
    }

    /// How many members were decompressed up to their end, and verified.
    pub fn members(&self) -> u64 {
        self.lock().members
    }

    /// Bytes taken, without those that were given back.
    pub fn bytes_in(&self) -> u64 {
        self.lock().bytes_in
    }

    /// Bytes made.
    pub fn bytes_out(&self) -> u64 {
        self.lock().bytes_out
    }

    /// Bytes of garbage that were dropped, with [`Trailing::Ignore`](crate::Trailing::Ignore).
    pub fn ignored(&self) -> u64 {
        self.lock().ignored
    }

    /// What followed the last member, with [`Trailing::Return`](crate::Trailing::Return): the rest of the chunk it
    /// ended in, and a byte of the chunk before it at the most.
    pub fn rest(&self) -> Bytes {
        self.lock().rest.clone()
    }

    pub(super) fn publish(&self, now: &mut Figures) {
        let mut shared = self.lock();
        let header = now.header.take().or_else(|| shared.header.take());
        let news = Figures { header, rest: now.rest.clone(), ..*now };
        let before = std::mem::replace(&mut *shared, news);
        // What it held is not dropped under the lock: bytes may have an owner with a `drop` of its own.
        drop(shared);
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The figures where they are counted.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// In the machine: only until it is published.
    pub(super) header: Option<Header>,
    pub(super) members: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) ignored: u64,
    pub(super) rest: Bytes,
}
