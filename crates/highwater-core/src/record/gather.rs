//! Records written one by one, handed on in chunks.

use bytes::Bytes;

use crate::{Error, Result};

/// Puts written records together, so that a chunk is made of many and none of them is allocated by itself.
///
/// A chunk is given once there are 64 KiB; what is less waits for more records, for the end, or for
/// [`release`](Self::release). It is for those who write a machine that writes records.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Result, Transform};
/// use highwater_core::record::ChunkWriter;
///
/// /// A number per line.
/// #[derive(Default)]
/// struct Numbers(ChunkWriter);
///
/// impl Transform for Numbers {
///     type Input = u32;
///     type Output = Bytes;
///
///     fn write(&mut self, number: u32) -> Result<Option<Bytes>> {
///         self.0.add(|chunk| Ok(chunk.extend_from_slice(format!("{number}\n").as_bytes())))
///     }
///
///     fn read(&mut self) -> Result<Option<Bytes>> {
///         self.0.read()
///     }
///
///     fn end(&mut self) -> Result<()> {
///         Ok(self.0.release())
///     }
///
///     fn release(&mut self) -> Result<()> {
///         Ok(self.0.release())
///     }
/// }
///
/// let mut numbers = Numbers::default();
/// assert_eq!(numbers.write(1)?, None);
/// assert_eq!(numbers.write(2)?, None);
/// numbers.end()?;
/// assert_eq!(numbers.read()?.expect("the rest"), "1\n2\n");
/// assert_eq!(numbers.read()?, None);
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ChunkWriter {
    chunk: Vec<u8>,
    state: State,
}

/// ```text
///             a record fails, others are held: they are given
///  Gathering -------------------------------------------------> Failing ---> over
///    |    ^
///    +----+ released: what is held is given
/// ```
#[derive(Debug, Default)]
enum State {
    #[default]
    Gathering,
    Released,
    Failing(Error),
}

