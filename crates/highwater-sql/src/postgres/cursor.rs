//! One cursor of PostgreSQL.
//!
//! It is declared with the values bound, and fetched from in text: so every type of the server comes over, those of
//! extensions too. A fetch asks for one batch, and the next one is under way while that is read: the server is never far
//! ahead, and no statement of it takes longer than one batch, however slow the reader is (`statement_timeout`).

use std::pin::Pin;

use futures_util::TryStreamExt as _;
use futures_util::future::try_join3;
use highwater_core::{Error, Result};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow, SimpleQueryStream, Statement};

use super::bind::{Kind, TextRow};
use super::lease::Lease;
use crate::raw::Columns;
use crate::value::Value;

/// A cursor in a transaction, on a connection of its own.
pub(super) struct Cursor {
    lease: Lease,
    columns: Columns,
    kinds: Vec<Kind>,
    whole: bool,
    current: Option<Fetch>,
    ahead: Option<Fetch>,
    row: Option<SimpleQueryRow>,
}

/// A fetch that the server was sent.
struct Fetch {
    answer: Pin<Box<SimpleQueryStream>>,
    /// Rows that were asked for, all if not said, and rows that came.
    asked: Option<usize>,
    came: usize,
}

impl Cursor {
    pub(super) async fn open(lease: Lease, sql: &str, binds: &[Value]) -> Result<Self> {
        let declare = format!("DECLARE highwater NO SCROLL CURSOR FOR {sql}");
        // All three are sent before the first is answered.
        let begin = lease.batch_execute(BEGIN);
        let (query, declare) = (lease.prepare(sql), lease.prepare(&declare));
        let ((), query, declare) = try_join3(begin, query, declare).await?;
        let (places, given) = (query.params().len(), binds.len());
        if places != given {
            let what = format!("{given} values are bound to {places} places of a query");
            return Err(Error::msg(what));
        }
        lease.execute_raw(&declare, binds).await?;
        let (columns, kinds) = describe(&query);
        let (current, ahead, row) = (None, None, None);
        Ok(Self { lease, columns, kinds, whole: false, current, ahead, row })
    }

    /// Fetches all rows at once: there are few.
    pub(super) fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Goes to the next row; false behind the last one. A new fetch asks for `size` rows.
    pub(super) async fn advance(&mut self, size: usize) -> Result<bool> {
        loop {
            let mut fetch = match self.current.take() {
                Some(fetch) => fetch,
                None => self.turn(size).await?,
            };
            match fetch.answer.try_next().await? {
                Some(SimpleQueryMessage::Row(row)) => {
                    fetch.came += 1;
                    self.current = Some(fetch);
                    self.row = Some(row);
                    return Ok(true);
                }
                // The names of the columns, or how many rows it were.
                Some(_) => self.current = Some(fetch),
                None if fetch.asked.is_none_or(|asked| fetch.came < asked) => return Ok(false),
                None => {}
            }
        }
    }

    /// The row it is at.
    pub(super) fn row(&self) -> Option<(&Columns, TextRow<'_>)> {
        let row = self.row.as_ref()?;
        Some((&self.columns, TextRow { row, kinds: &self.kinds }))
    }

    /// Ends the transaction, and gives the connection back.
    pub(super) async fn close(mut self) -> Result<()> {
        // What was fetched ahead is behind the end: nothing.
        self.ahead = None;
        self.lease.batch_execute("COMMIT").await?;
        self.lease.release();
        Ok(())
    }

    /// The fetch whose turn it is; the one after it is sent.
    async fn turn(&mut self, size: usize) -> Result<Fetch> {
        if self.whole {
            return self.fetch(None).await;
        }
        let fetch = match self.ahead.take() {
            Some(fetch) => fetch,
            None => self.fetch(Some(size)).await?,
        };
        self.ahead = Some(self.fetch(Some(size)).await?);
        Ok(fetch)
    }

    /// Sends it; the answer is not waited for.
    async fn fetch(&self, asked: Option<usize>) -> Result<Fetch> {
        let count = asked.map_or_else(|| "ALL".to_owned(), |rows| rows.to_string());
        let answer = self.lease.simple_query_raw(&format!("FETCH {count} FROM highwater")).await?;
        Ok(Fetch { answer: Box::pin(answer), asked, came: 0 })
    }
}

fn describe(query: &Statement) -> (Columns, Vec<Kind>) {
    let columns = query.columns();
    let names = columns.iter().map(|column| Box::from(column.name())).collect();
    (names, columns.iter().map(|column| Kind::from(column.type_())).collect())
}

/// Texts are written in one way, whatever the settings of the server; the whole result is wanted, not its first tenth
/// (`cursor_tuple_fraction`); and a query whose reader has gone is ended within a second, where the server can see that
/// (from version 14 on, on Linux).
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; \
     SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL cursor_tuple_fraction = 1; \
     SELECT set_config('client_connection_check_interval', '1000', true) \
     WHERE current_setting('client_connection_check_interval', true) IS NOT NULL AND version() LIKE '%linux%'";
