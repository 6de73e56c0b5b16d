//! Tests with files of SQLite. Those with PostgreSQL are in the integration tests, beside those of the program `etl`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

mod bad_rows;
mod by_key;
mod committing;
mod faults;
mod names;
mod reading;
mod resuming;
mod statements;
mod stopping;
mod support;
mod values;
mod writing;
