//! What a column of a row holds.

use std::borrow::Cow;

/// A value of one column, whatever the database.
///
/// SQLite knows [`Null`](Self::Null), [`Integer`](Self::Integer), [`Real`](Self::Real), [`Text`](Self::Text) and
/// [`Blob`](Self::Blob), and keeps a [`Bool`](Self::Bool) as 0 or 1. Of PostgreSQL, the types `int2`, `int4`, `int8` and
/// `oid` come as integers, `float4` and `float8` as reals, `bool` and `bytea` as they are, and every other type as the text
/// that the server writes for it: `numeric`, dates and times (ISO 8601), `uuid`, `json`, arrays, enums. The way back is the
/// same: the server reads such a text as the type of the column.
///
/// # Examples
///
/// ```
/// use highwater_sql::Value;
/// assert_eq!(Value::from(7), Value::Integer(7));
/// assert_eq!(Value::from(Some("x")), Value::Text("x".to_owned()));
/// assert_eq!(Value::from(None::<i64>), Value::Null);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A [`Value`] that is borrowed from a row.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes; PostgreSQL sends them as text, so there they are decoded.
    Blob(Cow<'a, [u8]>),
}

impl ValueRef<'_> {
    /// A copy that is not borrowed.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Integer(value) => Value::Integer(*value),
            Self::Real(value) => Value::Real(*value),
            Self::Text(value) => Value::Text((*value).to_owned()),
            Self::Blob(value) => Value::Blob(value.to_vec()),
        }
    }

    /// Bytes that it takes beside its place in the row.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Text(value) => value.len(),
            Self::Blob(value) => value.len(),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Real(_) => 0,
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Integer(value) => Self::Integer(*value),
            Value::Real(value) => Self::Real(*value),
            Value::Text(value) => Self::Text(value),
            Value::Blob(value) => Self::Blob(Cow::Borrowed(value)),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Blob(value.to_owned())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
