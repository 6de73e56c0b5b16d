//! A row as the database gives it, and what is made of it.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use highwater_core::{Error, Result};

use crate::value::ValueRef;

/// A row that is still in the hands of the database.
///
/// # Examples
///
/// ```
/// use highwater_core::{Error, Result};
/// use highwater_sql::{FromRow, RawRow, ValueRef};
///
/// /// Without serde: a point from two columns.
/// struct Point(i64, i64);
///
/// impl FromRow for Point {
///     fn from_row(row: &RawRow<'_>) -> Result<Self> {
///         match (row.get(0)?, row.get(1)?) {
///             (ValueRef::Integer(x), ValueRef::Integer(y)) => Ok(Self(x, y)),
///             _ => Err(Error::corrupt("a point is two integers")),
///         }
///     }
/// }
/// ```
pub struct RawRow<'a> {
    columns: &'a Columns,
    cells: &'a dyn RawCells,
    weight: Cell<usize>,
}

/// The names of the columns of a result, in order, shared by its rows.
pub(crate) type Columns = Arc<[Box<str>]>;

/// Where a [`RawRow`] has its values from.
pub(crate) trait RawCells {
    fn get(&self, index: usize) -> Result<ValueRef<'_>>;
}

impl<'a> RawRow<'a> {
    pub(crate) fn new(columns: &'a Columns, cells: &'a dyn RawCells) -> Self {
        Self { columns, cells, weight: Cell::new(0) }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|name| &**name)
    }

    /// The value of a column, counted from 0.
    ///
    /// # Errors
    ///
    /// There is no such column, or what is in it is not what its type says.
    pub fn get(&self, index: usize) -> Result<ValueRef<'_>> {
        let name = self.columns.get(index).ok_or_else(|| {
            Error::msg(format!("no column {index} in a row of {}", self.columns.len()))
        })?;
        let value = self.cells.get(index).map_err(|error| in_column(&error, name))?;
        self.weight.set(self.weight.get().saturating_add(value.weight()));
        Ok(value)
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        self.columns.get(index).map_or("", |name| name)
    }

    pub(crate) fn shared_columns(&self) -> &Columns {
        self.columns
    }

    /// Bytes of the values that were taken.
    pub(crate) fn weight(&self) -> usize {
        self.weight.get()
    }
}

impl fmt::Debug for RawRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRow").field("columns", self.columns).finish_non_exhaustive()
    }
}

/// Says in which column it happened.
pub(crate) fn in_column(error: &dyn fmt::Display, name: &str) -> Error {
    Error::corrupt(format!("column `{name}`: {error}"))
}

/// What rows can be read as.
///
/// Everything that serde can deserialize is: a struct whose fields are found among the columns by their names, a tuple
/// whose places are the columns in order, and, of a single column, a plain value. A field of `Option` is `None` where the
/// column is null. [`Row`](crate::Row) is for rows whose columns are not known before. Anything else implements it by hand,
/// as in the example of [`RawRow`].
#[diagnostic::on_unimplemented(
    message = "rows cannot be read as `{Self}`",
    note = "derive `serde::Deserialize` for it, or implement `FromRow` by hand; `Row` takes any row"
)]
pub trait FromRow: Sized {
    /// Takes what it needs from a row.
    ///
    /// # Errors
    ///
    /// A column is missing, or holds something else. The stream ends with it.
    fn from_row(row: &RawRow<'_>) -> Result<Self>;
}

impl<T: serde::de::DeserializeOwned> FromRow for T {
    fn from_row(row: &RawRow<'_>) -> Result<Self> {
        crate::serial::deserialize(row)
    }
}
