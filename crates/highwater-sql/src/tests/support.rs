//! A database in a folder of its own, and a second pair of eyes on it.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Row};
use tempfile::TempDir;

use crate::{Database, Table};

/// A new database.
#[derive(Debug)]
pub(super) struct Temp {
    folder: TempDir,
}

impl Temp {
    /// With what these statements make.
    pub(super) fn new(sql: &str) -> Self {
        // In memory where there is such a folder: every commit syncs, which takes its time on a disk.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let temp = Self { folder: folder.unwrap() };
        temp.connection().execute_batch(sql).unwrap();
        temp
    }

    /// With a table `n` of the numbers below `rows`.
    pub(super) fn numbers(rows: i64) -> Self {
        let temp = Self::new("CREATE TABLE n (n INTEGER PRIMARY KEY)");
        let fill = "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i + 1 < ?1) INSERT INTO n SELECT i FROM c";
        temp.connection().execute(fill, [rows]).unwrap();
        temp
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    /// As the code under test sees it.
    pub(super) fn database(&self) -> Database {
        Database::sqlite(self.path()).with_wait_timeout(Duration::from_secs(60))
    }

    /// The same, but it does not wait for locks.
    pub(super) fn impatient(&self) -> Database {
        Database::sqlite(self.path()).with_wait_timeout(Duration::ZERO)
    }

    /// As somebody else sees it.
    pub(super) fn connection(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        connection
    }

    /// The numbers that a query gives.
    pub(super) fn numbers_of(&self, sql: &str) -> Vec<i64> {
        self.query(sql, |row| row.get(0))
    }

    /// The pairs of numbers that a query gives.
    pub(super) fn pairs_of(&self, sql: &str) -> Vec<(i64, i64)> {
        self.query(sql, |row| row.try_into())
    }

    fn query<R>(&self, sql: &str, row: impl Fn(&Row<'_>) -> rusqlite::Result<R>) -> Vec<R> {
        let connection = self.connection();
        connection.busy_timeout(Duration::from_secs(60)).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], row).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// All that is in a table, as text.
    pub(super) fn dump(&self, table: &str) -> Vec<String> {
        self.query(&format!("SELECT * FROM {table} ORDER BY 1, 2"), |row| {
            let cells =
                (0..row.as_ref().column_count()).map(|i| Ok(format!("{:?}", row.get_ref(i)?)));
            Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join(" "))
        })
    }
}

/// The table that [`Temp::numbers`] makes.
pub(super) fn numbers() -> Table {
    Table::new("n", ["n"]).unwrap()
}

/// The error of a result.
pub(super) fn error<T: Debug>(result: highwater_core::Result<T>) -> highwater_core::Error {
    result.expect_err("it should fail")
}

/// An error with its causes.
pub(super) fn whole(error: &highwater_core::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&**error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
