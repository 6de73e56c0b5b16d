//! Rows as `COPY` takes them in text (PostgreSQL manual, COPY, "Text Format").

use std::ops::Range;

use bytes::{BufMut as _, Bytes, BytesMut};
use highwater_core::Result;

use super::bind::write_text;
use crate::cells::{CellSink, Cells, Scratch, ToRow};
use crate::table::Table;
use crate::value::ValueRef;

/// Makes the text of rows.
#[derive(Debug, Default)]
pub(super) struct CopyText {
    out: BytesMut,
    /// The values of one row, in the order in which they come, and where each column's is.
    values: BytesMut,
    places: Vec<Range<usize>>,
    scratch: Scratch,
}

impl CopyText {
    /// The text of all these rows, or the error of the first that has none.
    pub(super) fn encode<T: ToRow>(&mut self, rows: &[T], table: &Table) -> Result<Bytes> {
        self.out.clear();
        for row in rows {
            self.push(row, table)?;
        }
        Ok(self.out.split().freeze())
    }

    fn push<T: ToRow>(&mut self, row: &T, table: &Table) -> Result<()> {
        self.values.clear();
        self.places.clear();
        self.places.resize(table.width(), 0..0);
        let mut sink = Line { values: &mut self.values, places: &mut self.places };
        Cells::fill(row, table, &mut self.scratch, &mut sink)?;
        for (index, place) in self.places.iter().enumerate() {
            if index > 0 {
                self.out.put_u8(b'\t');
            }
            self.out.put_slice(self.values.get(place.clone()).unwrap_or_default());
        }
        self.out.put_u8(b'\n');
        Ok(())
    }
}

struct Line<'a> {
    values: &'a mut BytesMut,
    places: &'a mut Vec<Range<usize>>,
}

impl CellSink for Line<'_> {
    fn put(&mut self, index: usize, value: &ValueRef<'_>) -> Result<()> {
        let start = self.values.len();
        match value {
            ValueRef::Null => self.values.put_slice(b"\\N"),
            ValueRef::Text(text) => escape(text.as_bytes(), self.values),
            // The backslash of the format, and one for `COPY`.
            ValueRef::Blob(_) => {
                self.values.put_u8(b'\\');
                write_text(value, self.values);
            }
            other => write_text(other, self.values),
        }
        let end = self.values.len();
        if let Some(place) = self.places.get_mut(index) {
            *place = start..end;
        }
        Ok(())
    }
}

/// Writes a text with what means something to `COPY` behind a backslash.
fn escape(text: &[u8], out: &mut BytesMut) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r'))
    {
        let (plain, special) = rest.split_at(at);
        out.put_slice(plain);
        let Some((byte, behind)) = special.split_first() else { break };
        out.put_slice(match byte {
            b'\t' => b"\\t",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            _ => b"\\\\",
        });
        rest = behind;
    }
    out.put_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;
    use crate::{Row, Table};

    fn text(values: &[Value]) -> String {
        let names = ["a", "b", "c"];
        let table = Table::new("t", &names[..values.len()]).unwrap();
        let row = Row::from_iter(names.into_iter().zip(values.iter().cloned()));
        let text = CopyText::default().encode(&[row], &table).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[test]
    fn values_are_written_as_copy_reads_them() {
        let values = [Value::Null, Value::from(-7), Value::from(true)];
        assert_eq!(text(&values), "\\N\t-7\tt\n");
        assert_eq!(text(&[Value::from(&[0_u8, 255][..])]), "\\\\x00ff\n");
        assert_eq!(text(&[Value::from(0.1), Value::from(f64::NAN)]), "0.1\tNaN\n");
    }

    /// F110: whatever a text has in it, it stays one value.
    #[test]
    fn what_means_something_to_copy_is_escaped() {
        assert_eq!(text(&[Value::from("a\tb\nc\rd\\e")]), "a\\tb\\nc\\rd\\\\e\n");
        assert_eq!(text(&[Value::from("\\N"), Value::from("\\.")]), "\\\\N\t\\\\.\n");
        assert_eq!(text(&[Value::from(""), Value::from("\t")]), "\t\\t\n");
    }

    #[test]
    fn values_go_into_the_order_of_the_columns() {
        let table = Table::new("t", ["a", "b"]).unwrap();
        let row = Row::from_iter([("b", Value::from(2)), ("a", Value::from(1))]);
        let text = CopyText::default().encode(&[row], &table).unwrap();
        assert_eq!(&text[..], b"1\t2\n");
    }
}
