//! From rows to values.

use std::marker::PhantomData;

use bytes::Bytes;
use csv::{ByteRecord, ErrorKind, StringRecord};
use highwater_core::record::{Failed, FailurePolicy, ItemCounts, OnFailure, Place};
use highwater_core::{Error, Result, Transform};
use serde_core::de::DeserializeOwned;

use crate::Format;
use crate::split::{Excess, Row, Split};

/// Reads CSV: [`Csv::new`].
pub fn csv<T: DeserializeOwned>() -> Csv<T> {
    Csv::new()
}

/// Reads CSV, one value per row.
///
/// A row without a line end at the end of the input is a row. A row is copied, field by field without its quotes, and
/// then made into a value; one row at the most is held.
///
/// # Errors
///
/// - A row does not fit the type, or does not have as many fields as those before it ([`is_corrupt`](Error::is_corrupt)); it
///   is longer than [`with_max_length`](Self::with_max_length) or has more fields than [`with_max_fields`](Self::with_max_fields)
///   ([`is_limit`](Error::is_limit)): unless [`on_failure`](Self::on_failure) says otherwise.
/// - Whatever is said there: the header is above a limit or not UTF-8, or the input ends in quotes
///   ([`is_truncated`](Error::is_truncated)).
///
/// The message says the index of the row, from 0, the header not counted. The error says the line and the offset in the
/// input at which the row begins.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_core::record::OnFailure;
/// use highwater_csv::Csv;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let input = || Readable::from_iter(["x,y\n1,2\n3,f", "our\n5\n6,7\n"].map(Bytes::from));
/// let strict = input().pipe(Csv::<(u8, u8)>::new()).to_vec().await;
/// let text = "row 1, field `y`: invalid digit found in string (in csv, line 3, byte 8, chunk 1)";
/// assert_eq!(strict.unwrap_err().to_string(), text);
///
/// let lenient = Csv::<(u8, u8)>::new().on_failure(OnFailure::Skip);
/// let counts = lenient.counts();
/// assert_eq!(input().pipe(lenient).to_vec().await?, [(1, 2), (6, 7)]);
/// assert_eq!((counts.succeeded(), counts.failed()), (2, 2));
/// # Ok(()) }
/// ```
pub struct Csv<T> {
    format: Format,
    split: Split,
    /// The names of the columns, once they were read.
    header: Option<StringRecord>,
    /// How many fields the header has, or the last good row.
    width: Option<usize>,
    /// The memory of the row in work, for serde.
    fields: Option<ByteRecord>,
    /// The row that was open when the input ended.
    last: Option<Row>,
    records: FailurePolicy<Bytes>,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Csv<T> {
    /// With [`Format::new`]: commas, double quotes, a header.
    pub fn new() -> Self {
        Self::with_format(Format::new())
    }

    /// With this format.
    ///
    /// # Panics
    ///
    /// The delimiter or the quote is not ASCII or ends a line, or both are the same.
    #[track_caller]
    pub fn with_format(format: Format) -> Self {
        format.check();
        Self {
            format,
            split: Split::new(&format),
            header: None,
            width: None,
            fields: None,
            last: None,
            records: FailurePolicy::default(),
            value: PhantomData,
        }
    }

    /// The most bytes a row may have, its quotes counted and its ending not. The default is 1 MiB (2²⁰ bytes).
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.split.fields.max_length = bytes;
        self
    }

    /// Lets rows be of any length: behind a quote that is not closed, the rest of the input is held in memory.
    #[must_use]
    pub fn unlimited_length(self) -> Self {
        self.with_max_length(usize::MAX)
    }

    /// The most fields a row may have. The default is 65 536; each takes up to 24 bytes of memory beside its own.
    #[must_use]
    pub fn with_max_fields(mut self, count: usize) -> Self {
        self.split.fields.max_fields = count;
        self
    }