impl ChunkWriter {
    /// Lets a function append one record; gives a chunk if there is enough for one.
    ///
    /// # Errors
    ///
    /// The function's, behind the records before: what it had appended is taken back, what was gathered is given, and
    /// the error comes from the next [`read`](Self::read).
    #[inline]
    pub fn add(
        &mut self,
        append: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<Option<Bytes>> {
        let whole = self.chunk.len();
        if let Err(error) = append(&mut self.chunk) {
            self.chunk.truncate(whole);
            self.state = State::Failing(error);
            return self.read();
        }
        if self.chunk.len() < CHUNK { Ok(None) } else { Ok(Some(self.take())) }
    }

    /// What there is to give after a release or a failure; `None` when there is nothing.
    ///
    /// # Errors
    ///
    /// That of the record that could not be written, behind those before it.
    pub fn read(&mut self) -> Result<Option<Bytes>> {
        if matches!(self.state, State::Gathering) {
            return Ok(None);
        }
        if !self.chunk.is_empty() {
            return Ok(Some(self.take()));
        }
        match std::mem::take(&mut self.state) {
            State::Failing(error) => Err(error),
            State::Gathering | State::Released => Ok(None),
        }
    }

    /// True when nothing is held that could be given.
    pub fn is_empty(&self) -> bool {
        self.chunk.is_empty()
    }

    /// Lets `read` give what was gathered, however little it is.
    pub fn release(&mut self) {
        if matches!(self.state, State::Gathering) {
            self.state = State::Released;
        }
    }

    /// Appends what stands at the end, and releases it all.
    pub fn finish(&mut self, end: &[u8]) {
        self.chunk.extend_from_slice(end);
        self.release();
    }

    /// The most bytes held between two calls. It is as much only while there is much to write: a stream that is idle
    /// holds nothing.
    pub fn max_bytes(&self) -> usize {
        2 * CHUNK
    }

    fn take(&mut self) -> Bytes {
        let mut chunk = std::mem::take(&mut self.chunk);
        if chunk.len() >= CHUNK {
            // The next one is as large, most often, and need not grow up to there.
            self.chunk.reserve_exact(CHUNK + SLACK);
        }
        // A small chunk must not keep the memory of a full one.
        chunk.shrink_to_fit();
        Bytes::from(chunk)
    }
}

/// A chunk has at least so many bytes, unless it is the last one.
const CHUNK: usize = 64 * 1024;

/// Room for the record that fills a chunk, in bytes, so that most do not make it grow.
const SLACK: usize = 4 * 1024;

/// `Transform` and `Default` for a machine that writes records: it has a `new`, a `gather: ChunkWriter`, and a
/// `format` with `encode(value, chunk)`, which appends a record, and `ending()`, which stands at the end.
#[doc(hidden)]
#[macro_export]
macro_rules! record_writer {
    ($name:ident, $stage:literal, $serialize:path) => {
        impl<T: $serialize> Default for $name<T> {
            fn default() -> Self {
                Self::new()
            }
        }

        $crate::debug_fields!($name<T>);

        impl<T: $serialize> $crate::Transform for $name<T> {
            type Input = T;
            type Output = ::bytes::Bytes;

            #[inline]
            fn write(&mut self, value: T) -> $crate::Result<Option<::bytes::Bytes>> {
                let Self { format, gather, .. } = self;
                gather.add(|chunk| format.encode(value, chunk))
            }

            #[inline]
            fn read(&mut self) -> $crate::Result<Option<::bytes::Bytes>> {
                self.gather.read()
            }

            fn end(&mut self) -> $crate::Result<()> {
                self.gather.finish(self.format.ending());
                Ok(())
            }

            fn release(&mut self) -> $crate::Result<()> {
                self.gather.release();
                Ok(())
            }

            /// Somebody may wait for what is held.
            fn flush_when_idle(&self) -> bool {
                !self.gather.is_empty()
            }

            fn max_bytes(&self) -> Option<usize> {
                Some(self.gather.max_bytes())
            }

            fn name(&self) -> &'static str {
                $stage
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(gather: &mut ChunkWriter, record: &[u8]) -> Result<Option<Bytes>> {
        gather.add(|chunk| {
            chunk.extend_from_slice(record);
            if record.contains(&b'!') { Err(Error::msg("cannot be written")) } else { Ok(()) }
        })
    }

    #[test]
    fn a_chunk_is_given_when_there_is_enough() {
        let (mut gather, record) = (ChunkWriter::default(), [b'x'; 1000]);
        let mut chunks = Vec::new();
        for _ in 0..200 {
            chunks.extend(add(&mut gather, &record).unwrap());
            assert!(gather.read().unwrap().is_none(), "not before it is released");
            assert!(gather.chunk.capacity() <= gather.max_bytes());
        }
        assert_eq!(chunks.iter().map(Bytes::len).collect::<Vec<_>>(), [66_000; 3]);
        gather.release();
        assert_eq!(gather.read().unwrap().unwrap().len(), 2000);
        assert_eq!(gather.chunk.capacity(), 0, "a stream that is idle holds nothing");
        assert!(gather.read().unwrap().is_none() && gather.is_empty());
        // It can go on afterwards, and holds again.
        assert!(add(&mut gather, b"a").unwrap().is_none());
        assert!(gather.read().unwrap().is_none() && !gather.is_empty());
    }

    #[test]
    fn what_is_half_written_is_taken_back_and_the_error_comes_last() {
        let mut gather = ChunkWriter::default();
        assert!(add(&mut gather, b"a").unwrap().is_none());
        assert_eq!(add(&mut gather, b"half!").unwrap().unwrap(), "a");
        assert_eq!(gather.read().unwrap_err().to_string(), "cannot be written");
        assert!(add(&mut ChunkWriter::default(), b"!").is_err(), "at once, with nothing before it");
    }

    #[test]
    fn a_release_of_nothing_gives_nothing() {
        let mut gather = ChunkWriter::default();
        gather.release();
        assert!(gather.read().unwrap().is_none());
        assert!(add(&mut gather, b"a").unwrap().is_none());
    }
}
