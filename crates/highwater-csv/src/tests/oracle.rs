//! What is expected: a plain parser over the whole input, and the crate `csv`.

use crate::Record;

/// A row with its place.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) fields: Record,
    pub(super) raw: Vec<u8>,
    pub(super) offset: u64,
    pub(super) line: u64,
}

/// The rows of an input, and whether it ends in quotes; then the last row is none.
pub(super) fn rows(input: &[u8], delimiter: u8, quote: u8) -> (Vec<Row>, bool) {
    let start = if input.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut parser = Parser { input, at: start, delimiter, quote };
    let (mut rows, mut line, mut counted) = (Vec::new(), 1, 0);
    while parser.skip_line_ends() {
        let (offset, mut fields) = (parser.at, Record::default());
        loop {
            let Some(field) = parser.field() else { return (rows, true) };
            fields.push(field);
            if parser.peek() != Some(delimiter) {
                break;
            }
            parser.at += 1;
        }
        line += line_ends(&input[counted..offset]);
        counted = offset;
        let raw = input[offset..parser.at].to_vec();
        rows.push(Row { fields, raw, offset: offset as u64, line });
    }
    (rows, false)
}

/// The number of `\n`, `\r\n` and `\r`.
fn line_ends(bytes: &[u8]) -> u64 {
    let pairs = bytes.windows(2).filter(|two| two == b"\r\n").count();
    let all = bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count();
    (all - pairs) as u64
}

struct Parser<'a> {
    input: &'a [u8],
    at: usize,
    delimiter: u8,
    quote: u8,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// False at the end of the input.
    fn skip_line_ends(&mut self) -> bool {
        while matches!(self.peek(), Some(b'\r' | b'\n')) {
            self.at += 1;
        }
        self.peek().is_some()
    }

    /// A field up to what ends it; `None` if the input ends in its quotes.
    fn field(&mut self) -> Option<Vec<u8>> {
        let mut field = Vec::new();
        if self.peek() == Some(self.quote) {
            self.at += 1;
            loop {
                let byte = self.peek()?;
                self.at += 1;
                if byte != self.quote {
                    field.push(byte);
                } else if self.peek() == Some(self.quote) {
                    self.at += 1;
                    field.push(byte);
                } else {
                    break;
                }
            }
        }
        // What follows a closing quote is data as well.
        while let Some(byte) = self.peek().filter(|b| ![self.delimiter, b'\r', b'\n'].contains(b)) {
            self.at += 1;
            field.push(byte);
        }
        Some(field)
    }
}

/// The rows as the crate `csv` reads them.
pub(super) fn csv_rows(input: &[u8], delimiter: u8, quote: u8) -> Vec<Record> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quote(quote)
        .from_reader(input);
    reader.byte_records().map(|row| row.unwrap().iter().collect()).collect()
}
