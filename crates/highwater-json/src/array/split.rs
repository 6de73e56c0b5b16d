//! From chunks to the elements of an array.

use bytes::{Buf, Bytes};
use highwater_core::record::{MAX_RECORD, Place};
use highwater_core::{Error, Result};

use super::scan::Scan;
use crate::parse::{BOM, is_space};

/// Cuts chunks into [`Element`]s.
///
/// An element is a slice of its chunk where that is possible; only one that crosses chunks is copied, and no byte is
/// looked at twice.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) max: usize,
    /// What is left of the chunk in work.
    rest: Bytes,
    /// Where `rest` stands in the stream; in an element, its newlines are not counted yet.
    place: Place,
    state: State,
    /// The start of the element, while `Inside`: at most `max` bytes.
    held: Vec<u8>,
}

/// ```text
///            [                 no ]                    ,
///  Before -------> First ---------------> Inside ----------> Next
///                    |                     |  ^               |
///                    | ]                   |  +---------------+
///                    +-----> After <-------+ ]
/// ```
#[derive(Debug)]
enum State {
    /// Before the array, with so many bytes of a byte order mark seen.
    Before(usize),
    /// Behind the bracket that opens it.
    First,
    /// Behind a comma.
    Next,
    /// In an element.
    Inside(Inside),
    /// Behind the bracket that closes it.
    After,
}

#[derive(Debug)]
struct Inside {
    begin: Place,
    scan: Scan,
    /// Its bytes that are no longer in `rest`; more than are held if it is too long.
    seen: usize,
}

/// What stands between two commas, without the white space before it.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) bytes: Bytes,
    pub(super) begin: Place,
    /// It was longer than the maximum: the bytes are its first ones.
    pub(super) cut: bool,
}

impl Split {
    pub(super) fn new() -> Self {
        Self {
            max: MAX_RECORD,
            rest: Bytes::new(),
            place: Place { offset: 0, line: 1 },
            state: State::Before(0),
            held: Vec::new(),
        }
    }

    /// Takes the next chunk. Called only after `next` said `None`.
    #[inline]
    pub(super) fn write(&mut self, chunk: Bytes) {
        self.rest = chunk;
    }

    /// The next element. `None` asks for a chunk.
    pub(super) fn next(&mut self) -> Result<Option<Element>> {
        while let Some(&byte) = self.rest.first() {
            match self.state {
                State::Inside(_) => {
                    if let Some(element) = self.inside() {
                        return Ok(Some(element));
                    }
                }
                State::Before(seen) if self.is_mark(seen, byte) => {
                    self.advance(State::Before(seen + 1));
                }
                // White space does not follow half a mark, and neither does anything else.
                State::Before(1..=2) => return Err(self.wrong("half a byte order mark")),
                _ if is_space(byte) => self.skip_space(),
                State::Before(_) if byte == b'[' => self.advance(State::First),
                State::Before(_) => return Err(self.wrong("expected an array, `[`")),
                State::First if byte == b']' => self.advance(State::After),
                State::First | State::Next => {
                    let (begin, scan) = (self.place, Scan::default());
                    self.state = State::Inside(Inside { begin, scan, seen: 0 });
                }
                State::After => return Err(self.wrong("something stands behind the array")),
            }
        }
        // An empty slice of a chunk would still keep the chunk in memory.
        self.rest = Bytes::new();
        Ok(None)
    }

    /// The input is over.
    pub(super) fn end(&self) -> Result<()> {
        let what = match self.state {
            State::After => return Ok(()),
            State::Before(_) => "the input ends before the array",
            State::First | State::Next | State::Inside(_) => "the input ends inside the array",
        };
        Err(Error::truncated(what).at_offset(self.place.offset))
    }

    /// Where the element in work begins, if it is too long already.
    pub(super) fn too_long(&self) -> Option<Place> {
        match &self.state {
            State::Inside(inside) if inside.seen > self.max => Some(inside.begin),
            _ => None,
        }
    }

    /// The most bytes held between two chunks; `None` without a limit.
    pub(super) fn max_bytes(&self) -> Option<usize> {
        // It grows by doubling.
        self.max.checked_mul(2)
    }

    /// Adds to the element what there is of it, and gives it when it has ended.
    fn inside(&mut self) -> Option<Element> {
        let State::Inside(inside) = &mut self.state else { return None };
        let end = inside.scan.end(&self.rest);
        let length = end.unwrap_or(self.rest.len());
        let mut part = self.rest.split_to(length);
        self.place.offset += length as u64;
        inside.seen = inside.seen.saturating_add(length);
        part.truncate(self.max - self.held.len());
        if end.is_none() || !self.held.is_empty() {
            self.held.extend_from_slice(&part);
        }
        end?;
        let (begin, cut) = (inside.begin, inside.seen > self.max);
        self.place.line += inside.scan.newlines;
        let bytes =
            if self.held.is_empty() { part } else { Bytes::from(std::mem::take(&mut self.held)) };
        let last = self.rest.first() == Some(&b']');
        self.advance(if last { State::After } else { State::Next });
        Some(Element { bytes, begin, cut })
    }

    /// True when this byte is the next one of a byte order mark at the start of the stream.
    fn is_mark(&self, seen: usize, byte: u8) -> bool {
        self.place.offset == seen as u64 && BOM.get(seen) == Some(&byte)
    }

    fn skip_space(&mut self) {
        let length = self.rest.iter().position(|&byte| !is_space(byte)).unwrap_or(self.rest.len());
        let newlines = memchr::memchr_iter(b'\n', &self.rest[..length]).count();
        self.rest.advance(length);
        self.place.offset += length as u64;
        self.place.line += newlines as u64;
    }

    /// Passes over one byte.
    fn advance(&mut self, state: State) {
        self.rest.advance(1);
        self.place.offset += 1;
        self.state = state;
    }

    #[cold]
    fn wrong(&self, what: &'static str) -> Error {
        self.place.locate(Error::corrupt(what))
    }
}

#[cfg(test)]
mod tests {
    //! What only the splitter can tell: how much it holds.

    use super::*;

    /// F73, I57: an endless element is held no further than the maximum, and let go of when it has ended.
    #[test]
    fn an_endless_element_is_bounded() {
        let mut split = Split { max: 1000, ..Split::new() };
        let mut pieces = 0;
        let endless = std::iter::repeat_n(Bytes::from(vec![b'7'; 999]), 1000);
        for chunk in std::iter::once(Bytes::from("[")).chain(endless).chain([Bytes::from(",[")]) {
            split.write(chunk);
            while let Some(element) = split.next().expect("an array") {
                assert!(element.cut && element.bytes.len() == 1000);
                pieces += 1;
            }
            assert!(split.held.capacity() <= 2000 && split.rest.is_empty());
        }
        assert_eq!((pieces, split.held.len()), (1, 1));
    }
}
