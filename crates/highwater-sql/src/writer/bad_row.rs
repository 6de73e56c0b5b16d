//! Rows that a table does not take.

use std::error::Error as StdError;
use std::fmt;

use highwater_core::{Error, Result};

use super::plan::DeadLetters;
use crate::cells::{CellSink, Cells, Scratch, ToRow};
use crate::serial::Json;
use crate::table::Table;
use crate::value::ValueRef;

/// A row that the table does not take: a constraint, a type, or a value that it cannot hold.
///
/// It is inside the [`Error`] of the pipeline: `error.downcast_ref::<BadRow>()`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use highwater_core::{Readable, Result};
/// use highwater_sql::{BadRow, Database, Table, table_writer};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let database = Database::sqlite(folder.path().join("n.db"));
/// database.execute("CREATE TABLE t (n INTEGER CHECK (n < 3))").await?;
/// let writer = table_writer::<(i64,)>(&database, Table::new("t", ["n"])?);
/// let numbers = Readable::from_iter(0..5).map(|n| (n,)).chunks(2);
/// let error = numbers.pipe_to(writer).await.unwrap_err();
/// let bad = error.downcast_ref::<BadRow>().expect("a bad row");
/// assert_eq!((bad.index(), bad.row()), (3, r#"{"n":3}"#));
/// assert_eq!((error.stage(), error.chunk()), (Some("table_writer"), Some(1)));
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BadRow {
    index: u64,
    row: String,
    cause: Error,
}

impl BadRow {
    /// Its index among all rows that were given to the writer, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The row as JSON, in the order of the columns.
    pub fn row(&self) -> &str {
        &self.row
    }

    /// Why it was not taken.
    pub fn cause(&self) -> &Error {
        &self.cause
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, more) = match self.row.char_indices().nth(SHOWN) {
            Some((end, _)) => (self.row.get(..end).unwrap_or_default(), "…"),
            None => (self.row.as_str(), ""),
        };
        write!(f, "row {} cannot be written: {start}{more}", self.index)
    }
}

impl StdError for BadRow {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.cause)
    }
}

/// What becomes of bad rows.
#[derive(Debug, Clone)]
pub(crate) enum Judge {
    Fail,
    Skip,
    Keep(DeadLetters),
}

/// What becomes of one.
pub(crate) enum Verdict<'a> {
    Skip,
    /// To be written there: the name of its table, its index, the row and the error.
    Keep(&'a DeadLetters, [String; 4]),
}

impl Judge {
    pub(crate) fn judge<T: ToRow>(
        &self,
        row: &T,
        table: &Table,
        index: u64,
        cause: Error,
    ) -> Result<Verdict<'_>> {
        match self {
            Self::Fail => Err(BadRow { index, row: as_json(row, table), cause }.into()),
            Self::Skip => Ok(Verdict::Skip),
            Self::Keep(letters) => {
                let row = as_json(row, table);
                Ok(Verdict::Keep(letters, [table.name(), index.to_string(), row, why(&cause)]))
            }
        }
    }

    pub(crate) fn dead_letters(&self) -> Option<&DeadLetters> {
        match self {
            Self::Keep(letters) => Some(letters),
            Self::Fail | Self::Skip => None,
        }
    }
}

/// An error with its causes.
fn why(error: &Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// The row as far as it can be taken apart.
fn as_json<T: ToRow>(row: &T, table: &Table) -> String {
    struct Shown<'a>(&'a Table, Json);

    impl CellSink for Shown<'_> {
        fn put(&mut self, index: usize, value: &ValueRef<'_>) -> Result<()> {
            self.1.put(self.0.column(index).unwrap_or_default(), value);
            Ok(())
        }
    }

    let mut shown = Shown(table, Json::default());
    // That it cannot be taken apart may be what is wrong with it.
    drop(Cells::fill(row, table, &mut Scratch::default(), &mut shown));
    shown.1.finish()
}

/// Characters of a row that an error shows.
const SHOWN: usize = 200;
