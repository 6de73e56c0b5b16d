//! SQLite: files, opened where they are used.

mod read;
mod write;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use highwater_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::{ToSqlOutput, ValueRef as Theirs};
use rusqlite::{Batch, Connection, OpenFlags, ToSql};

pub(crate) use read::SqliteRead;
pub(crate) use write::SqliteSession;

use crate::raw::RawCells;
use crate::statement;
use crate::value::ValueRef;

/// Where a database is.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    path: PathBuf,
    pub(crate) patience: Duration,
}

impl Sqlite {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), patience: PATIENCE }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn execute(&self, sql: &str) -> Result<()> {
        let sql = sql.to_owned();
        self.call(OpenFlags::SQLITE_OPEN_CREATE, move |connection| run(connection, &sql)).await
    }

    /// Runs something on the blocking pool, on a connection of its own.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        more: OpenFlags,
        work: impl FnOnce(&Connection) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let sqlite = self.clone();
        tokio::task::spawn_blocking(move || work(&sqlite.connect(more)?)).await?
    }

    /// Opens it, to be read only. What is in a write-ahead log stays there when it is closed, so that a close is quick.
    fn connect_to_read(&self) -> Result<Connection> {
        let connection = self.connect(OpenFlags::empty())?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn connect(&self, more: OpenFlags) -> Result<Connection> {
        let open = || {
            if self.path.as_os_str().is_empty() || self.path == Path::new(":memory:") {
                return Err(Error::msg("a database in memory is seen by one connection alone"));
            }
            let always = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, always | more)?;
            connection.busy_timeout(self.patience.min(LONGEST_WAIT))?;
            // Else a column that is not there would be a text with its name.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
            Ok(connection)
        };
        open().map_err(|error| error.context(format!("cannot open `{}`", self.path.display())))
    }
}

/// SQLite counts the milliseconds of a wait in 32 bits: 24 days at most.
const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

/// Runs statement after statement.
fn run(connection: &Connection, sql: &str) -> Result<()> {
    let (mut batch, mut rest) = (Batch::new(connection, sql), Some(sql));
    for number in 1.. {
        // White space between two statements belongs to the second.
        let begin = rest.map(|rest| sql.len() - rest.trim_start().len());
        let failed = |error, at| statement::failed(Error::from(error), number, sql, at);
        let next = batch.next().map_err(|error| {
            let at = invalid(&error, sql).or(begin);
            failed(error, at)
        })?;
        let Some(mut next) = next else { break };
        let text = next.expanded_sql().unwrap_or_default();
        rest = rest.and_then(|rest| rest.strip_prefix(text.as_str()));
        let mut rows = next.raw_query();
        while rows.next().map_err(|error| failed(error, begin))?.is_some() {}
    }
    Ok(())
}

/// The byte of the text that SQLite does not understand, if it says so.
fn invalid(error: &rusqlite::Error, sql: &str) -> Option<usize> {
    let rusqlite::Error::SqlInputError { sql: rest, offset, .. } = error else { return None };
    Some(sql.len().checked_sub(rest.len())? + usize::try_from(*offset).ok()?)
}

/// What the driver takes for an error of ours.
type Standard = Box<dyn std::error::Error + Send + Sync>;

impl RawCells for rusqlite::Row<'_> {
    fn get(&self, index: usize) -> Result<ValueRef<'_>> {
        Ok(match self.get_ref(index)? {
            Theirs::Null => ValueRef::Null,
            Theirs::Integer(value) => ValueRef::Integer(value),
            Theirs::Real(value) => ValueRef::Real(value),
            Theirs::Text(text) => ValueRef::Text(std::str::from_utf8(text)?),
            Theirs::Blob(bytes) => ValueRef::Blob(Cow::Borrowed(bytes)),
        })
    }
}

impl ToSql for ValueRef<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => Theirs::Null,
            Self::Bool(value) => Theirs::Integer((*value).into()),
            Self::Integer(value) => Theirs::Integer(*value),
            // It would become null without a word.
            Self::Real(value) if value.is_nan() => {
                let what = Standard::from("SQLite has no value for NaN");
                return Err(rusqlite::Error::ToSqlConversionFailure(what));
            }
            Self::Real(value) => Theirs::Real(*value),
            Self::Text(value) => Theirs::Text(value.as_bytes()),
            Self::Blob(value) => Theirs::Blob(value),
        }))
    }
}

/// How long a lock is waited for, unless said otherwise.
const PATIENCE: Duration = Duration::from_secs(5);
