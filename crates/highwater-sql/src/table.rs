//! The table that is written to, or read.

use highwater_core::{Error, Result};

use crate::identifier::{Identifier, TableName, comma};

/// A table and those of its columns that take part.
///
/// The names are an allow-list: nothing but a letter or `_`, followed by letters, digits, `_` and `$`, at most 63 bytes, and
/// always quoted where they stand in SQL; a field of a row that is not among the columns is an error. PostgreSQL takes a
/// quoted name as it is, in upper and lower case, and SQLite in any case.
///
/// # Examples
///
/// ```
/// use highwater_sql::Table;
/// # fn main() -> highwater_core::Result<()> {
/// let users = Table::new("users", ["id", "email"])?.upsert(["id"])?;
/// assert_eq!((users.name().as_str(), users.quoted().as_str()), ("users", "\"users\""));
/// assert!(Table::new("users; DROP TABLE users", ["id"]).is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    name: TableName,
    columns: Vec<Identifier>,
    key: Vec<Identifier>,
}

impl Table {
    /// Names a table, `users` or `schema.users`, and its columns.
    ///
    /// # Errors
    ///
    /// A name has other letters in it than those allowed, or is too long; there is no column, or one twice.
    pub fn new<C: AsRef<str>>(name: &str, columns: impl IntoIterator<Item = C>) -> Result<Self> {
        let columns = identifiers(columns)?;
        if columns.is_empty() {
            return Err(Error::msg(format!("the table `{name}` is to have no columns")));
        }
        Ok(Self { name: TableName::new(name)?, columns, key: Vec::new() })
    }

    /// Has a row replace the one with the same key: its other columns are set. The last of several in one batch counts.
    ///
    /// The table needs a primary key or a unique index of exactly these columns. Without this, such a row is a bad row.
    ///
    /// # Errors
    ///
    /// The key has no column, or one that is not among those of the table.
    pub fn upsert<C: AsRef<str>>(mut self, key: impl IntoIterator<Item = C>) -> Result<Self> {
        self.key = identifiers(key)?;
        if self.key.is_empty() {
            return Err(Error::msg(format!("the key of `{}` has no columns", self.name.plain())));
        }
        if let Some(other) = self.key.iter().find(|key| !self.columns.contains(key)) {
            let (key, table) = (other.as_str(), self.name.plain());
            return Err(Error::msg(format!("the key `{key}` of `{table}` is none of its columns")));
        }
        Ok(self)
    }

    /// As it was given.
    pub fn name(&self) -> String {
        self.name.plain()
    }

    /// As it stands in SQL: `"users"`. For statements of your own about it.
    pub fn quoted(&self) -> String {
        self.name.to_string()
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(Identifier::as_str)
    }

    /// The name of one column.
    pub(crate) fn column(&self, index: usize) -> Option<&str> {
        self.columns.get(index).map(Identifier::as_str)
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    pub(crate) fn is_upsert(&self) -> bool {
        !self.key.is_empty()
    }

    /// `SELECT "t"."a", "t"."b" FROM "t"`
    pub(crate) fn select(&self) -> String {
        let columns = self.columns.iter().map(|column| format!("{}.{column}", self.name));
        format!("SELECT {} FROM {}", comma(columns), self.name)
    }

    /// `INSERT INTO "t" ("a", "b") `, to be followed by rows.
    pub(crate) fn insert(&self) -> String {
        format!("INSERT INTO {} ({}) ", self.name, comma(&self.columns))
    }

    /// ` ON CONFLICT ("a") DO UPDATE SET "b" = excluded."b"`, or nothing. SQLite and PostgreSQL agree on it.
    pub(crate) fn on_conflict(&self) -> String {
        if !self.is_upsert() {
            return String::new();
        }
        let others = self.columns.iter().filter(|column| !self.key.contains(column));
        let set = comma(others.map(|column| format!("{column} = excluded.{column}")));
        let action =
            if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {set}") };
        format!(" ON CONFLICT ({}) DO {action}", comma(&self.key))
    }

    /// `"a", "b"`
    #[cfg(feature = "postgres")]
    pub(crate) fn column_list(&self) -> String {
        comma(&self.columns)
    }

    /// The columns of the key.
    #[cfg(feature = "postgres")]
    pub(crate) fn key(&self) -> &[Identifier] {
        &self.key
    }
}

/// Checks names; each may be there once.
pub(crate) fn identifiers<C: AsRef<str>>(
    names: impl IntoIterator<Item = C>,
) -> Result<Vec<Identifier>> {
    let mut list: Vec<Identifier> = Vec::new();
    for name in names {
        let name = Identifier::new(name.as_ref())?;
        if list.contains(&name) {
            return Err(Error::msg(format!("the column `{}` is there twice", name.as_str())));
        }
        list.push(name);
    }
    Ok(list)
}
