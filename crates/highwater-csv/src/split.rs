//! From chunks to rows.

use bytes::Bytes;
use highwater_core::record::Place;
use highwater_core::{Error, Result};

use crate::Format;
use crate::fields::{Fields, Parsed};

/// Cuts chunks into [`Row`]s, whose fields are in [`fields`](Self::fields) until the next one is asked for.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) fields: Fields,
    /// The chunk in work, of which so many bytes are parsed.
    chunk: Bytes,
    at: usize,
    /// Where the chunk stands in the stream.
    offset: u64,
    state: State,
    raw: Raw,
}

/// ```text
///           no mark          a byte of a row             too long, too many fields
///  Start ------------> Between ----------------> Inside ---------------------------> Dropping
///                         ^  ^                      |                                    |
///                         |  +------- its end ------+                                    |
///                         +----------------------------- its end ------------------------+
/// ```
#[derive(Debug, Clone, Copy)]
enum State {
    /// At the start of the stream, with so many bytes of a byte order mark seen.
    Start(usize),
    /// Before a row.
    Between,
    /// In a row.
    Inside(Begun),
    /// In a row that is above a limit.
    Dropping(Begun, Excess),
}

/// A row that has begun.
#[derive(Debug, Clone, Copy)]
struct Begun {
    place: Place,
    /// How many of its bytes were parsed.
    seen: usize,
}

/// A limit that a row is above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Length,
    Fields,
}

/// A row that has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) place: Place,
    /// With it, the fields mean nothing.
    pub(crate) excess: Option<Excess>,
}

/// The bytes of the row, for those who want to see a bad one.
#[derive(Debug, Default)]
struct Raw {
    /// What was in earlier chunks, up to the maximum.
    held: Vec<u8>,
    /// Where the rest begins and ends in the chunk.
    begin: usize,
    end: usize,
    /// How many bytes there were.
    length: usize,
}

impl Split {
    pub(crate) fn new(format: &Format) -> Self {
        Self {
            fields: Fields::new(format),
            chunk: Bytes::new(),
            at: 0,
            offset: 0,
            state: State::Start(0),
            raw: Raw::default(),
        }
    }

    /// Takes the next chunk. Called only after `next` said `None`.
    #[inline]
    pub(crate) fn write(&mut self, chunk: Bytes) {
        (self.chunk, self.at) = (chunk, 0);
    }

    /// The next row. `None` asks for a chunk.
    pub(crate) fn next(&mut self) -> Option<Row> {
        while self.at < self.chunk.len() {
            match self.state {
                State::Start(seen) => self.start(seen),
                State::Between => self.between(),
                State::Inside(begun) => {
                    if let Some(row) = self.inside(begun) {
                        return Some(row);
                    }
                }
                State::Dropping(begun, excess) => {
                    if let Some(row) = self.dropping(begun, excess) {
                        return Some(row);
                    }
                }
            }
        }
        self.let_go();
        None
    }

    /// The input is over: what is left of it is parsed, and the row that was open is given.
    ///
    /// # Errors
    ///
    /// It ended in quotes.
    pub(crate) fn end(&mut self) -> Result<Option<Row>> {
        if let State::Start(seen) = self.state {
            // What began like a mark and is none is a row.
            self.write(Bytes::from_static(&BOM[..seen]));
            (self.offset, self.state) = (0, State::Between);
            self.next();
        }
        let (begun, excess) = match self.state {
            State::Start(_) | State::Between => return Ok(None),
            State::Inside(begun) => (begun, None),
            State::Dropping(begun, excess) => (begun, Some(excess)),
        };
        // A line end ends a row, unless it is in quotes: there it is data.
        let parsed = match excess {
            None => self.fields.parse(b"\n"),
            Some(_) => self.fields.skip(b"\n"),
        };
        match parsed {
            Parsed::All => {
                let error = Error::truncated("the input ends in quotes");
                Err(error.at_line(begun.place.line).at_offset(self.offset))
            }
            Parsed::TooMany(_) => Ok(Some(self.give(begun, Some(Excess::Fields), 0))),
            Parsed::Row(_) => Ok(Some(self.give(begun, excess, 0))),
        }
    }
}

