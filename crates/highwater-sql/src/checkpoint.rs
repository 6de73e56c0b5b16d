//! How far a pipeline has come, kept beside what it has written.

use highwater_core::Result;

use crate::database::{Database, Kind};
use crate::position::Position;

/// How far a pipeline has come: the key of the last row that it has written, kept in the database that it writes to.
///
/// It is one row of the table `highwater_checkpoints`, which is made when the first checkpoint is loaded. A
/// [`TableWriter`](crate::TableWriter::checkpoint) moves it in the transaction of each batch, so it always says exactly
/// what is in the table, whenever the process ends. To begin from the start again, delete its row.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use highwater_core::Result;
/// use highwater_sql::{Checkpoint, Database, Query, Table, rows, table_writer};
///
/// /// Goes on where it stopped the last time.
/// async fn load(from: &Database, to: &Database) -> Result<u64> {
///     let done = Checkpoint::load(to, "numbers").await?;
///     let query = Query::new("SELECT n FROM numbers").by_key(["n"])?.after(done.position().cloned());
///     let table = Table::new("numbers", ["n"])?;
///     let report = rows::<(i64,)>(from, query)
///         .chunks(100)
///         .pipe_to(table_writer(to, table).checkpoint(done, |(n,)| *n))
///         .await?;
///     Ok(report.weight_out())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let from = Database::sqlite(folder.path().join("from.db"));
/// let to = Database::sqlite(folder.path().join("to.db"));
/// from.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY); INSERT INTO numbers VALUES (1), (2), (3)").await?;
/// to.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)").await?;
/// assert_eq!(load(&from, &to).await?, 3);
/// from.execute("INSERT INTO numbers VALUES (4)").await?;
/// assert_eq!(load(&from, &to).await?, 1);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Checkpoint {
    name: String,
    position: Option<Position>,
}

impl Checkpoint {
    /// Loads the checkpoint of this name from the database that is written to.
    ///
    /// What another process is about to commit is waited for.
    ///
    /// # Errors
    ///
    /// The database cannot be opened, or the table of checkpoints not be made or read.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: loading it again gives the same.
    pub async fn load(database: &Database, name: &str) -> Result<Self> {
        let loaded = match &database.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(sqlite) => sqlite.load_checkpoint(name).await,
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => postgres.load_checkpoint(name).await,
        };
        let position = loaded.and_then(|text| text.as_deref().map(Position::from_text).transpose());
        let context = |error: highwater_core::Error| {
            error.context(format!("cannot load the checkpoint `{name}`"))
        };
        Ok(Self { name: name.to_owned(), position: position.map_err(context)? })
    }

    /// The key of the last row that was written: what [`Query::after`](crate::Query::after) takes. `None` if nothing was.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Somebody else has moved it.
#[cold]
pub(crate) fn moved(name: &str) -> highwater_core::Error {
    highwater_core::Error::msg(format!(
        "the checkpoint `{name}` was moved by somebody else; load it again, and go on from there"
    ))
}

/// The table, which both databases understand.
pub(crate) const CREATE: &str = "CREATE TABLE IF NOT EXISTS highwater_checkpoints \
     (name TEXT NOT NULL PRIMARY KEY, position TEXT)";

/// A row to be moved. `placeholder` is `?` in SQLite and `$` in PostgreSQL.
pub(crate) fn insert(placeholder: char) -> String {
    format!(
        "INSERT INTO highwater_checkpoints (name) VALUES ({placeholder}1) ON CONFLICT (name) DO NOTHING"
    )
}

/// Where it is.
pub(crate) fn select(placeholder: char) -> String {
    format!("SELECT position FROM highwater_checkpoints WHERE name = {placeholder}1")
}

/// Moves the checkpoint of the first name to the second value, if it is still at the third.
pub(crate) fn update(placeholder: char) -> String {
    format!(
        "UPDATE highwater_checkpoints SET position = {placeholder}2 \
         WHERE name = {placeholder}1 AND position IS NOT DISTINCT FROM {placeholder}3"
    )
}
