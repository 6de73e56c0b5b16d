//! The machines as methods.

use bytes::Bytes;
use highwater_core::source::Piped;
use highwater_core::{Readable, Source};
use serde_core::Serialize;
use serde_core::de::DeserializeOwned;

use crate::{Csv, ToCsv};

/// The machines of this crate as methods of a readable.
///
/// For a machine with options, build it and give it to [`Readable::pipe`].
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_csv::CsvExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let rows = Readable::from_iter([Bytes::from("name,age\nEve,7\n")]).csv::<(String, u8)>();
/// assert_eq!(rows.map(|(name, age)| (age, name)).to_csv().to_vec().await?, ["7,Eve\n"]);
/// # Ok(()) }
/// ```
pub trait CsvExt<S>: Into<Readable<S>> {
    /// Reads one value per row, with a header: [`Csv::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a row that is no such value, behind the values before it, and at an end in quotes.
    fn csv<T>(self) -> Piped<S, Csv<T>>
    where
        S: Source<Chunk = Bytes>,
        T: DeserializeOwned,
    {
        self.into().pipe(Csv::new())
    }

    /// Writes one row per value, and a header: [`ToCsv::new`].
    ///
    /// # Errors
    ///
    /// The stream fails at a value that is no row, behind the values before it.
    fn to_csv(self) -> Piped<S, ToCsv<S::Chunk>>
    where
        S: Source<Chunk: Serialize>,
    {
        self.into().pipe(ToCsv::new())
    }
}

impl<S> CsvExt<S> for Readable<S> {}
