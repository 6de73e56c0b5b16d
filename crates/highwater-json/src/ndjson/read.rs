//! From lines to values.

use std::marker::PhantomData;

use bytes::Bytes;
use highwater_core::record::{Failed, FailurePolicy, ItemCounts, MAX_RECORD, OnFailure, Place};
use highwater_core::{Error, Result, Transform};
use highwater_lines::{Ending, Line, Lines, LongLine};
use serde_core::de::{DeserializeOwned, IgnoredAny};

use crate::parse::{BOM, Problem, is_space, parse};

/// Reads NDJSON: [`Ndjson::new`].
pub fn ndjson<T: DeserializeOwned>() -> Ndjson<T> {
    Ndjson::new()
}

/// Reads NDJSON: one JSON text per line, one value for each.
///
/// A line ends with `\n` or `\r\n`; lines with nothing but white space are passed over. The last line needs no newline
/// if its text is complete. A text that spans lines is not NDJSON: each of its lines is a bad record, and the next good
/// line is read again.
///
/// It holds one line at the most that crosses chunks, and never more than the maximum length plus what `Lines` holds
/// for a block of lines, some 8 KiB.
///
/// # Errors
///
/// - A line is not JSON or does not fit the type ([`is_corrupt`](Error::is_corrupt)); it is longer than
///   [`with_max_length`](Self::with_max_length) or too deep ([`is_limit`](Error::is_limit)): unless
///   [`on_failure`](Self::on_failure) says otherwise.
/// - The input ends inside a record ([`is_truncated`](highwater_core::Error::is_truncated)), whatever is said there.
///
/// The error says the line, the offset in the input, and the column: the byte of the line, from 1, where the parser
/// stood when it found out. The cause as serde_json says it is in the text.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_core::record::OnFailure;
/// use highwater_json::Ndjson;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let log = || Readable::from_iter(["[1]\n\n[2", ",3]\noops\n[4]"].map(Bytes::from));
///
/// let mut strict = log().pipe(Ndjson::<Vec<u32>>::new());
/// assert_eq!(strict.next().await.expect("a record")?, [1]);
/// assert_eq!(strict.next().await.expect("a record")?, [2, 3]);
/// let error = strict.next().await.expect("an error").unwrap_err();
/// assert_eq!(error.to_string(), "expected value, column 1 (in ndjson, line 4, byte 11, chunk 1)");
///
/// let lenient = Ndjson::<Vec<u32>>::new().on_failure(OnFailure::Skip);
/// let counts = lenient.counts();
/// assert_eq!(log().pipe(lenient).to_vec().await?, [vec![1], vec![2, 3], vec![4]]);
/// assert_eq!((counts.succeeded(), counts.failed()), (3, 1));
/// # Ok(()) }
/// ```
pub struct Ndjson<T> {
    lines: Lines,
    max_length: usize,
    records: FailurePolicy<Bytes>,
    record: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Ndjson<T> {
    /// With records of at most 1 MiB (2²⁰ bytes), each of which must be good.
    pub fn new() -> Self {
        let (lines, records) = (Lines::new(), FailurePolicy::default());
        Self { lines, max_length: 0, records, record: PhantomData }.with_max_length(MAX_RECORD)
    }

    /// The most bytes a record may have, the end of its line not counted.
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self.lines = self.lines.with_max_length(bytes);
        self
    }

    /// Lets records be of any length: an input without newlines is then held in memory as a whole.
    #[must_use]
    pub fn unlimited_length(self) -> Self {
        self.with_max_length(usize::MAX)
    }

    /// What becomes of a bad record.
    #[must_use]
    pub fn on_failure(mut self, policy: OnFailure<Bytes>) -> Self {
        self.records.set(policy);
        // A line that is too long is an error at once, or comes with its first bytes when it has ended.
        let long = if self.records.fails() { LongLine::Fail } else { LongLine::Truncate };
        self.lines = self.lines.on_long_line(long);
        self
    }

    /// How many records it has read and left out, readable while it runs and afterwards.
    pub fn counts(&self) -> ItemCounts {
        self.records.counts()
    }

