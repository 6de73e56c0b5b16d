//! Buffers that come back.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Buffers of one size. What is given out returns when the last [`Bytes`] made of it is dropped.
///
/// A reader that allocates afresh pays the page faults of every chunk: 1.9 GB/s with 1 MiB chunks, where reused buffers
/// of 256 KiB read at 10 GB/s. The last one to come back is the first to go out again: of a few megabytes that take
/// turns, each chunk costs a tenth more, because none is in the second-level cache any more.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shelf>);

struct Shelf {
    size: usize,
    keep: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Shelf {
    fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Buffers of `size` bytes, of which at the most `keep` wait for reuse.
    pub(crate) fn new(size: usize, keep: usize) -> Self {
        Self(Arc::new(Shelf { size: size.max(1), keep, free: Mutex::default() }))
    }

    /// An empty buffer.
    pub(crate) fn take(&self) -> Buffer {
        let back = self.0.free().pop();
        let bytes = back.unwrap_or_else(|| vec![0; self.0.size]);
        Buffer { bytes, filled: 0, home: Arc::clone(&self.0) }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("size", &self.0.size)
            .field("free", &self.0.free().len())
            .finish()
    }
}

/// A buffer on loan. It is initialised for its whole length, so it can be lent to any reader; only what was read into
/// it is ever shown.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    home: Arc<Shelf>,
}

impl Buffer {
    /// Where to read into.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Gives the first `filled` bytes. A few bytes are copied out, so that they do not keep a large buffer from coming
    /// back.
    pub(crate) fn freeze(mut self, filled: usize) -> Bytes {
        self.filled = filled.min(self.bytes.len());
        if self.filled <= self.bytes.len() / COPY_PART {
            return Bytes::copy_from_slice(self.as_ref());
        }
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = self.home.free();
        if free.len() < self.home.keep {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// Up to this part of a buffer is copied rather than lent.
const COPY_PART: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_last_slice_is_dropped() {
        let pool = Pool::new(64, 2);
        let mut buffer = pool.take();
        buffer.space()[..32].fill(b'x');
        let bytes = buffer.freeze(32);
        let slice = bytes.slice(8..16);
        drop(bytes);
        assert_eq!((pool.0.free().len(), &slice[..]), (0, &b"xxxxxxxx"[..]));
        drop(slice);
        assert_eq!(pool.0.free().len(), 1);
    }

    #[test]
    fn a_few_bytes_do_not_hold_the_buffer() {
        let pool = Pool::new(64, 2);
        let bytes = pool.take().freeze(8);
        assert_eq!((pool.0.free().len(), bytes.len()), (1, 8));
    }

    #[test]
    fn no_more_are_kept_than_asked_for() {
        let pool = Pool::new(64, 1);
        drop((pool.take(), pool.take()));
        assert_eq!(pool.0.free().len(), 1);
    }
}