/// What is asked about the row in work or the last one.
impl Split {
    /// The row in work is above a limit already, though its end was not seen: where it begins.
    pub(crate) fn excess(&self) -> Option<(Place, Excess)> {
        match self.state {
            State::Dropping(begun, excess) => Some((begun.place, excess)),
            _ => None,
        }
    }

    /// The bytes of the last row, and whether there were more than the maximum, which are left out.
    pub(crate) fn raw(&self) -> (Bytes, bool) {
        let (Raw { held, begin, end, length }, max) = (&self.raw, self.fields.max_length);
        let mut bytes = self.chunk.slice(begin..end);
        bytes.truncate(max - held.len());
        if !held.is_empty() {
            bytes = [held, &bytes[..]].concat().into();
        }
        (bytes, *length > max)
    }

    /// The most bytes held between two chunks; `None` without a limit.
    pub(crate) fn max_bytes(&self) -> Option<usize> {
        // The raw bytes grow by doubling.
        self.fields.max_length.checked_mul(2)?.checked_add(self.fields.max_bytes()?)
    }
}

/// The states.
impl Split {
    fn start(&mut self, seen: usize) {
        if BOM.get(seen) == Some(&self.chunk[self.at]) {
            self.at += 1;
            let whole = seen + 1 == BOM.len();
            self.state = if whole { State::Between } else { State::Start(seen + 1) };
            return;
        }
        if seen > 0 {
            // It began like a mark and is none: these bytes are of a row.
            self.write([&BOM[..seen], &self.chunk[self.at..]].concat().into());
            self.offset = 0;
        }
        self.state = State::Between;
    }

    /// Passes over line ends; each but the first makes an empty line.
    fn between(&mut self) {
        self.at += self.fields.skip_line_ends(&self.chunk[self.at..]);
        if self.at < self.chunk.len() {
            let place = Place { offset: self.offset + self.at as u64, line: self.fields.line() };
            self.state = State::Inside(Begun { place, seen: 0 });
            self.fields.clear();
            self.raw.held.clear();
            self.raw.begin = self.at;
        }
    }

    fn inside(&mut self, mut begun: Begun) -> Option<Row> {
        // Up to one byte above the maximum: if that is not the end of the row, the row is too long.
        let room = self.fields.max_length.saturating_add(1) - begun.seen;
        let input = &self.chunk[self.at..];
        let input = &input[..input.len().min(room)];
        let parsed = self.fields.parse(input);
        let taken = parsed.taken(input);
        self.at += taken;
        begun.seen += taken;
        self.state = match parsed {
            Parsed::Row(_) => return Some(self.give(begun, None, 1)),
            Parsed::TooMany(_) => State::Dropping(begun, Excess::Fields),
            Parsed::All if taken == room => State::Dropping(begun, Excess::Length),
            Parsed::All => State::Inside(begun),
        };
        None
    }

    fn dropping(&mut self, mut begun: Begun, excess: Excess) -> Option<Row> {
        let rest = &self.chunk[self.at..];
        let parsed = self.fields.skip(rest);
        let taken = parsed.taken(rest);
        self.at += taken;
        begun.seen = begun.seen.saturating_add(taken);
        self.state = State::Dropping(begun, excess);
        matches!(parsed, Parsed::Row(_)).then(|| self.give(begun, Some(excess), 1))
    }

    /// The row has ended, with so many bytes of the chunk as its ending.
    fn give(&mut self, begun: Begun, excess: Option<Excess>, ending: usize) -> Row {
        self.state = State::Between;
        self.raw.end = self.at - ending;
        self.raw.length = begun.seen - ending;
        Row { place: begun.place, excess }
    }

    /// The chunk is through: nothing of it must be kept but the start of a row.
    fn let_go(&mut self) {
        if matches!(self.state, State::Inside(_) | State::Dropping(..)) {
            let begun = &self.chunk[self.raw.begin..];
            let room = self.fields.max_length - self.raw.held.len();
            self.raw.held.extend_from_slice(&begun[..begun.len().min(room)]);
        }
        self.offset += self.chunk.len() as u64;
        (self.chunk, self.at, self.raw.begin) = (Bytes::new(), 0, 0);
    }
}

/// UTF-8's byte order mark.
pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";
