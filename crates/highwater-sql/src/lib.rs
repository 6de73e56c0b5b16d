//! Tables of SQLite and PostgreSQL as highwater sources and destinations.
//!
//! | | SQLite (feature `sqlite`) | PostgreSQL (feature `postgres`) |
//! |---|---|---|
//! | [`Database`] | a file; SQLite is compiled in | a pool of connections |
//! | [`rows`], [`row_batches`] | a cursor on a thread of its own | a cursor, fetched from batch by batch |
//! | … of a [`Query::by_key`] | pages on the blocking pool | pages, each on a connection of the pool |
//! | [`table_writer`] | prepared inserts of many rows | `COPY` |
//! | … of a [`Table::upsert`] | `ON CONFLICT` | `COPY` into a temporary table, `ON CONFLICT` from there |
//!
//! Rows are whatever serde makes of them ([`FromRow`], [`ToRow`]), or a [`Row`]. They cross in batches, and so does the
//! work: a transaction per batch, or one for the whole pipeline. A [`Checkpoint`] is moved in the same transaction, so that
//! a pipeline that was killed goes on exactly where it stopped. A row that the table does not take fails the
//! pipeline, is skipped, is given to a handler, or is kept in another table.
//!
//! Values are always bound, and names are of letters, digits, `_` and `$`, and quoted.
//!
//! # Limits and defaults
//!
//! | limit | default | to change it |
//! |---|---|---|
//! | rows per batch that is read | 512 | [`Query::with_batch_size`] |
//! | bytes of text and blobs per batch that is read | 1 MiB and one row | none |
//! | batches read ahead | 4; PostgreSQL sends one ahead | [`Query::with_read_ahead`] |
//! | rows of PostgreSQL that are kept until it has taken them | a batch, and in one transaction as many batches as have 1 MiB | none |
//! | wait for a lock of SQLite | 5 s | [`Database::with_wait_timeout`] |
//! | wait for a connection of the pool | 30 s | [`Database::with_wait_timeout`] |
//! | connections of a pool made of a URL | 8 | [`Database::postgres`] with a pool of your own |
//! | length of a name | 63 bytes | none |
//!
//! # Examples
//!
//! ```
//! # #[cfg(feature = "sqlite")] {
//! use highwater_core::Result;
//! use highwater_sql::{Checkpoint, Database, Query, Table, rows, table_writer};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct User {
//!     id: i64,
//!     email: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let create = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL)";
//! let old = Database::sqlite(folder.path().join("old.db"));
//! let new = Database::sqlite(folder.path().join("new.db")); // or Database::open("postgres://…")?
//! # old.execute(create).await?;
//! # new.execute(create).await?;
//! # old.execute("INSERT INTO users VALUES (1, 'Ada@Example.com'), (2, 'emmy@example.com')").await?;
//!
//! let users = Table::new("users", ["id", "email"])?;
//! let done = Checkpoint::load(&new, "users").await?;
//! let query = Query::from(&users).by_key(["id"])?.after(done.position().cloned());
//! rows::<User>(&old, query)
//!     .map(|user| User { email: user.email.to_lowercase(), ..user })
//!     .chunks(512)
//!     .pipe_to(table_writer(&new, users).checkpoint(done, |user: &User| user.id))
//!     .await?;
//!
//! let emails = rows::<String>(&new, "SELECT email FROM users ORDER BY id").to_vec().await?;
//! assert_eq!(emails, ["ada@example.com", "emmy@example.com"]);
//! # Ok(()) }
//! # main().unwrap();
//! # }
//! ```
#![forbid(unsafe_code)]
// There is nothing to read from or write to without one of the two.
#![cfg(any(feature = "sqlite", feature = "postgres"))]

mod cells;
mod checkpoint;
mod database;
mod gather;
mod identifier;
mod position;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod raw;
mod row;
mod rows;
mod serial;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statement;
mod table;
#[cfg(all(test, feature = "sqlite"))]
mod tests;
mod value;
mod writer;

pub use cells::{Cells, ToRow};
pub use checkpoint::Checkpoint;
pub use database::Database;
pub use position::Position;
pub use query::Query;
pub use raw::{FromRow, RawRow};
pub use row::Row;
pub use rows::{RowBatches, Rows, row_batches, rows};
pub use table::Table;
pub use value::{Value, ValueRef};
pub use writer::{TableWriter, WriteCounts, table_writer};