    /// The value of the first good line from this one on.
    #[inline]
    fn next(&mut self, first: Result<Option<Line>>) -> Result<Option<T>> {
        let mut line = first;
        loop {
            match line {
                Ok(Some(line)) => {
                    if let Some(value) = self.parse(&line)? {
                        return Ok(Some(value));
                    }
                }
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.long_line(&error)),
            }
            line = self.lines.read();
        }
    }

    /// The value of a line; `None` if it is blank, or bad and left out.
    #[inline]
    fn parse(&mut self, line: &Line) -> Result<Option<T>> {
        if line.is_truncated() {
            return self.cut(line).map(|()| None);
        }
        let (mark, text) = parts(line);
        if text.iter().all(|&byte| is_space(byte)) {
            return Ok(None);
        }
        match parse(text) {
            Ok(value) => {
                self.records.good();
                Ok(Some(value))
            }
            Err(problem) => self.wrong(line, mark, &problem).map(|()| None),
        }
    }

    /// Only the first bytes of the line are there.
    #[cold]
    fn cut(&mut self, line: &Line) -> Result<()> {
        let begin = Place { offset: line.offset(), line: line.number() };
        let error = begin.too_long("a record", self.max_length);
        let record = Failed::new(line.clone().into_bytes(), error).with_offset(begin.offset);
        self.records.bad(record.cut(), NAME)
    }

    #[cold]
    fn wrong(&mut self, line: &Line, mark: usize, problem: &Problem) -> Result<()> {
        let text = line.clone().into_bytes().slice(mark..);
        let begin = Place { offset: line.offset() + mark as u64, line: line.number() };
        if line.ending() == Ending::None && !problem.is_too_deep() && is_cut_short(&text) {
            let end = begin.offset + text.len() as u64;
            let what = "the input ends inside a record";
            return Err(Error::truncated(what).at_line(begin.line).at_offset(end));
        }
        let what = match problem.column {
            Some(column) => format!("{}, column {column}", problem.what),
            None => problem.what.clone(),
        };
        let error = problem.at(what, begin);
        self.records.bad(Failed::new(text, error).with_offset(begin.offset), NAME)
    }

    #[cold]
    fn long_line(&self, error: &Error) -> Error {
        let (offset, line) = (error.offset().unwrap_or_default(), error.line().unwrap_or_default());
        Place { offset, line }.too_long("a record", self.max_length)
    }
}

impl<T: DeserializeOwned> Default for Ndjson<T> {
    fn default() -> Self {
        Self::new()
    }
}

highwater_core::debug_fields!(Ndjson<T>, max_length, records);

impl<T: DeserializeOwned> Transform for Ndjson<T> {
    type Input = Bytes;
    type Output = T;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<T>> {
        let first = self.lines.write(chunk);
        self.next(first)
    }

    #[inline]
    fn read(&mut self) -> Result<Option<T>> {
        let first = self.lines.read();
        self.next(first)
    }

    fn end(&mut self) -> Result<()> {
        self.lines.end().map_err(|error| self.long_line(&error))
    }

    fn max_bytes(&self) -> Option<usize> {
        self.lines.max_bytes()
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

/// The length of the byte order mark that the stream may begin with, and what is behind it.
#[inline]
fn parts(line: &Line) -> (usize, &[u8]) {
    match line.strip_prefix(BOM) {
        Some(text) if line.number() == 1 => (BOM.len(), text),
        _ => (0, line),
    }
}

/// True when more bytes could make JSON of it. The type does not matter here: it may have refused the record before its
/// end was reached.
fn is_cut_short(text: &[u8]) -> bool {
    let parse = serde_json::from_slice::<IgnoredAny>;
    let Err(error) = parse(text) else { return false };
    // A number that must go on, such as `1.`, is called wrong, not open: a digit more tells which it is.
    error.is_eof() || parse(&[text, b"0"].concat()).map_or_else(|error| error.is_eof(), |_| true)
}

const NAME: &str = "ndjson";
