//! How far a table has been read: the key of the last row.

use std::fmt::Write as _;

use highwater_core::{Error, Result};
use serde_json::{Value as Json, json};

use crate::value::Value;

/// The key of a row: one value for each column that a query is ordered by.
///
/// # Examples
///
/// ```
/// use highwater_sql::{Position, Value};
/// let simple = Position::from(42);
/// let pair = Position::from_iter([Value::from("CH"), Value::from(8000)]);
/// assert_eq!((simple.values().len(), pair.values().len()), (1, 2));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Position(Vec<Value>);

impl Position {
    /// The values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// As it is kept in the table of checkpoints: a JSON array, which a person can read.
    pub(crate) fn to_text(&self) -> String {
        Json::Array(self.0.iter().map(to_json).collect()).to_string()
    }

    pub(crate) fn from_text(text: &str) -> Result<Self> {
        let broken = || Error::corrupt(format!("the checkpoint {text:?} is not a position"));
        let Ok(Json::Array(parts)) = serde_json::from_str(text) else { return Err(broken()) };
        parts.iter().map(from_json).collect::<Option<_>>().map(Self).ok_or_else(broken)
    }
}

impl<V: Into<Value>> From<V> for Position {
    fn from(value: V) -> Self {
        Self(vec![value.into()])
    }
}

impl FromIterator<Value> for Position {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Numbers that JSON might round are written as text.
fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Integer(value) => json!(value),
        Value::Real(value) => json!({ "real": format!("{value:?}") }),
        Value::Text(value) => json!(value),
        Value::Blob(value) => json!({ "blob": to_hex(value) }),
    }
}

fn from_json(part: &Json) -> Option<Value> {
    Some(match part {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(value) => Value::Integer(value.as_i64()?),
        Json::String(value) => Value::Text(value.clone()),
        Json::Object(value) => match (value.get("real"), value.get("blob")) {
            (Some(real), None) => Value::Real(real.as_str()?.parse().ok()?),
            (None, Some(blob)) => Value::Blob(from_hex(blob.as_str()?)?),
            _ => return None,
        },
        Json::Array(_) => return None,
    })
}

/// Two digits per byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all");
    }
    text
}

/// The bytes of an even number of digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}
