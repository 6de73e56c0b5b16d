//! Line ends that the parser does not count.

use memchr::memchr_iter;

/// Counts each `\r` without a `\n` behind it, however the input is cut into chunks.
#[derive(Debug, Default)]
pub(crate) struct Returns {
    lone: u64,
    /// The last byte was a `\r`: the next one may be its `\n`.
    is_open: bool,
}

impl Returns {
    /// Takes the next bytes of the input.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        let Some(first) = bytes.first() else { return };
        if std::mem::take(&mut self.is_open) && *first != b'\n' {
            self.lone += 1;
        }
        for at in memchr_iter(b'\r', bytes) {
            match bytes.get(at + 1) {
                None => self.is_open = true,
                Some(b'\n') => {}
                Some(_) => self.lone += 1,
            }
        }
    }

    /// The number so far, a `\r` at the very end included.
    pub(crate) fn count(&self) -> u64 {
        self.lone + u64::from(self.is_open)
    }
}
