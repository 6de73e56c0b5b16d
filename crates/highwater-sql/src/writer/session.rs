//! A connection that writes one table, whatever the database.

use std::future::Future;
use std::pin::Pin;

use highwater_core::Result;

use super::{Plan, Tally};
use crate::cells::ToRow;
use crate::database::{Database, Kind};
#[cfg(feature = "postgres")]
use crate::postgres::PostgresSession;
#[cfg(feature = "sqlite")]
use crate::sqlite::SqliteSession;

/// An open table.
pub(crate) enum Session<T> {
    #[cfg(feature = "sqlite")]
    Sqlite(Box<SqliteSession<T>>),
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresSession<T>>),
}

/// What is under way, elsewhere than on the task of the pipeline.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = Done<T>> + Send>>;

/// What came of it: the session unless it is closed now, and what was committed.
pub(crate) struct Done<T> {
    pub(crate) session: Option<Session<T>>,
    pub(crate) result: Result<Tally>,
}

impl<T: ToRow + Send + 'static> Session<T> {
    pub(super) async fn open(database: &Database, plan: Plan<T>) -> Result<Self> {
        match &database.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(sqlite) => {
                Ok(Self::Sqlite(Box::new(SqliteSession::open(sqlite, plan).await?)))
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => {
                Ok(Self::Postgres(Box::new(PostgresSession::open(postgres, plan).await?)))
            }
        }
    }

    /// Writes a batch, whose first row has this index.
    pub(super) fn write(self, batch: Vec<T>, first: u64) -> Work<T> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(session) => session.write(batch, first),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.write(batch, first),
        }
    }

    /// Commits what is not yet, and closes.
    pub(super) fn finish(self) -> Work<T> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(session) => session.close(true),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.close(true),
        }
    }

    /// Takes back what is not committed, and closes.
    pub(super) fn abort(self) -> Work<T> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(session) => session.close(false),
            #[cfg(feature = "postgres")]
            Self::Postgres(session) => session.close(false),
        }
    }
}
