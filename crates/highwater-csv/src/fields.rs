//! The parser of csv-core, with the memory that it writes to.

use csv_core::{ReadRecordResult, Reader};
use highwater_core::record::MAX_RECORD;
use memchr::memchr_iter;

use crate::Format;
use crate::format::RowEnd;
use crate::returns::Returns;

/// The fields of the row in work, as far as it was parsed.
#[derive(Debug)]
pub(crate) struct Fields {
    parser: Reader,
    pub(crate) max_length: usize,
    pub(crate) max_fields: usize,
    /// The fields without quotes, one behind the other, in its first `length` bytes.
    text: Vec<u8>,
    length: usize,
    /// Where each field ends in `text`, in its first `count` places.
    ends: Vec<usize>,
    count: usize,
    /// Where a `\r` ends a row, the parser counts no line for it.
    returns: Option<Returns>,
}

/// How far the parser came, with the bytes it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// To the end of the row; the last byte is its ending.
    Row(usize),
    /// Through all there was, inside of the row.
    All,
    /// To a field more than there may be.
    TooMany(usize),
}

impl Parsed {
    /// How many bytes of `input` were taken.
    pub(crate) fn taken(self, input: &[u8]) -> usize {
        match self {
            Self::Row(taken) | Self::TooMany(taken) => taken,
            Self::All => input.len(),
        }
    }
}

impl Fields {
    pub(crate) fn new(format: &Format) -> Self {
        let mut parser = format.parser();
        // It passes over a byte order mark in the first bytes it is given, if the mark is whole there. That must not
        // depend on how the input is cut, and is done elsewhere: here an empty line goes ahead.
        parser.read_record(b"\n", &mut [0], &mut [0]);
        parser.set_line(1);
        Self {
            parser,
            max_length: MAX_RECORD,
            max_fields: MAX_FIELDS,
            text: Vec::new(),
            length: 0,
            ends: Vec::new(),
            count: 0,
            returns: (format.row_end != RowEnd::Lf).then(Returns::default),
        }
    }

    /// The line in which the parser stands, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.parser.line() + self.returns.as_ref().map_or(0, Returns::count)
    }

    /// Passes over line ends at the start of `input`, without the parser. Says how many bytes they are.
    pub(crate) fn skip_line_ends(&mut self, input: &[u8]) -> usize {
        let is_end = |byte: u8| byte == b'\n' || byte == b'\r' && self.returns.is_some();
        let count = input.iter().take_while(|byte| is_end(**byte)).count();
        let newlines = memchr_iter(b'\n', &input[..count]).count() as u64;
        self.parser.set_line(self.parser.line() + newlines);
        self.count_returns(&input[..count]);
        count
    }

    fn count_returns(&mut self, taken: &[u8]) {
        if let Some(returns) = &mut self.returns {
            returns.pass(taken);
        }
    }

    /// Forgets the last row.
    pub(crate) fn clear(&mut self) {
        (self.length, self.count) = (0, 0);
    }

    /// Parses on in the row.
    pub(crate) fn parse(&mut self, input: &[u8]) -> Parsed {
        let parsed = self.parse_fields(input);
        self.count_returns(&input[..parsed.taken(input)]);
        parsed
    }

    fn parse_fields(&mut self, input: &[u8]) -> Parsed {
        let mut taken = 0;
        loop {
            let (text, ends) = (&mut self.text[self.length..], &mut self.ends[self.count..]);
            // No input at all would mean the end of all input.
            if taken == input.len() {
                return Parsed::All;
            }
            let (result, nin, nout, nend) = self.parser.read_record(&input[taken..], text, ends);
            taken += nin;
            self.length += nout;
            self.count += nend;
            match result {
                ReadRecordResult::Record => return Parsed::Row(taken),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Parsed::All,
                ReadRecordResult::OutputFull => {
                    // With room for one byte more than a row has, it is never full at the end of a row.
                    grow(&mut self.text, FEW_BYTES, self.max_length.saturating_add(1));
                }
                ReadRecordResult::OutputEndsFull if self.count >= self.max_fields => {
                    return Parsed::TooMany(taken);
                }
                ReadRecordResult::OutputEndsFull => {
                    grow(&mut self.ends, FEW_FIELDS, self.max_fields);
                }
            }
        }
    }

    /// Passes over the rest of the row; the fields mean nothing then.
    pub(crate) fn skip(&mut self, input: &[u8]) -> Parsed {
        let parsed = self.skip_fields(input);
        self.count_returns(&input[..parsed.taken(input)]);
        parsed
    }

    fn skip_fields(&mut self, input: &[u8]) -> Parsed {
        let (mut text, mut ends) = ([0; FEW_BYTES], [0; FEW_FIELDS]);
        let mut taken = 0;
        while taken < input.len() {
            let (result, nin, ..) = self.parser.read_record(&input[taken..], &mut text, &mut ends);
            taken += nin;
            if result == ReadRecordResult::Record {
                return Parsed::Row(taken);
            }
        }
        Parsed::All
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The fields of the row.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        let ends = self.ends[..self.count].iter();
        ends.map(move |&end| &self.text[std::mem::replace(&mut start, end)..end])
    }

    /// The most bytes held.
    pub(crate) fn max_bytes(&self) -> Option<usize> {
        let ends = self.max_fields.checked_mul(size_of::<usize>())?;
        self.max_length.checked_add(1)?.checked_add(ends)
    }
}

/// Doubles it, up to the maximum.
fn grow<T: Clone + Default>(memory: &mut Vec<T>, least: usize, most: usize) {
    let length = memory.len().saturating_mul(2).max(least).min(most).max(memory.len() + 1);
    memory.reserve_exact(length - memory.len());
    memory.resize(length, T::default());
}

/// The default maximum of fields: four times as many as a sheet of Excel has columns.
const MAX_FIELDS: usize = 65_536;

/// What is made room for at first.
const FEW_BYTES: usize = 1024;
const FEW_FIELDS: usize = 64;
