//! What is read.

use std::num::NonZeroUsize;

use highwater_core::{Error, Result};

use crate::identifier::{Identifier, comma};
use crate::position::Position;
use crate::table::{Table, identifiers};
use crate::value::Value;

/// A query, its bound values, and how it is read.
///
/// Values are always bound, never written into the text: `?1`, `?2` in SQLite, `$1`, `$2` in PostgreSQL.
///
/// There are two ways to read it:
///
/// - As it is: one cursor, one consistent view, in the order that the query says. The database keeps that view for as long
///   as it is read: a transaction stays open, in PostgreSQL on a connection of its own, in SQLite on a thread of its own.
/// - [`by_key`](Self::by_key): page by page, each from behind the last row of the one before. Between pages nothing is
///   held, so a slow reader costs nothing, and reading can go on [`after`](Self::after) a restart. There is no `OFFSET`
///   in it, which would read all pages before again.
///
/// # Examples
///
/// ```
/// use highwater_sql::{Position, Query};
/// # fn main() -> highwater_core::Result<()> {
/// let one_town = Query::new("SELECT id, email FROM users WHERE zip = ?1").bind("8000");
/// let from_there = Query::new("SELECT id, email FROM users").by_key(["id"])?.after(Position::from(1234));
/// # let _ = (one_town, from_there);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Query {
    pub(crate) sql: String,
    pub(crate) binds: Vec<Value>,
    pub(crate) key: Vec<Identifier>,
    pub(crate) after: Option<Position>,
    pub(crate) batch: NonZeroUsize,
    pub(crate) ahead: NonZeroUsize,
}

impl Query {
    /// A `SELECT`. The text goes to the database as it is: it must not be made of input.
    pub fn new(sql: impl Into<String>) -> Self {
        let one = NonZeroUsize::MIN;
        Self {
            sql: sql.into(),
            binds: Vec::new(),
            key: Vec::new(),
            after: None,
            batch: one.saturating_add(BATCH - 1),
            ahead: one.saturating_add(AHEAD - 1),
        }
    }

    /// Binds the next value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.binds.push(value.into());
        self
    }

    /// Reads page by page, in the order of these columns, which must be among those of the query, be unique together, and
    /// never be null; an index on them makes it fast. A page is one [`with_batch_size`](Self::with_batch_size).
    ///
    /// Each page sees the table as it is then. Keys that are null, and two rows with one key where one page ends, are
    /// errors of the stream.
    ///
    /// # Errors
    ///
    /// A name has other letters in it than those allowed ([`Table`]), or is there twice; there is none.
    pub fn by_key<C: AsRef<str>>(mut self, columns: impl IntoIterator<Item = C>) -> Result<Self> {
        self.key = identifiers(columns)?;
        if self.key.is_empty() {
            return Err(Error::msg("a key without columns"));
        }
        Ok(self)
    }

    /// Begins behind the row with this key, as of a [`Checkpoint`](crate::Checkpoint); with `None` at the start.
    ///
    /// A position that does not fit the columns of [`by_key`](Self::by_key) is an error of the stream.
    pub fn after(mut self, position: impl Into<Option<Position>>) -> Self {
        self.after = position.into();
        self
    }

    /// Rows that cross from the database to the reader at a time: 512 unless said otherwise, and fewer where they are
    /// large, so that a batch has about 1 MiB at the most.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn with_batch_size(mut self, rows: usize) -> Self {
        self.batch = NonZeroUsize::new(rows).expect("batches of 0 rows hold nothing");
        self
    }

    /// Batches that are read before they are asked for: 4 unless said otherwise. PostgreSQL is asked for one ahead.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn with_read_ahead(mut self, batches: usize) -> Self {
        self.ahead =
            NonZeroUsize::new(batches).expect("reading is done ahead: by 1 batch at the least");
        self
    }

    /// What can only be seen when all is said.
    pub(crate) fn check(&self) -> Result<()> {
        let values = self.after.as_ref().map_or(self.key.len(), |after| after.values().len());
        if values != self.key.len() {
            return Err(Error::msg(format!(
                "a position of {values} values for a key of {} columns",
                self.key.len()
            )));
        }
        Ok(())
    }

    /// The query of one page, and the values that are bound to it.
    ///
    /// It asks for one row more than fits: whether that is there tells if this is the last page, and its key whether the
    /// key is unique.
    pub(crate) fn page(&self, placeholder: char, after: Option<&Position>) -> (String, Vec<Value>) {
        let key = comma(self.key.iter().map(|key| format!("{PAGE}.{key}")));
        let mut binds = self.binds.clone();
        let mut behind = String::new();
        if let Some(after) = after {
            let first = binds.len() + 1;
            let places = (first..).take(self.key.len()).map(|n| format!("{placeholder}{n}"));
            behind = format!(" WHERE ({key}) > ({})", comma(places));
            binds.extend_from_slice(after.values());
        }
        let limit = self.batch.get().saturating_add(1);
        let sql = format!("{}{behind} ORDER BY {key} LIMIT {limit}", self.as_table("*"));
        (sql, binds)
    }

    /// Whether there is a row without a key: it would be on no page.
    pub(crate) fn null_keys(&self) -> String {
        let nulls = self.key.iter().map(|key| format!("{PAGE}.{key} IS NULL"));
        let nulls: Vec<String> = nulls.collect();
        format!("{} WHERE {} LIMIT 1", self.as_table("1"), nulls.join(" OR "))
    }

    /// The query as something to select from. A comment at its end does not reach over the line.
    fn as_table(&self, what: &str) -> String {
        let sql = self.sql.trim_end().trim_end_matches(';');
        format!("SELECT {what} FROM (\n{sql}\n) AS {PAGE}")
    }
}

impl From<&str> for Query {
    fn from(sql: &str) -> Self {
        Self::new(sql)
    }
}

impl From<String> for Query {
    fn from(sql: String) -> Self {
        Self::new(sql)
    }
}

/// The columns of a table, all rows.
impl From<&Table> for Query {
    fn from(table: &Table) -> Self {
        Self::new(table.select())
    }
}

/// What a query is called inside that of a page.
const PAGE: &str = "highwater_page";
/// Rows per batch: rows sent one by one cost some 20 times as much, and larger batches are no faster.
const BATCH: usize = 512;
/// Batches read ahead.
const AHEAD: usize = 4;
/// Bytes of text and blobs after which a batch is given as it is.
pub(crate) const BATCH_BYTES: usize = 1024 * 1024;