    /// What becomes of a bad row. The index of a bad record is that of the row, the header not counted.
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure<Bytes>) -> Self {
        self.records.set(policy);
        self
    }

    /// How many rows it has read and left out, readable while it runs and afterwards.
    pub fn counts(&self) -> ItemCounts {
        self.records.counts()
    }

    /// The value of a row; `None` if it is the header, or bad and left out.
    fn row(&mut self, row: Row) -> Result<Option<T>> {
        if let Some(excess) = row.excess {
            return self.above(row.place, excess).map(|()| None);
        }
        let width = self.split.fields.len();
        if self.is_header() {
            self.header = Some(self.take_header(row.place)?);
            self.width = Some(width);
            return Ok(None);
        }
        let before = self.width.filter(|&before| before != width && !self.format.flexible);
        if let Some(before) = before {
            let what = format!(" has {width} fields, and those before it have {before}");
            return self.bad(row.place, Error::corrupt(self.nth(&what))).map(|()| None);
        }
        match self.value() {
            Ok(value) => {
                self.records.good();
                self.width = Some(width);
                Ok(Some(value))
            }
            Err(error) => self.wrong(row.place, &error).map(|()| None),
        }
    }

    /// What serde makes of the fields. A row that is UTF-8 is checked in one go, which takes half the time; in any
    /// other, only the fields that become text have to be.
    fn value(&mut self) -> Result<T, csv::Error> {
        let mut fields = self.fields.take().unwrap_or_default();
        take(&mut fields, self.split.fields.iter(), self.format.trims_fields());
        let header = self.header.as_ref();
        let (value, fields) = match StringRecord::from_byte_record(fields) {
            Ok(text) => (text.deserialize(header), text.into_byte_record()),
            Err(error) => {
                let fields = error.into_byte_record();
                (fields.deserialize(header.map(StringRecord::as_byte_record)), fields)
            }
        };
        self.fields = Some(fields);
        value
    }

    /// The first row is the header, if there is one.
    fn is_header(&self) -> bool {
        self.format.header && self.header.is_none()
    }

    fn take_header(&self, place: Place) -> Result<StringRecord> {
        let mut header = ByteRecord::new();
        take(&mut header, self.split.fields.iter(), self.format.trims_header());
        StringRecord::from_byte_record(header).map_err(|error| {
            let field = error.utf8_error().field();
            let what = format!("the header is not valid UTF-8 in field {field}");
            place.locate(Error::corrupt(what))
        })
    }

    /// The type has refused the row.
    #[cold]
    fn wrong(&mut self, place: Place, error: &csv::Error) -> Result<()> {
        let ErrorKind::Deserialize { err, .. } = error.kind() else {
            return self.bad(place, Error::corrupt(self.nth(&format!(": {error}"))));
        };
        let field = err.field().and_then(|field| usize::try_from(field).ok());
        let name = field.and_then(|field| self.header.as_ref()?.get(field));
        let what = match (field, name) {
            (_, Some(name)) => {
                format!(", field `{}`: {}", name.as_bytes().escape_ascii(), err.kind())
            }
            (Some(field), None) => format!(", field {field}: {}", err.kind()),
            (None, _) => format!(": {}", err.kind()),
        };
        self.bad(place, Error::corrupt(self.nth(&what)))
    }

    /// The row is above a limit. A header that is too long or too wide fails whatever the policy: the rows mean nothing
    /// without it.
    #[cold]
    fn above(&mut self, place: Place, excess: Excess) -> Result<()> {
        let error = self.excess(excess);
        if self.is_header() { Err(place.locate(error)) } else { self.bad(place, error) }
    }

    fn excess(&self, excess: Excess) -> Error {
        let fields = &self.split.fields;
        let what = match excess {
            Excess::Length => format!(" is longer than {} bytes", fields.max_length),
            Excess::Fields => format!(" has more than {} fields", fields.max_fields),
        };
        let header = self.is_header();
        Error::limit(if header { format!("the header{what}") } else { self.nth(&what) })
    }

    fn bad(&mut self, place: Place, error: Error) -> Result<()> {
        let (bytes, cut) = self.split.raw();
        let record = Failed::new(bytes, place.locate(error)).with_offset(place.offset);
        self.records.bad(if cut { record.cut() } else { record }, NAME)
    }

    /// What is said about the row in work.
    fn nth(&self, what: &str) -> String {
        format!("row {}{what}", self.records.seen())
    }

    /// The chunk is through.
    fn ask(&self) -> Result<Option<T>> {
        // Its end may be far: a row that is an error anyway is not read up to there.
        match self.split.excess().filter(|_| self.records.fails() || self.is_header()) {
            Some((place, excess)) => Err(place.locate(self.excess(excess))),
            None => Ok(None),
        }
    }
}

impl<T: DeserializeOwned> Default for Csv<T> {
    fn default() -> Self {
        Self::new()
    }
}

highwater_core::debug_fields!(Csv<T>, format, records);

impl<T: DeserializeOwned> Transform for Csv<T> {
    type Input = Bytes;
    type Output = T;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<T>> {
        self.split.write(chunk);
        self.read()
    }

    #[inline]
    fn read(&mut self) -> Result<Option<T>> {
        while let Some(row) = self.last.take().or_else(|| self.split.next()) {
            if let Some(value) = self.row(row)? {
                return Ok(Some(value));
            }
        }
        self.ask()
    }

    fn end(&mut self) -> Result<()> {
        self.last = self.split.end()?;
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        // The fields are there twice, the second time in memory that grows by doubling.
        let copy = self.split.fields.max_bytes()?.checked_mul(2)?;
        self.split.max_bytes()?.checked_add(copy)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

/// Copies the fields into what serde reads from.
fn take<'a>(into: &mut ByteRecord, fields: impl Iterator<Item = &'a [u8]>, trim: bool) {
    into.clear();
    fields.for_each(|field| into.push_field(if trim { field.trim_ascii() } else { field }));
}

const NAME: &str = "csv";
