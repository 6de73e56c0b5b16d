//! Reading PostgreSQL through cursors.

use std::pin::Pin;

use futures_core::Stream;
use futures_util::stream;
use highwater_core::Result;

use super::Postgres;
use super::cursor::Cursor;
use super::lease::Lease;
use crate::gather::{Keyed, RowBatch, null_key};
use crate::query::Query;
use crate::raw::{FromRow, RawRow};

/// The batches of a query.
pub(crate) type PostgresRead<T> = Pin<Box<dyn Stream<Item = Result<Vec<T>>> + Send>>;

impl Postgres {
    pub(crate) fn read<T: FromRow + Send + 'static>(
        &self,
        query: Query,
        growing: bool,
    ) -> PostgresRead<T> {
        let reader = Reader::new(self.clone(), query, growing);
        Box::pin(stream::try_unfold(reader, |mut reader| async {
            Ok(reader.next().await?.map(|batch| (batch, reader)))
        }))
    }
}

/// Where a query is: before it, in one cursor, or between two of them.
struct Reader<T> {
    postgres: Postgres,
    query: Query,
    gather: RowBatch<T>,
    cursor: Option<Cursor>,
    /// Of a query that is read by key: the page.
    page: Option<Page>,
    /// What is to be said when the rows before it were given.
    end: Option<Result<()>>,
}

/// A page of a query that is read by key.
struct Page {
    keyed: Keyed,
    /// Rows of it that were taken.
    rows: usize,
    checked: bool,
}

impl<T: FromRow + Send> Reader<T> {
    fn new(postgres: Postgres, query: Query, growing: bool) -> Self {
        let growing = growing && query.key.is_empty();
        let gather = if growing { RowBatch::growing(&query) } else { RowBatch::new(&query) };
        let keyed = (!query.key.is_empty()).then(|| Keyed::new(&query));
        let page = keyed.map(|keyed| Page { keyed, rows: 0, checked: false });
        Self { postgres, query, gather, cursor: None, page, end: None }
    }

    async fn next(&mut self) -> Result<Option<Vec<T>>> {
        if self.end.is_none() {
            self.end = self.fill().await.transpose();
            if let Some(batch) = self.gather.take() {
                return Ok(Some(batch));
            }
        }
        self.end.take().unwrap_or(Ok(())).map(|()| None)
    }

    /// Gathers until the batch is full; `Some` at the end of the rows.
    async fn fill(&mut self) -> Result<Option<()>> {
        loop {
            if self.cursor.is_none() {
                let cursor = self.open().await?;
                self.cursor = Some(cursor);
            }
            let cursor = self.cursor.as_mut().expect("it was opened above");
            if cursor.advance(self.gather.size()).await? {
                if self.take_row()? {
                    return Ok(None);
                }
            } else if self.close().await? {
                return Ok(Some(()));
            } else if !self.gather.is_empty() {
                // Between two pages no connection is held.
                return Ok(None);
            }
        }
    }

    /// Takes the row that the cursor is at; true if the batch is full.
    fn take_row(&mut self) -> Result<bool> {
        let Some((columns, cells)) = self.cursor.as_ref().and_then(Cursor::row) else {
            return Ok(false);
        };
        let row = RawRow::new(columns, &cells);
        let Some(page) = &mut self.page else { return self.gather.push(&row, String::new) };
        let places = page.keyed.places(columns)?;
        page.rows += 1;
        if page.rows > self.query.batch.get() {
            page.keyed.check_next(&row, &places)?;
            return Ok(false);
        }
        let full = self.gather.push(&row, || page.keyed.name(&row, &places))?;
        if page.rows < self.query.batch.get() {
            return Ok(full);
        }
        page.keyed.end_page(&row, &places)?;
        Ok(false)
    }

    async fn open(&mut self) -> Result<Cursor> {
        self.query.check()?;
        let lease = Lease::of(&self.postgres).await?;
        let Some(page) = &mut self.page else {
            return Cursor::open(lease, &self.query.sql, &self.query.binds).await;
        };
        if !std::mem::replace(&mut page.checked, true) {
            let nulls = self.query.null_keys();
            if !lease.query(&nulls, &super::bind::references(&self.query.binds)).await?.is_empty() {
                return Err(null_key(&self.query.key));
            }
        }
        page.rows = 0;
        let (sql, binds) = self.query.page('$', page.keyed.after());
        Ok(Cursor::open(lease, &sql, &binds).await?.whole())
    }

    /// The cursor is through; true if it was the last.
    async fn close(&mut self) -> Result<bool> {
        if let Some(cursor) = self.cursor.take() {
            cursor.close().await?;
        }
        Ok(self.page.as_ref().is_none_or(|page| page.rows <= self.query.batch.get()))
    }
}
