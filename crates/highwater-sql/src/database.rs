//! Which database.

use std::fmt;
#[cfg(feature = "sqlite")]
use std::path::Path;
use std::time::Duration;

use highwater_core::{Error, Result};

#[cfg(feature = "postgres")]
use crate::postgres::Postgres;
#[cfg(feature = "sqlite")]
use crate::sqlite::Sqlite;

/// A database to read from or write to: a file of SQLite, or a pool of connections to PostgreSQL.
///
/// It is cheap to clone. Nothing is opened before it is used; each reader and each writer then has a connection of its own.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use highwater_core::Result;
/// use highwater_sql::{Database, rows};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("shop.db");
/// let shop = Database::sqlite(&path);
/// shop.execute("CREATE TABLE towns (zip TEXT, name TEXT); INSERT INTO towns VALUES ('8000', 'Zürich')").await?;
/// let names = rows::<String>(&shop, "SELECT name FROM towns").to_vec().await?;
/// assert_eq!(names, ["Zürich"]);
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct Database(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    #[cfg(feature = "sqlite")]
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

impl Database {
    /// Takes `sqlite:PATH` (also `sqlite://PATH`), or `postgres://…`.
    ///
    /// A URL of PostgreSQL is that of its own tools (PostgreSQL manual, 34.1.1.2). It makes a pool of at most 8 connections,
    /// without TLS; [`postgres`](Self::postgres) takes a pool with any other settings.
    ///
    /// # Errors
    ///
    /// It is neither, or cannot be understood, or this was built without the feature for it. What the URL says of a
    /// password is in no error.
    pub fn open(url: &str) -> Result<Self> {
        match url.split_once(':') {
            #[cfg(feature = "sqlite")]
            Some(("sqlite", path)) => Ok(Self::sqlite(path.strip_prefix("//").unwrap_or(path))),
            #[cfg(not(feature = "sqlite"))]
            Some(("sqlite", _)) => Err(Error::msg("this was built without the feature `sqlite`")),
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", _)) => Ok(Self(Kind::Postgres(Postgres::open(url)?))),
            #[cfg(not(feature = "postgres"))]
            Some(("postgres" | "postgresql", _)) => {
                Err(Error::msg("this was built without the feature `postgres`"))
            }
            _ => Err(Error::msg("the URL of a database begins with sqlite: or postgres://")),
        }
    }

    /// A file of SQLite. It need not be there yet: [`execute`](Self::execute) makes it.
    ///
    /// A lock of another connection is waited for up to 5 seconds ([`with_wait_timeout`](Self::with_wait_timeout)). Foreign keys are
    /// enforced, and text in double quotes is always the name of a column.
    ///
    /// SQLite makes the file with the mode that the umask allows, and those beside it (`-wal`, `-shm`, `-journal`) with the
    /// mode of the file: rows that others must not read need a file or a folder made for that before. A path that is a link
    /// is followed.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self(Kind::Sqlite(Sqlite::new(path.as_ref())))
    }

    /// A pool of connections to PostgreSQL.
    ///
    /// A connection is waited for up to 30 seconds ([`with_wait_timeout`](Self::with_wait_timeout)). While rows are read, while a table is written and for each page of a
    /// query by key, one connection is taken. They must be connections of their own: behind a pooler that hands out a
    /// connection per transaction, prepared statements and temporary tables do not work.
    #[cfg(feature = "postgres")]
    pub fn postgres(pool: deadpool_postgres::Pool) -> Self {
        Self(Kind::Postgres(Postgres::new(pool)))
    }

    /// How long to wait for what somebody else has: the lock of a file of SQLite, or a connection of the pool.
    #[must_use]
    pub fn with_wait_timeout(mut self, patience: Duration) -> Self {
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(sqlite) => sqlite.patience = patience,
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => postgres.patience = patience,
        }
        self
    }

    /// Runs statements that are separated by `;`, for tables and indexes that should be there. Two programs may make the same
    /// ones at once with `IF NOT EXISTS`: in PostgreSQL the second waits for the first and tries again.
    ///
    /// The text goes to the database as it is: it must not be made of input.
    ///
    /// # Errors
    ///
    /// The database cannot be opened, or a statement fails: the error has its number, from 1, and the line and column where
    /// the database says so. In SQLite the statements before it have been run; PostgreSQL takes them back, unless the text
    /// begins and commits transactions itself.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: statements may have been run or not.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(sqlite) => sqlite.execute(sql).await,
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => postgres.execute(sql).await,
        }
        .map_err(|error| error.context("cannot run the statements"))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(sqlite) => f.debug_tuple("Sqlite").field(&sqlite.path()).finish(),
            // The settings of the pool have a password in them.
            #[cfg(feature = "postgres")]
            Kind::Postgres(_) => f.debug_struct("Postgres").finish_non_exhaustive(),
        }
    }
}
