//! A row on its way to a table.

use std::fmt;

use highwater_core::{Error, Result};

use crate::table::Table;
use crate::value::ValueRef;

/// The places of one row that is written: one for each column of the [`Table`].
///
/// # Examples
///
/// ```
/// use highwater_core::Result;
/// use highwater_sql::{Cells, ToRow, ValueRef};
///
/// /// Without serde: a point into two columns.
/// struct Point(i64, i64);
///
/// impl ToRow for Point {
///     fn to_row(&self, cells: &mut Cells<'_>) -> Result<()> {
///         cells.put("x", &ValueRef::Integer(self.0))?;
///         cells.put("y", &ValueRef::Integer(self.1))
///     }
/// }
/// ```
pub struct Cells<'a> {
    table: &'a Table,
    scratch: &'a mut Scratch,
    next: usize,
    in_order: bool,
    sink: &'a mut dyn CellSink,
}

/// Room that is used again for each row, and what was learned from those before it.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Which columns have their value, if these do not come in order.
    filled: Vec<bool>,
    /// The field that was found to be the column at this place.
    fields: Vec<&'static str>,
}

/// Where the values of a row go.
pub(crate) trait CellSink {
    fn put(&mut self, index: usize, value: &ValueRef<'_>) -> Result<()>;
}

impl<'a> Cells<'a> {
    /// Writes a whole row: every column gets its value, once.
    pub(crate) fn fill<T: ToRow>(
        row: &T,
        table: &'a Table,
        scratch: &'a mut Scratch,
        sink: &'a mut dyn CellSink,
    ) -> Result<()> {
        let mut cells = Cells { table, scratch, next: 0, in_order: true, sink };
        row.to_row(&mut cells)?;
        match cells.missing() {
            None => Ok(()),
            Some(missing) => {
                let name = table.column(missing).unwrap_or_default();
                Err(Error::corrupt(format!("the row has nothing for the column `{name}`")))
            }
        }
    }

    /// Sets the value of a column by its name.
    ///
    /// # Errors
    ///
    /// The table was not made with this column, or it was set before, or the database cannot hold the value.
    pub fn put(&mut self, column: &str, value: &ValueRef<'_>) -> Result<()> {
        let index = self.find(column)?;
        self.put_at(index, value)
    }

    /// Sets the value of the column behind the one that was set last.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put), and where there are no more columns.
    pub fn push(&mut self, value: &ValueRef<'_>) -> Result<()> {
        self.put_at(self.next, value)
    }

    #[inline]
    pub(crate) fn put_at(&mut self, index: usize, value: &ValueRef<'_>) -> Result<()> {
        if self.in_order && index == self.next && index < self.table.width() {
            self.next += 1;
        } else {
            self.mark(index)?;
        }
        self.sink.put(index, value)
    }

    /// The place behind the column that was set last.
    pub(crate) fn next(&self) -> usize {
        self.next
    }

    /// The place of a field. Rows of one type have the same names at the same places, so one look at where the name is kept
    /// is mostly enough.
    #[inline]
    pub(crate) fn find_field(&mut self, name: &'static str) -> Result<usize> {
        let known = self.scratch.fields.get(self.next);
        if known.is_some_and(|known| std::ptr::eq(*known, name)) {
            return Ok(self.next);
        }
        let index = self.find(name)?;
        if index == self.next && index <= self.scratch.fields.len() {
            self.scratch.fields.truncate(index);
            self.scratch.fields.push(name);
        }
        Ok(index)
    }

    /// Fields mostly come in the order of the columns, so that one is looked at first.
    pub(crate) fn find(&self, column: &str) -> Result<usize> {
        if self.table.column(self.next) == Some(column) {
            return Ok(self.next);
        }
        self.table.columns().position(|name| name == column).ok_or_else(|| {
            let table = self.table.name();
            Error::corrupt(format!("`{column}` is none of the columns of `{table}`"))
        })
    }

    /// A value that does not come in order.
    fn mark(&mut self, index: usize) -> Result<()> {
        let (width, filled) = (self.table.width(), &mut self.scratch.filled);
        if std::mem::take(&mut self.in_order) {
            filled.clear();
            filled.resize(self.next, true);
            filled.resize(width, false);
        }
        match filled.get_mut(index) {
            Some(filled) if !*filled => *filled = true,
            Some(_) => {
                let name = self.table.column(index).unwrap_or_default();
                return Err(Error::corrupt(format!("the row has two values for `{name}`")));
            }
            None => return Err(Error::corrupt(format!("the row has more than {width} values"))),
        }
        self.next = index + 1;
        Ok(())
    }

    /// The first column that has no value.
    fn missing(&self) -> Option<usize> {
        if self.in_order {
            return (self.next < self.table.width()).then_some(self.next);
        }
        self.scratch.filled.iter().position(|filled| !filled)
    }
}

impl fmt::Debug for Cells<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cells").field("table", self.table).finish_non_exhaustive()
    }
}

/// What can be written as a row.
///
/// Everything that serde can serialize as a struct or a map, whose fields are found among the columns by their names, or as
/// a tuple, whose places are the columns in order. A field that is no column is an error, and so is a column without a
/// field. [`Row`](crate::Row) can be written too, and anything else implements it by hand, as in the example of [`Cells`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as a row",
    note = "derive `serde::Serialize` for it, or implement `ToRow` by hand"
)]
pub trait ToRow {
    /// Sets every column.
    ///
    /// # Errors
    ///
    /// Those of [`Cells`]: this is then a bad row.
    fn to_row(&self, cells: &mut Cells<'_>) -> Result<()>;
}

impl<T: serde::Serialize> ToRow for T {
    fn to_row(&self, cells: &mut Cells<'_>) -> Result<()> {
        crate::serial::serialize(self, cells)
    }
}
