//! Rows that a table does not take.

use std::sync::{Arc, Mutex, PoisonError};

use highwater_core::record::{Failed, OnFailure};
use highwater_core::{Error, Result};

use super::plan::DeadLetters;
use crate::cells::{CellSink, Cells, Scratch, ToRow};
use crate::serial::Json;
use crate::table::Table;
use crate::value::ValueRef;

/// What becomes of bad rows.
#[derive(Clone)]
pub(crate) enum Judge {
    Policy(Arc<Mutex<OnFailure<String>>>),
    Keep(DeadLetters),
}

/// What becomes of one.
pub(crate) enum Verdict<'a> {
    Skip,
    /// To be written there: the name of its table, its index, the row and the error.
    Keep(&'a DeadLetters, [String; 4]),
}

impl Judge {
    pub(super) fn policy(policy: OnFailure<String>) -> Self {
        Self::Policy(Arc::new(Mutex::new(policy)))
    }

    pub(crate) fn judge<T: ToRow>(
        &self,
        row: &T,
        table: &Table,
        index: u64,
        cause: Error,
    ) -> Result<Verdict<'_>> {
        match self {
            Self::Policy(policy) => {
                let failed = || {
                    let json = as_json(row, table);
                    let message = message(index, &json);
                    Failed::new(json, cause).with_index(index).with_message(message)
                };
                let mut policy = policy.lock().unwrap_or_else(PoisonError::into_inner);
                policy.apply(failed, Error::from).map(|()| Verdict::Skip)
            }
            Self::Keep(letters) => {
                let row = as_json(row, table);
                Ok(Verdict::Keep(letters, [table.name(), index.to_string(), row, why(&cause)]))
            }
        }
    }

    pub(crate) fn dead_letters(&self) -> Option<&DeadLetters> {
        match self {
            Self::Keep(letters) => Some(letters),
            Self::Policy(_) => None,
        }
    }
}

/// What is said of a bad row, with the start of it.
fn message(index: u64, row: &str) -> String {
    let (start, more) = match row.char_indices().nth(SHOWN) {
        Some((end, _)) => (row.get(..end).unwrap_or_default(), "…"),
        None => (row, ""),
    };
    format!("row {index} cannot be written: {start}{more}")
}

/// An error with its causes.
fn why(error: &Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// The row as far as it can be taken apart.
fn as_json<T: ToRow>(row: &T, table: &Table) -> String {
    struct Shown<'a>(&'a Table, Json);

    impl CellSink for Shown<'_> {
        fn put(&mut self, index: usize, value: &ValueRef<'_>) -> Result<()> {
            self.1.put(self.0.column(index).unwrap_or_default(), value);
            Ok(())
        }
    }

    let mut shown = Shown(table, Json::default());
    // That it cannot be taken apart may be what is wrong with it.
    drop(Cells::fill(row, table, &mut Scratch::default(), &mut shown));
    shown.1.finish()
}

/// Characters of a row that an error shows.
const SHOWN: usize = 200;
