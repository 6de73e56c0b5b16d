//! What a writer was told.

use std::sync::Arc;

use highwater_core::Result;
use highwater_core::record::OnFailure;

use super::bad_row::Judge;
use crate::checkpoint::Checkpoint;
use crate::identifier::TableName;
use crate::position::Position;
use crate::table::Table;

/// How a table is written.
pub(crate) struct Plan<T> {
    pub(crate) table: Table,
    pub(crate) judge: Judge,
    pub(crate) one_transaction: bool,
    pub(crate) mark: Option<Mark<T>>,
}

impl<T> Plan<T> {
    pub(super) fn new(table: Table) -> Self {
        Self { table, judge: Judge::policy(OnFailure::Fail), one_transaction: false, mark: None }
    }
}

// Not derived: `T` need not be `Clone`.
impl<T> Clone for Plan<T> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            judge: self.judge.clone(),
            one_transaction: self.one_transaction,
            mark: self.mark.clone(),
        }
    }
}

/// A checkpoint, and how a row moves it.
pub(crate) struct Mark<T> {
    pub(crate) checkpoint: Checkpoint,
    position: Arc<dyn Fn(&T) -> Position + Send + Sync>,
}

impl<T> Mark<T> {
    pub(super) fn new(
        checkpoint: Checkpoint,
        position: impl Fn(&T) -> Position + Send + Sync + 'static,
    ) -> Self {
        Self { checkpoint, position: Arc::new(position) }
    }

    /// Where this row is, as it is kept.
    pub(crate) fn of(&self, row: &T) -> String {
        (self.position)(row).to_text()
    }
}

impl<T> Clone for Mark<T> {
    fn clone(&self) -> Self {
        Self { checkpoint: self.checkpoint.clone(), position: Arc::clone(&self.position) }
    }
}

/// The table that bad rows go to.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetters(TableName);

impl DeadLetters {
    pub(super) fn new(table: &str) -> Result<Self> {
        TableName::new(table).map(Self)
    }

    pub(crate) fn create(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (\"table_name\" TEXT NOT NULL, \"row_index\" BIGINT NOT NULL, \
             \"row_json\" TEXT NOT NULL, \"error\" TEXT NOT NULL)",
            self.0
        )
    }

    /// With places for four values: `?1` and so on, or `$1`.
    pub(crate) fn insert(&self, placeholder: char) -> String {
        format!(
            "INSERT INTO {} (\"table_name\", \"row_index\", \"row_json\", \"error\") \
             VALUES ({placeholder}1, {placeholder}2, {placeholder}3, {placeholder}4)",
            self.0
        )
    }
}
