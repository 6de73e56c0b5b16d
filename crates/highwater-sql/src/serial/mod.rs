//! Between rows and what serde knows.

mod de;
mod json;
mod ser;

use std::fmt;

use highwater_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Serialize, de as from, ser as to};

pub(crate) use json::Json;

use crate::cells::Cells;
use crate::raw::RawRow;

/// Reads a row as whatever serde can make of it.
pub(crate) fn deserialize<T: DeserializeOwned>(row: &RawRow<'_>) -> Result<T> {
    T::deserialize(de::RowReader(row)).map_err(|refused| refused.0)
}

/// Writes whatever serde can take apart as a row.
pub(crate) fn serialize<T: Serialize>(value: &T, cells: &mut Cells<'_>) -> Result<()> {
    value.serialize(ser::RowWriter(cells)).map_err(|refused| refused.0)
}

/// Our error where serde wants a standard one.
struct Refused(Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl from::Error for Refused {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self(Error::corrupt(what.to_string()))
    }
}

impl to::Error for Refused {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self(Error::corrupt(what.to_string()))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for Refused {}
