//! Names of tables and columns: only such as are allowed, and quoted wherever they stand.

use std::fmt;
use std::sync::Arc;

use highwater_core::{Error, Result};

/// The name of a table, a schema or a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identifier(Arc<str>);

impl Identifier {
    /// Takes a letter or `_`, followed by letters, digits, `_` and `$`.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let mut letters = name.chars();
        let starts = letters.next().is_some_and(|first| first.is_alphabetic() || first == '_');
        let goes_on = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
        if !starts || !letters.all(goes_on) {
            return Err(Error::corrupt(format!(
                "{name:?} is not allowed as the name of a table or column: a letter or _, and then letters, digits, _ and $"
            )));
        }
        if name.len() > LONGEST {
            return Err(Error::limit(format!("the name {name:?} has more than {LONGEST} bytes")));
        }
        Ok(Self(name.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Quoted, as SQL wants it (ISO 9075, delimited identifier). What is allowed has no quote in it.
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// A table, with its schema or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    schema: Option<Identifier>,
    table: Identifier,
}

impl TableName {
    /// Takes `table` or `schema.table`.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let (schema, table) = match name.split_once('.') {
            Some((schema, table)) => (Some(Identifier::new(schema)?), table),
            None => (None, name),
        };
        Ok(Self { schema, table: Identifier::new(table)? })
    }

    /// As a person writes it.
    pub(crate) fn plain(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", schema.as_str(), self.table.as_str()),
            None => self.table.as_str().to_owned(),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        self.table.fmt(f)
    }
}

/// Puts names or placeholders one after the other.
pub(crate) fn comma<T: fmt::Display>(parts: impl IntoIterator<Item = T>) -> String {
    let mut list = String::new();
    for part in parts {
        if !list.is_empty() {
            list.push_str(", ");
        }
        fmt::Write::write_fmt(&mut list, format_args!("{part}")).expect("a string takes all");
    }
    list
}

/// Bytes of a name: PostgreSQL cuts longer ones off without an error (NAMEDATALEN - 1).
const LONGEST: usize = 63;
