//! Writing a batch, on whatever thread has the file.

use std::fs::File;
use std::io::{self, ErrorKind, Write};

use super::gate::Gate;
use super::target::Opened;
use crate::batch::Batch;
use crate::io::wait_until_writable;

/// The file unless it could not be written, and how many bytes were written.
#[derive(Debug)]
pub(super) struct Wrote {
    pub(super) file: io::Result<Opened>,
    pub(super) written: u64,
}

impl Wrote {
    /// Closes the file, on this thread.
    pub(super) fn discard(self) {
        if let Ok(file) = self.file {
            file.discard();
        }
    }
}

/// Writes a batch, at most `most` bytes per call. A pipe that was aborted gets no further call.
pub(super) fn write_all(mut file: Opened, mut batch: Batch, most: usize, gate: &Gate) -> Wrote {
    let mut written = 0;
    // A regular file is written to the end: what was flushed is there, whatever comes next.
    let stopped = || most != usize::MAX && gate.is_closed();
    while !batch.is_empty() && !stopped() {
        match write_some(file.file(), &mut batch, most) {
            Ok(n) => {
                batch.written(n);
                written += n as u64;
            }
            Err(error) => {
                file.discard();
                return Wrote { file: Err(error), written };
            }
        }
    }
    Wrote { file: Ok(file), written }
}

/// Writes at least one byte. A file that a parent process has set to non-blocking is waited for.
fn write_some<W: Write + WaitReady>(
    file: &mut W,
    batch: &mut Batch,
    most: usize,
) -> io::Result<usize> {
    loop {
        let wrote = if batch.len() <= most || most == usize::MAX {
            batch.with_slices(|slices| file.write_vectored(slices))
        } else {
            let first = batch.first();
            file.write(&first[..first.len().min(most)])
        };
        match wrote {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => file.wait_until_writable()?,
            wrote => return wrote,
        }
    }
}

/// A writer that can be waited for.
trait WaitReady {
    fn wait_until_writable(&self) -> io::Result<()>;
}

impl WaitReady for File {
    fn wait_until_writable(&self) -> io::Result<()> {
        wait_until_writable(self)
    }
}

/// The most bytes of a call that may wait for ever: the size of a pipe in Linux.
pub(super) const PIPE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Takes nothing once the given results are used up.
    struct Scripted(Vec<io::Result<usize>>);

    impl Write for Scripted {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.0.pop().unwrap_or(Ok(0))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl WaitReady for Scripted {
        fn wait_until_writable(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn batch() -> Batch {
        let mut batch = Batch::default();
        batch.push(Bytes::from_static(b"text"));
        batch
    }

    #[test]
    fn a_file_that_takes_nothing_is_an_error() {
        let error = write_some(&mut Scripted(vec![]), &mut batch(), PIPE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    }

    #[test]
    fn a_write_that_would_block_or_was_interrupted_is_tried_again() {
        let script =
            vec![Ok(3), Err(ErrorKind::WouldBlock.into()), Err(ErrorKind::Interrupted.into())];
        let n = write_some(&mut Scripted(script), &mut batch(), PIPE).unwrap();
        assert_eq!(n, 3);
    }
}
