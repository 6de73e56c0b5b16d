//! CSV for highwater streams of [`Bytes`](bytes::Bytes), typed through serde.
//!
//! Two machines, [`Csv`] and [`ToCsv`]. A row is any type that serde knows: a struct whose fields are named as the
//! columns, a tuple, a map, a `Vec<String>`; or a [`Record`], for rows of unknown shape.
//!
//! ```
//! use bytes::Bytes;
//! use highwater_core::{Readable, Result};
//! use highwater_csv::CsvExt;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct City {
//!     name: String,
//!     people: Option<u64>,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let chunks = ["people,name\r\n83", "1,Ulm\r\n,\"Ys, the lost\"\r\n"].map(Bytes::from);
//! let mut cities = Readable::from_iter(chunks).csv::<City>().skip(1);
//! let city = cities.next().await.expect("a city")?;
//! assert_eq!((city.name.as_str(), city.people), ("Ys, the lost", None));
//! # Ok(()) }
//! ```
//!
//! # Which CSV is read
//!
//! What [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) says, and what is found beyond it, as the crate `csv` reads
//! it. [`Format`] has the settings.
//!
//! - A row ends with `\n`, `\r\n` or `\r`; in quotes these are data. Empty lines are passed over.
//! - The first row is the header, unless the format has none. Columns are matched by their names.
//! - All rows have as many fields as the header, or as the first good row, unless the format is flexible.
//! - A quote in a field that does not begin with one is data, and so is what follows a closing quote.
//! - Nothing has to be UTF-8 but the header and what becomes text. A byte order mark at the start of the input is passed
//!   over, and nowhere else.
//!
//! # Limits
//!
//! | what | is | to lift it |
//! |---|---|---|
//! | bytes of a row, with its quotes and without its ending | 1 MiB | `with_max_length`, `unlimited_length` |
//! | fields of a row | 65 536 | `with_max_fields` |
//!
//! Above either of them the row is bad, with an [`is_limit`](highwater_core::Error::is_limit) error.
//!
//! # Bad rows
//!
//! A row that does not fit the type, has too few or too many fields, or is above a limit is an error that ends the
//! stream, behind the rows before it. With [`OnFailure`](highwater_core::record::OnFailure) it is left out and counted, or
//! handed to a function, and the stream goes on with the next row. Each error says the index of the row, and the line and
//! the offset in the input at which the row begins.
//!
//! An input that ends in quotes is cut short, and fails whatever the policy says; a bad header does so as well.
#![forbid(unsafe_code)]

mod ext;
mod fields;
mod format;
mod read;
mod record;
mod returns;
mod split;
#[cfg(test)]
mod tests;
mod write;

pub use ext::CsvExt;
pub use format::{Format, Trim};
pub use read::{Csv, csv};
pub use record::Record;
pub use write::{ToCsv, to_csv};
