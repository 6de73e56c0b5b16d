//! So many bytes at a time, however the chunks were cut.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};

use super::buffered::Buffered;
use super::shared::Interest;
use crate::error::Result;
use crate::readable::Readable;

/// Node's `read(n)`.
impl Readable<Buffered<Bytes>> {
    /// Exactly `n` bytes of what is buffered; `None` if there are fewer. When nothing more will come, what is left, however
    /// little. Never waits, and works while paused, too: [`readable_bytes`](Self::readable_bytes) waits.
    ///
    /// Bytes of one chunk are a slice of it; those of several are put together.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{HighWaterMark, pass_through};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
    /// let (writable, mut readable) = pass_through(HighWaterMark::bytes(1024));
    /// let _ = writable.write(Bytes::from_static(b"\x00\x05he"))?;
    /// let header = readable.read_bytes(2).expect("it was written");
    /// assert_eq!(readable.read_bytes(5), None);
    /// let _ = writable.write(Bytes::from_static(b"llo, "))?;
    /// assert!(readable.readable_bytes(header[1].into()).await?);
    /// assert_eq!(readable.read_bytes(5).unwrap(), "hello");
    /// # Ok(()) }
    /// ```
    pub fn read_bytes(&mut self, n: usize) -> Option<Bytes> {
        self.source_mut().take_bytes(n)
    }

    /// Waits until `n` bytes are buffered, or nothing more will come: true if there is something to
    /// [read](Self::read_bytes), false at the end.
    ///
    /// What is there already does not count as buffered while it waits, so that the writer goes on: up to `n` bytes are
    /// held beside the mark.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    ///
    /// # Errors
    ///
    /// As [`readable`](Self::readable), once what came before was read.
    pub async fn readable_bytes(&mut self, n: usize) -> Result<bool> {
        let buffered = self.source_mut();
        poll_fn(|cx| buffered.poll_bytes(n, cx)).await
    }
}

impl Buffered<Bytes> {
    fn take_bytes(&mut self, n: usize) -> Option<Bytes> {
        let may_come = self.take_more();
        let there = self.bytes_taken();
        let n = if may_come { Some(n).filter(|n| *n <= there)? } else { n.min(there) };
        let mut joined = BytesMut::new();
        loop {
            let (front, weight) = self.taken.front_mut()?;
            let missing = n - joined.len();
            if front.len() > missing {
                let part = front.split_to(missing);
                let rest = self.shared.mark().weight(front).min(*weight);
                self.given += std::mem::replace(weight, rest) - rest;
                return Some(join(joined, part));
            }
            let last = front.len() == missing;
            let chunk = self.give()?;
            if last {
                return Some(join(joined, chunk));
            }
            joined.extend_from_slice(&chunk);
        }
    }

    fn poll_bytes(&mut self, n: usize, cx: &mut Context<'_>) -> Poll<Result<bool>> {
        self.start();
        loop {
            let may_come = self.take_more();
            let there = self.bytes_taken();
            if there >= n.max(1) || (!may_come && there > 0) {
                return Poll::Ready(Ok(true));
            }
            if !may_come {
                return self.poll_there(Interest::Arrival, cx);
            }
            for (_, weight) in &mut self.taken {
                self.given += std::mem::take(weight);
            }
            if self.given > 0 {
                self.give_back();
            }
            if self.shared.poll_arrival(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Takes out what is there beside what was taken. Whether more may come.
    fn take_more(&mut self) -> bool {
        !self.over && self.shared.take_more(&mut self.taken)
    }

    fn bytes_taken(&self) -> usize {
        self.taken.iter().map(|(chunk, _)| chunk.len()).sum()
    }
}

fn join(mut joined: BytesMut, last: Bytes) -> Bytes {
    if joined.is_empty() {
        return last;
    }
    joined.extend_from_slice(&last);
    joined.freeze()
}
