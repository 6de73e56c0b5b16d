//! From values to rows.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use csv::{Terminator, Writer, WriterBuilder};
use highwater_core::{Gather, Result, Transform};
use serde_core::Serialize;

use crate::Format;

/// Writes CSV: [`ToCsv::new`].
pub fn to_csv<T: Serialize>() -> ToCsv<T> {
    ToCsv::new()
}

/// Writes CSV: every value as a row, many rows in a chunk.
///
/// The header comes before the first row, with the names of its fields; values without names, such as tuples, have no
/// header, and no values have none either. A field is quoted where it has to be. Fields are written as they are: one that
/// begins with `=`, `+`, `-` or `@` may be a formula to the program that opens the file.
///
/// A chunk is given when there are 64 KiB of rows, when the source has nothing at hand, at the end, and before an error
/// of the source.
///
/// # Errors
///
/// A value is no row, for example a struct with a list in it, or does not have as many fields as the first and the format
/// is not flexible. The values before it are given first, and nothing of it.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_csv::ToCsv;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct City {
///     name: &'static str,
///     people: u64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let cities = [City { name: "Ulm", people: 128_928 }, City { name: "Ys, the lost", people: 0 }];
/// let chunks = Readable::from_iter(cities).pipe(ToCsv::new()).to_vec().await?;
/// assert_eq!(chunks, ["name,people\nUlm,128928\n\"Ys, the lost\",0\n"]);
/// # Ok(()) }
/// ```
pub struct ToCsv<T> {
    writer: Writer<Written>,
    /// The row that the writer has written last.
    row: Written,
    gather: Gather,
    value: PhantomData<fn(T)>,
}

impl<T: Serialize> ToCsv<T> {
    /// With [`Format::new`]: commas, double quotes, a header, `\n`.
    pub fn new() -> Self {
        Self::with_format(Format::new())
    }

    /// With this format.
    ///
    /// # Panics
    ///
    /// The delimiter or the quote is not ASCII or ends a line, both are the same, or there are no quotes: a field with a
    /// delimiter in it could not be written.
    #[track_caller]
    pub fn with_format(format: Format) -> Self {
        format.check();
        let quote = format.quote.expect("CSV is written with quotes where they are needed");
        let row = Written::default();
        let writer = WriterBuilder::new()
            .delimiter(format.delimiter)
            .quote(quote)
            .has_headers(format.header)
            .flexible(format.flexible)
            .terminator(if format.crlf { Terminator::CRLF } else { Terminator::Any(b'\n') })
            .from_writer(row.clone());
        Self { writer, row, gather: Gather::default(), value: PhantomData }
    }
}

impl<T: Serialize> Default for ToCsv<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for ToCsv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToCsv").finish_non_exhaustive()
    }
}

impl<T: Serialize> Transform for ToCsv<T> {
    type Input = T;
    type Output = Bytes;

    fn write(&mut self, value: T) -> Result<Option<Bytes>> {
        let Self { writer, row, gather, .. } = self;
        gather.add(|chunk| {
            writer.serialize(value)?;
            // Row by row, so that a value that fails in its middle leaves nothing behind.
            writer.flush()?;
            chunk.append(&mut row.lock());
            Ok(())
        })
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        self.gather.read()
    }

    fn end(&mut self) -> Result<()> {
        self.gather.release();
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        self.gather.release();
        Ok(())
    }

    /// Somebody may wait for what is held.
    fn releases_when_idle(&self) -> bool {
        !self.gather.is_empty()
    }

    fn holds(&self) -> Option<usize> {
        Some(self.gather.holds())
    }

    fn name(&self) -> &'static str {
        "to_csv"
    }
}

/// What a writer of the crate `csv` has written. It owns what it writes to and does not lend it, so it is shared; nobody
/// ever waits for the lock, as all of it is in one machine.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
