//! Reading rows.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::Stream;
use highwater_core::stage::StageInfo;
use highwater_core::{Readable, Result, Source};

use crate::database::{Database, Kind};
#[cfg(feature = "postgres")]
use crate::postgres::PostgresRead;
use crate::query::{BATCH_BYTES, Query};
use crate::raw::FromRow;
#[cfg(feature = "sqlite")]
use crate::sqlite::SqliteRead;

/// Reads rows, one by one.
///
/// They cross from the database in batches ([`Query::with_batch_size`]), which begin small and grow, so that whoever takes a few
/// rows does not wait for many. [`row_batches`] gives the batches themselves.
///
/// Nothing is opened before the first row is asked for. When the reader is dropped early, the query ends with it, and the
/// connection is not read to its end: SQLite interrupts it, and a connection to PostgreSQL is closed, so that the pool
/// makes a new one for the next who asks, even if it has only one.
///
/// # Backpressure
///
/// At most [`Query::with_read_ahead`] batches wait for the reader. A slow reader holds a transaction of the database open, in
/// PostgreSQL with its connection, in SQLite with a thread; with [`Query::by_key`] it holds nothing.
///
/// In SQLite without a write-ahead log (`PRAGMA journal_mode`), a transaction that reads keeps others from committing: to
/// write into the database that is read, use the log, or read by key.
///
/// # Cancel safety
///
/// Rows read ahead stay in it; a `next` that is dropped loses nothing.
///
/// # Errors
///
/// In the stream: the database cannot be opened, the query is refused or fails, or a row cannot be read as `T`. The error
/// then names the row, counted from 0, and the column; of a query that is read by key, the key of the row as well.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use highwater_core::Result;
/// use highwater_sql::{Database, Query, Row, Value, rows};
///
/// #[derive(serde::Deserialize)]
/// struct Town {
///     zip: String,
///     name: Option<String>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let database = Database::sqlite(folder.path().join("towns.db"));
/// # database.execute("CREATE TABLE towns (zip, name); INSERT INTO towns VALUES ('8000', 'Zürich'), ('9000', NULL)").await?;
/// let query = Query::new("SELECT zip, name FROM towns WHERE zip > ?1 ORDER BY zip").bind("8500");
/// let mut towns = rows::<Town>(&database, query);
/// while let Some(town) = towns.next().await {
///     let Town { zip, name } = town?;
///     assert_eq!((zip.as_str(), name), ("9000", None));
/// }
///
/// // A tuple, a single value, and rows of any shape.
/// let all = "SELECT zip, name FROM towns ORDER BY zip";
/// let pairs = rows::<(String, Option<String>)>(&database, all).to_vec().await?;
/// assert_eq!(pairs.len(), 2);
/// assert_eq!(rows::<i64>(&database, "SELECT count(*) FROM towns").to_vec().await?, [2]);
/// let first = rows::<Row>(&database, all).next().await.expect("a row")?;
/// assert_eq!(first.get("name"), Some(&Value::from("Zürich")));
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
pub fn rows<T: FromRow + Send + 'static>(
    database: &Database,
    query: impl Into<Query>,
) -> Readable<Rows<T>> {
    let (info, batches) = read("sql::rows", database, query.into(), true);
    Readable::from_source(info, Rows { batches, batch: Vec::new().into_iter() })
}

/// Reads rows in batches, as they cross from the database: as [`rows`], but a `Vec` at a time.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use highwater_core::Result;
/// use highwater_sql::{Database, Query, row_batches};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let database = Database::sqlite(folder.path().join("numbers.db"));
/// # database.execute("CREATE TABLE t (n); INSERT INTO t VALUES (1), (2), (3)").await?;
/// let query = Query::new("SELECT n FROM t ORDER BY n").with_batch_size(2);
/// let batches = row_batches::<i64>(&database, query).to_vec().await?;
/// assert_eq!(batches, [vec![1, 2], vec![3]]);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
pub fn row_batches<T: FromRow + Send + 'static>(
    database: &Database,
    query: impl Into<Query>,
) -> Readable<RowBatches<T>> {
    let (info, batches) = read("sql::row_batches", database, query.into(), false);
    Readable::from_source(info, batches)
}

fn read<T: FromRow + Send + 'static>(
    name: &'static str,
    database: &Database,
    query: Query,
    growing: bool,
) -> (StageInfo, RowBatches<T>) {
    // Beside those read ahead, one is being read and one is with the reader.
    let most = query.ahead.get().saturating_add(2).saturating_mul(BATCH_BYTES);
    let info = StageInfo::new(name).with_max_bytes(most);
    match &database.0 {
        #[cfg(feature = "sqlite")]
        Kind::Sqlite(sqlite) => {
            let (info, read) = sqlite.read(info, query, growing);
            (info, RowBatches(From::Sqlite(read)))
        }
        #[cfg(feature = "postgres")]
        Kind::Postgres(postgres) => {
            (info, RowBatches(From::Postgres(postgres.read(query, growing))))
        }
    }
}

/// The source made by [`rows`].
pub struct Rows<T> {
    batches: RowBatches<T>,
    batch: vec::IntoIter<T>,
}

/// The source made by [`row_batches`].
pub struct RowBatches<T>(From<T>);

enum From<T> {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteRead<T>),
    #[cfg(feature = "postgres")]
    Postgres(PostgresRead<T>),
}

impl<T: FromRow + Send + 'static> Stream for Rows<T> {
    type Item = Result<T>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(row) = this.batch.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            match ready!(Pin::new(&mut this.batches).poll_next(cx)) {
                Some(Ok(batch)) => this.batch = batch.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T: FromRow + Send + 'static> Source for Rows<T> {
    type Chunk = T;
}

impl<T: FromRow + Send + 'static> Stream for RowBatches<T> {
    type Item = Result<Vec<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            From::Sqlite(read) => Pin::new(read).poll_next(cx),
            #[cfg(feature = "postgres")]
            From::Postgres(read) => Pin::new(read).poll_next(cx),
        }
    }
}

impl<T: FromRow + Send + 'static> Source for RowBatches<T> {
    type Chunk = Vec<T>;
}

// Rows are never pinned.
impl<T> Unpin for Rows<T> {}
impl<T> Unpin for RowBatches<T> {}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("at_hand", &self.batch.len()).finish_non_exhaustive()
    }
}

highwater_core::debug_fields!(RowBatches<T>);
