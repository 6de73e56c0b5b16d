//! Tables of PostgreSQL, and of both databases. Tests with SQLite alone are in the crate.

mod bad_rows;
mod between;
mod reading;
mod resuming;
mod statements;
mod stopping;
mod writing;

use highwater_core::Error;
use tokio_postgres::{Client, SimpleQueryMessage};

/// The first value of what a connection is asked, as text.
async fn first_text(client: &Client, sql: &str) -> String {
    let messages = client.simple_query(sql).await.unwrap();
    let first = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    first.expect("a value").to_owned()
}

/// An error with its causes.
fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&**error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
