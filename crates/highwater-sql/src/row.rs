//! A row whose columns are not known before.

use std::fmt;

use highwater_core::Result;

use crate::cells::{Cells, ToRow};
use crate::raw::{Columns, FromRow, RawRow};
use crate::serial::Json;
use crate::value::{Value, ValueRef};

/// A row with the names of its columns.
///
/// `Display` writes it as one JSON object.
///
/// # Examples
///
/// ```
/// use highwater_sql::{Row, Value};
/// let row = Row::from_iter([("id", Value::from(1)), ("email", Value::from("a@b.ch"))]);
/// assert_eq!(row.get("id"), Some(&Value::Integer(1)));
/// assert_eq!(row.to_string(), r#"{"id":1,"email":"a@b.ch"}"#);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Columns,
    values: Vec<Value>,
}

impl Row {
    /// The value of a column. `None` if there is no such column.
    pub fn get(&self, column: &str) -> Option<&Value> {
        let index = self.columns().position(|name| name == column)?;
        self.values.get(index)
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|name| &**name)
    }

    /// The values, in order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }
}

impl<N: Into<Box<str>>> FromIterator<(N, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(cells: I) -> Self {
        let (columns, values): (Vec<Box<str>>, _) =
            cells.into_iter().map(|(name, value)| (name.into(), value)).unzip();
        Self { columns: columns.into(), values }
    }
}

impl FromRow for Row {
    fn from_row(row: &RawRow<'_>) -> Result<Self> {
        let values = (0..row.width()).map(|index| Ok(row.get(index)?.to_value()));
        Ok(Self { columns: row.shared_columns().clone(), values: values.collect::<Result<_>>()? })
    }
}

impl ToRow for Row {
    fn to_row(&self, cells: &mut Cells<'_>) -> Result<()> {
        self.columns()
            .zip(&self.values)
            .try_for_each(|(name, value)| cells.put(name, &value.into()))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = Json::default();
        for (name, value) in self.columns().zip(&self.values) {
            json.put(name, &ValueRef::from(value));
        }
        f.write_str(&json.finish())
    }
}
