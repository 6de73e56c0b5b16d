//! Values as PostgreSQL writes and reads them: text, whatever their type.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::Write as _;

use bytes::{BufMut as _, BytesMut};
use highwater_core::{Error, Result};
use tokio_postgres::SimpleQueryRow;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use crate::position::from_hex;
use crate::raw::RawCells;
use crate::value::{Value, ValueRef};

/// A bound value. It goes over as text, which the server reads as the type that its place has.
impl ToSql for Value {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let value = ValueRef::from(self);
        if value == ValueRef::Null {
            return Ok(IsNull::Yes);
        }
        write_text(&value, out);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// Bound values as the driver takes them.
pub(super) fn references(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

/// Writes a value that is not null in the way that its type is read (PostgreSQL manual, chapter 8).
pub(super) fn write_text(value: &ValueRef<'_>, out: &mut BytesMut) {
    let written = match value {
        ValueRef::Null => Ok(()),
        ValueRef::Bool(value) => out.write_str(if *value { "t" } else { "f" }),
        ValueRef::Integer(value) => write!(out, "{value}"),
        // The shortest that is read as the same again; `NaN` and `inf` are understood as well.
        ValueRef::Real(value) => write!(out, "{value:?}"),
        ValueRef::Text(value) => {
            out.put_slice(value.as_bytes());
            Ok(())
        }
        ValueRef::Blob(value) => {
            out.put_slice(b"\\x");
            value.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
    };
    written.expect("a buffer that grows takes all");
}

/// What is made of the text of a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Bool,
    Integer,
    Real,
    Blob,
    Text,
}

impl From<&Type> for Kind {
    fn from(kind: &Type) -> Self {
        match *kind {
            Type::BOOL => Self::Bool,
            Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Self::Integer,
            Type::FLOAT4 | Type::FLOAT8 => Self::Real,
            Type::BYTEA => Self::Blob,
            _ => Self::Text,
        }
    }
}

/// A row of a result in text.
pub(super) struct TextRow<'a> {
    pub(super) row: &'a SimpleQueryRow,
    pub(super) kinds: &'a [Kind],
}

impl RawCells for TextRow<'_> {
    fn get(&self, index: usize) -> Result<ValueRef<'_>> {
        let (Some(text), Some(kind)) = (self.row.try_get(index)?, self.kinds.get(index)) else {
            return Ok(ValueRef::Null);
        };
        let broken = || Error::corrupt(format!("the server sent {text:?}"));
        Ok(match kind {
            Kind::Bool => ValueRef::Bool(text == "t"),
            Kind::Integer => ValueRef::Integer(text.parse()?),
            Kind::Real => ValueRef::Real(text.parse()?),
            Kind::Blob => {
                let digits = text.strip_prefix("\\x").and_then(from_hex);
                ValueRef::Blob(Cow::Owned(digits.ok_or_else(broken)?))
            }
            Kind::Text => ValueRef::Text(text),
        })
    }
}
