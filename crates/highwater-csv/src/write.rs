//! From values to rows.

use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use csv::{ErrorKind, Terminator, Writer, WriterBuilder};
use highwater_core::record::ChunkWriter;
use highwater_core::{Error, Result};
use serde_core::Serialize;

use crate::Format;
use crate::format::RowEnd;
use crate::split::BOM;

/// Writes CSV: [`ToCsv::new`].
pub fn to_csv<T: Serialize>() -> ToCsv<T> {
    ToCsv::new()
}

/// Writes CSV: every value as a row, many rows in a chunk.
///
/// The header comes before the first row, with the names of its fields; values without names, such as tuples, have no
/// header, and no values have none either. A field is quoted where it has to be, also where the first one begins with
/// U+FEFF, which readers would take for a byte order mark. Fields are written as they are: one that
/// begins with `=`, `+`, `-` or `@` may be a formula to the program that opens the file.
///
/// A chunk is given when there are 64 KiB of rows, when the source has nothing at hand, at the end, and before an error
/// of the source.
///
/// # Errors
///
/// A value is no row, or does not have as many fields as the first and the format is not flexible. The values before it
/// are given first, and nothing of it. No row is:
///
/// - a map, and so a struct with `#[serde(flatten)]`, which serde gives as a map: its columns are not known beforehand.
///   Write a struct that has all the fields itself.
/// - with a header, a struct with a struct, a tuple or a list in it, whose columns have no names. Without a header
///   ([`Format::no_header`]) the fields of all of them follow one another.
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
    format: RowFormat,
    gather: ChunkWriter,
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
            .terminator(match format.row_end {
                RowEnd::CrLf => Terminator::CRLF,
                RowEnd::Any | RowEnd::Lf => Terminator::Any(b'\n'),
            })
            .from_writer(row.clone());
        let start = Some(Start { delimiter: format.delimiter, quote });
        let format = RowFormat { writer, row, start };
        Self { format, gather: ChunkWriter::default(), value: PhantomData }
    }
}

highwater_core::record_writer!(ToCsv, "to_csv", Serialize);

struct RowFormat {
    writer: Writer<Written>,
    /// The row that the writer has written last.
    row: Written,
    /// Until the first row was written.
    start: Option<Start>,
}

impl RowFormat {
    fn encode<T: Serialize>(&mut self, value: T, chunk: &mut Vec<u8>) -> Result<()> {
        self.writer.serialize(value).map_err(no_row)?;
        // Row by row, so that a value that fails in its middle leaves nothing behind.
        self.writer.flush()?;
        let mut row = self.row.lock();
        if let Some(start) = self.start.take() {
            start.quote_mark(&mut row);
        }
        chunk.append(&mut row);
        Ok(())
    }

    fn ending(&self) -> &'static [u8] {
        b""
    }
}

/// Why a value is no row.
fn no_row(error: csv::Error) -> Error {
    let ErrorKind::Serialize(why) = error.kind() else { return error.into() };
    if why.starts_with("serializing maps") {
        return Error::msg(
            "a value is no CSV row: it is a map, or a struct with #[serde(flatten)], whose columns are not known",
        );
    }
    Error::msg(format!("a value is no CSV row: {why}"))
}

/// The start of the stream, where readers pass over a byte order mark.
#[derive(Debug)]
struct Start {
    delimiter: u8,
    quote: u8,
}

impl Start {
    /// Quotes the first field if it begins like a byte order mark. One that is not quoted has neither delimiter, quote nor
    /// line end in it.
    fn quote_mark(&self, row: &mut Vec<u8>) {
        if !row.starts_with(BOM) {
            return;
        }
        let is_end = |byte: &u8| [self.delimiter, b'\r', b'\n'].contains(byte);
        let end = row.iter().position(is_end).unwrap_or(row.len());
        row.insert(end, self.quote);
        row.insert(0, self.quote);
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
