//! NDJSON and JSON arrays for highwater streams of [`Bytes`](bytes::Bytes), typed through serde.
//!
//! Four machines, which read and write values of any type that serde knows:
//!
//! - [`Ndjson`] and [`ToNdjson`]: one JSON text per line ([NDJSON](https://github.com/ndjson/ndjson-spec), also called
//!   JSON Lines);
//! - [`JsonArray`] and [`ToJsonArray`]: one JSON array, element by element, so that it need not fit into memory.
//!
//! ```
//! use bytes::Bytes;
//! use highwater_core::{Readable, Result};
//! use highwater_json::JsonExt;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Reading {
//!     sensor: String,
//!     celsius: f64,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let chunks = ["{\"sensor\":\"roof\",\"cel", "sius\":3.5}\n"].map(Bytes::from);
//! let mut readings = Readable::from_iter(chunks).ndjson::<Reading>();
//! let reading = readings.next().await.expect("a reading")?;
//! assert_eq!((reading.sensor.as_str(), reading.celsius), ("roof", 3.5));
//! # Ok(()) }
//! ```
//!
//! # Limits
//!
//! | what | is | to lift it |
//! |---|---|---|
//! | bytes of a record: a line, or an element of an array | 1 MiB | `with_max_length`, `unlimited_length` |
//! | nesting of arrays and objects in what is made into a value | 127 levels, serde_json's own limit | cannot be lifted |
//!
//! Above either of them the record is bad, with an [`is_limit`](highwater_core::Error::is_limit) error. What the type
//! leaves out is passed over without being built, and may be nested to any depth.
//!
//! # Bad records
//!
//! A record that is not JSON, does not fit the type, or is above a limit is an error that ends the stream, behind the
//! records before it. With [`OnFailure`](highwater_core::record::OnFailure) it is left out and counted, or handed to a
//! function, and the stream goes on with the next record. Each error says the line and the offset in the input.
//!
//! An input that ends inside a record is cut short, and fails whatever the policy says: nobody knows how many records
//! are missing.
//!
//! # Which JSON is read
//!
//! What [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259) says, as serde_json reads it:
//!
//! - A key that occurs twice: the last one counts in a `Value` or a map; in a struct it is an error.
//! - A number that does not fit its type is an error, and so is one above `f64`, such as `1e400`. `-0` is the float
//!   `-0.0`, and does not fit an integer.
//! - `NaN`, `Infinity`, comments, trailing commas and unquoted keys are errors.
//! - A record is UTF-8, also in what the type leaves out.
//! - Half of a surrogate pair, such as `"\ud800"`, is an error where a string is made of it.
//! - A byte order mark at the start of the input is passed over, and nowhere else.
//!
//! On the way out, a float that is no number (`NaN`, infinities) is written as `null`.
#![forbid(unsafe_code)]

mod array;
mod ext;
mod ndjson;
mod parse;
#[cfg(test)]
mod tests;

pub use array::{JsonArray, ToJsonArray, json_array, to_json_array};
pub use ext::JsonExt;
pub use ndjson::{Ndjson, ToNdjson, ndjson, to_ndjson};
