//! The program `etl`, run as its users run it: from SQLite and PostgreSQL into both, and killed on the way.

mod faults;
mod kill;
mod results;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use highwater::sql::{Database, Query, Row, Table, rows, table_writer};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::program;
use crate::support::services::aside;

fn etl() -> Command {
    program("etl")
}

/// What it said, if it went well.
fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// What it said, if it failed: one line.
fn failed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    said
}

/// A folder for databases of SQLite.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        // In memory where there is such a folder: every commit syncs, which takes its time on a disk.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self(folder.unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite:{}", self.path(name).display())
    }

    fn open(&self, name: &str) -> Connection {
        Connection::open(self.path(name)).unwrap()
    }

    fn remove(&self, name: &str) {
        for more in ["", "-wal", "-shm", "-journal"] {
            drop(std::fs::remove_file(self.path(&format!("{name}{more}"))));
        }
    }

    /// A source with so many users: every kind of address, age and zip code, as well as gaps in the numbers.
    fn users(&self, name: &str, users: u32) {
        let connection = self.open(name);
        connection.execute_batch(CREATE).unwrap();
        let fill = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?1) \
             INSERT INTO users SELECT i * 3, 'First' || i % 50, CASE WHEN i % 40 THEN 'Last' ELSE '' END, \
             CASE i % 20 WHEN 0 THEN NULL WHEN 1 THEN 'nonsense' WHEN 2 THEN ' A.B' || i || '@Example.ORG ' \
             ELSE 'u' || i || '@example.com' END, CASE WHEN i % 9 THEN i % 100 END, CASE WHEN i % 11 THEN 'z' || i % 30 END FROM c";
        connection.execute(fill, [users]).unwrap();
        let zips = "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 24) \
             INSERT INTO zips SELECT 'z' || i, 'Town ''' || i || '''' FROM c";
        connection.execute_batch(zips).unwrap();
    }
}

/// Both databases understand it.
const CREATE: &str = "CREATE TABLE users (id BIGINT PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, \
     email TEXT, age BIGINT, zip TEXT); CREATE TABLE zips (zip TEXT PRIMARY KEY, city TEXT NOT NULL)";

/// What was loaded into a database, in order.
fn loaded(url: &str) -> Vec<String> {
    let sql = "SELECT id, full_name, email, city, age_group FROM users ORDER BY id";
    all(url, sql)
}

/// The rows of a query, as text.
fn all(url: &str, sql: &str) -> Vec<String> {
    let (database, query) = (Database::open(url).unwrap(), Query::new(sql));
    let rows = aside(rows::<Row>(&database, query).to_vec());
    rows.unwrap().iter().map(ToString::to_string).collect()
}

/// Copies a table as it is.
fn copy(from: &str, to: &str, table: &str, columns: &[&str]) {
    let (from, to) = (Database::open(from).unwrap(), Database::open(to).unwrap());
    let table = Table::new(table, columns).unwrap();
    let given = rows::<Row>(&from, &table).chunks(500);
    aside(given.pipe_to(table_writer(&to, table)).run()).unwrap();
}
