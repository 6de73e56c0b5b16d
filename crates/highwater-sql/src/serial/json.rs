//! A row as text: in errors and in tables of dead letters.

use crate::position::to_hex;
use crate::value::ValueRef;

/// One JSON object, in the order of the columns.
#[derive(Debug, Default)]
pub(crate) struct Json(String);

impl Json {
    pub(crate) fn put(&mut self, name: &str, value: &ValueRef<'_>) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&quoted(name));
        self.0.push(':');
        match value {
            ValueRef::Null => self.0.push_str("null"),
            ValueRef::Bool(value) => self.0.push_str(&value.to_string()),
            ValueRef::Integer(value) => self.0.push_str(&value.to_string()),
            ValueRef::Real(value) if value.is_finite() => self.0.push_str(&format!("{value:?}")),
            // JSON has no word for these.
            ValueRef::Real(value) => self.0.push_str(&quoted(&value.to_string())),
            ValueRef::Text(value) => self.0.push_str(&quoted(value)),
            ValueRef::Blob(value) => self.0.push_str(&quoted(&format!("\\x{}", to_hex(value)))),
        }
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

/// A JSON string. It has no control characters in it, so it can be shown on a terminal.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
