//! Rows on their way into batches.

use std::num::NonZeroUsize;

use highwater_core::{Error, Result};

use crate::identifier::Identifier;
use crate::position::Position;
use crate::query::{BATCH_BYTES, Query};
use crate::raw::{Columns, FromRow, RawRow};
use crate::value::Value;

/// Makes batches of rows.
#[derive(Debug)]
pub(crate) struct RowBatch<T> {
    batch: Vec<T>,
    weight: usize,
    size: usize,
    most: NonZeroUsize,
    rows: u64,
}

impl<T: FromRow> RowBatch<T> {
    /// Batches grow up to the size that is asked for, so that whoever wants a few rows does not wait for many.
    pub(crate) fn growing(query: &Query) -> Self {
        Self { size: FIRST.min(query.batch.get()), ..Self::new(query) }
    }

    /// Batches of the size that is asked for.
    pub(crate) fn new(query: &Query) -> Self {
        let most = query.batch;
        Self { batch: Vec::new(), weight: 0, size: most.get(), most, rows: 0 }
    }

    /// Takes a row; true if the batch is full. The error of one that cannot be read has what `name` adds to it.
    pub(crate) fn push(&mut self, row: &RawRow<'_>, name: impl FnOnce() -> String) -> Result<bool> {
        let value = T::from_row(row).map_err(|error| {
            // What was said stays, and the row is put in front of it.
            Error::corrupt(format!("row {}: {error}{}", self.rows, name()))
        })?;
        self.weight = self.weight.saturating_add(row.weight());
        self.rows += 1;
        self.batch.push(value);
        Ok(self.batch.len() >= self.size || self.weight >= BATCH_BYTES)
    }

    /// Gives what is there, if there is anything.
    pub(crate) fn take(&mut self) -> Option<Vec<T>> {
        if self.batch.is_empty() {
            return None;
        }
        self.size = self.size.saturating_mul(2).min(self.most.get());
        self.weight = 0;
        let next = Vec::with_capacity(self.size.min(self.batch.len().saturating_mul(2)));
        Some(std::mem::replace(&mut self.batch, next))
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Rows that the next batch takes.
    #[cfg(feature = "postgres")]
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

/// How far a query has come that is read page by page.
#[derive(Debug)]
pub(crate) struct Keyed {
    after: Option<Position>,
    key: Vec<Identifier>,
}

impl Keyed {
    pub(crate) fn new(query: &Query) -> Self {
        Self { after: query.after.clone(), key: query.key.clone() }
    }

    /// The key of the last row that was given.
    pub(crate) fn after(&self) -> Option<&Position> {
        self.after.as_ref()
    }

    /// Where the columns of the key are among those of the result.
    pub(crate) fn places(&self, columns: &Columns) -> Result<Vec<usize>> {
        let find = |key: &Identifier| {
            let index = columns.iter().position(|name| name.eq_ignore_ascii_case(key.as_str()));
            let missing = || format!("the key `{}` is none of the columns", key.as_str());
            index.ok_or_else(|| Error::msg(missing()))
        };
        self.key.iter().map(find).collect()
    }

    /// A page ends with this row, and the next one is behind it.
    pub(crate) fn end_page(&mut self, row: &RawRow<'_>, places: &[usize]) -> Result<()> {
        self.after = Some(self.position(row, places)?);
        Ok(())
    }

    /// Looks at the row behind the end of the page: one with the same key would be on no page.
    pub(crate) fn check_next(&self, row: &RawRow<'_>, places: &[usize]) -> Result<()> {
        let next = self.position(row, places)?;
        if Some(&next) == self.after.as_ref() {
            let key = next.to_text();
            return Err(Error::corrupt(format!(
                "two rows have the key {key}, which must be unique"
            )));
        }
        Ok(())
    }

    /// What names a row in an error: after [`Query::after`], its number says little.
    pub(crate) fn name(&self, row: &RawRow<'_>, places: &[usize]) -> String {
        let position = self.position(row, places);
        position.map_or_else(|_| String::new(), |key| format!(" (key {})", key.to_text()))
    }

    fn position(&self, row: &RawRow<'_>, places: &[usize]) -> Result<Position> {
        let values = places.iter().map(|place| Ok(row.get(*place)?.to_value()));
        let values: Vec<Value> = values.collect::<Result<_>>()?;
        Ok(values.into_iter().collect())
    }
}

/// A row without a key was found.
#[cold]
pub(crate) fn null_key(key: &[Identifier]) -> Error {
    let names: Vec<&str> = key.iter().map(Identifier::as_str).collect();
    Error::corrupt(format!("the key ({}) of a row is null", names.join(", ")))
}

/// Rows of the first batch, where batches grow.
const FIRST: usize = 16;
