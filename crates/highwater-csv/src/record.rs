//! A row of unknown shape.

use std::fmt;

use highwater_core::{Error, Result};
use serde_core::de::{Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_core::ser::{Serialize, SerializeSeq as _, Serializer};

/// A row as it is, field by field, in two allocations: for rows whose shape is not known, or not UTF-8.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_csv::{CsvExt, Record};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let input = Readable::from_iter([Bytes::from("a,b\n\"1,5\",x\n")]);
/// let rows = input.csv::<Record>().to_vec().await?;
/// assert_eq!(rows, [Record::from_iter(["1,5", "x"])]);
/// assert_eq!((rows[0].len(), rows[0].get(1), rows[0].get(2)), (2, Some(&b"x"[..]), None));
/// assert_eq!(Readable::from_iter(rows).to_csv().to_bytes().await?, "\"1,5\",x\n");
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Record {
    /// The fields, one behind the other.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl Record {
    /// Adds a field.
    pub fn push(&mut self, field: impl AsRef<[u8]>) {
        self.text.extend_from_slice(field.as_ref());
        self.ends.push(self.text.len());
    }

    /// How many fields it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when it has no field.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A field by its place, from 0.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }

    /// A field as text, by its place, from 0.
    ///
    /// # Errors
    ///
    /// There is no such field, or it is not UTF-8 ([`is_corrupt`](Error::is_corrupt)).
    pub fn text(&self, index: usize) -> Result<&str> {
        let field = self.get(index).ok_or_else(|| {
            Error::corrupt(format!("there is no field {index}, there are {}", self.len()))
        })?;
        std::str::from_utf8(field)
            .map_err(|_| Error::corrupt(format!("field {index} is not valid UTF-8")))
    }

    /// The fields.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<F: AsRef<[u8]>> FromIterator<F> for Record {
    fn from_iter<I: IntoIterator<Item = F>>(fields: I) -> Self {
        let mut record = Self::default();
        fields.into_iter().for_each(|field| record.push(field));
        record
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|field| field.escape_ascii().to_string())).finish()
    }
}

/// As a sequence of texts, or of bytes where they are not UTF-8.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_seq(Some(self.len()))?;
        self.iter().try_for_each(|field| fields.serialize_element(&Field(field)))?;
        fields.end()
    }
}

struct Field<'a>(&'a [u8]);

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.serialize_bytes(self.0),
        }
    }
}

/// Of a sequence of texts or bytes.
impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, ends) = (Vec::with_capacity(FEW_BYTES), Vec::with_capacity(FEW_FIELDS));
        deserializer.deserialize_seq(Fill(Self { text, ends }))
    }
}

/// Takes a record in, field by field.
struct Fill(Record);

impl<'de> Visitor<'de> for Fill {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of fields")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut fields: A) -> Result<Record, A::Error> {
        while fields.next_element_seed(Push(&mut self.0))?.is_some() {}
        Ok(self.0)
    }
}

/// Takes one field in.
struct Push<'a>(&'a mut Record);

impl<'de> DeserializeSeed<'de> for Push<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Push<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_bytes<E>(self, field: &[u8]) -> Result<(), E> {
        self.0.push(field);
        Ok(())
    }

    fn visit_str<E>(self, field: &str) -> Result<(), E> {
        self.0.push(field);
        Ok(())
    }
}

/// What is made room for at first: most rows fit.
const FEW_BYTES: usize = 128;
const FEW_FIELDS: usize = 16;
