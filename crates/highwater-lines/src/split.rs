//! From chunks to whole lines: the one place that carries a part of a line from chunk to chunk.

use bytes::{Buf, Bytes};
use highwater_core::{Error, Result};
use memchr::{memchr, memrchr};

use crate::counts::{Figures, LineCounts};
use crate::length::LongLine;
use crate::line::Ending;
use crate::work::searched;

/// Cuts chunks into [`Piece`]s.
///
/// Of the chunk in work nothing is copied but the part of a line at its end. That part is searched once: what is held
/// has no newline in it and is never looked at again, so a long line in tiny chunks costs what its bytes cost.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) max: usize,
    pub(crate) on_long: LongLine,
    /// What is left of the chunk in work.
    rest: Bytes,
    /// Where `rest` stands in the stream.
    offset: u64,
    state: State,
    /// The start of the line, while `Inside`; what is kept of it, while `Dropping`. At most `max` bytes and an ending.
    held: Vec<u8>,
    /// What there is to give after the end of the input.
    last: Option<Piece>,
    /// Its `lines` are counted by whoever takes the pieces, and are right before it asks for the next one. Only a
    /// [`Kind::Skipped`] has been counted.
    pub(crate) figures: Figures,
    counts: LineCounts,
}

/// Where in a line the input stands.
///
/// ```text
///            no newline in the chunk              too long
///  Between --------------------------> Inside -----------------> Dropping
///     ^  ^                                |                          |
///     |  +----------- newline ------------+                          |
///     +------------------------------- newline ----------------------+
/// ```
#[derive(Debug, Clone, Copy)]
enum State {
    /// At the start of a line.
    Between,
    /// In a line that is not too long yet.
    Inside,
    /// In a line that is too long and began at `start`; its last byte so far was a `\r` or not.
    Dropping { start: u64, after_cr: bool },
}

/// A piece of the stream, in its order.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Where its first byte stood in the stream.
    pub(crate) offset: u64,
    pub(crate) bytes: Bytes,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One or more lines, each with its newline and none too long.
    Whole,
    /// The start of a line that was too long, with the ending the line had.
    Cut(Ending),
    /// The last line, without a newline.
    Last,
    /// A line that was too long; no bytes.
    Skipped,
}

impl Split {
    pub(crate) fn counts(&self) -> &LineCounts {
        &self.counts
    }

    /// The most bytes held between two chunks; `None` without a limit.
    pub(crate) fn max_bytes(&self) -> Option<usize> {
        self.max.checked_add(LONGEST_ENDING)
    }

    /// Takes the next chunk. Called only after `next` said `None`.
    #[inline]
    pub(crate) fn write(&mut self, chunk: Bytes) {
        self.rest = chunk;
    }

    /// The next piece. `None` asks for a chunk; the figures are published then.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>> {
        while !self.rest.is_empty() {
            let piece = match self.state {
                State::Between => self.whole_lines(),
                State::Inside => self.line()?,
                State::Dropping { start, after_cr } => self.drop_line(start, after_cr),
            };
            if piece.is_some() {
                return Ok(piece);
            }
        }
        // An empty slice of a chunk would still keep the chunk in memory.
        self.rest = Bytes::new();
        let last = self.last.take();
        if last.is_none() {
            self.publish();
        }
        Ok(last)
    }

    /// The input is over: `next` gives what is left.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.last = match self.state {
            State::Between => None,
            State::Dropping { start, .. } => Some(self.end_long(start, Ending::None)),
            // One byte more than the maximum is held only for a `\r` that could have been of an ending.
            State::Inside if self.held.len() > self.max => {
                let start = self.long()?;
                Some(self.end_long(start, Ending::None))
            }
            State::Inside => Some(self.give_held(Kind::Last)),
        };
        self.state = State::Between;
        Ok(())
    }

    fn publish(&mut self) {
        self.figures.bytes = self.offset;
        self.counts.publish(&self.figures);
    }

    /// All whole lines at the start of the chunk that are not too long, or on to the first line.
    fn whole_lines(&mut self) -> Option<Piece> {
        let end = fitting(&self.rest, self.max);
        if end == 0 {
            self.state = State::Inside;
            return None;
        }
        let (offset, bytes) = (self.offset, self.rest.split_to(end));
        self.offset += end as u64;
        Some(Piece { offset, bytes, kind: Kind::Whole })
    }

    /// Adds to the line that is held up to its newline, or all there is.
    fn line(&mut self) -> Result<Option<Piece>> {
        let newline = first_newline(&self.rest);
        let seen = newline.unwrap_or(self.rest.len());
        // A `\r` at the end may be of the ending: it does not count before the byte after it is known.
        let before = if seen > 0 { self.rest.get(seen - 1) } else { self.held.last() };
        let cr = usize::from(before == Some(&b'\r'));
        if self.held.len() + seen - cr > self.max {
            let start = self.long()?;
            self.state = State::Dropping { start, after_cr: false };
            return Ok(None);
        }
        self.hold(seen + usize::from(newline.is_some()));
        if newline.is_none() {
            return Ok(None);
        }
        self.state = State::Between;
        Ok(Some(self.give_held(Kind::Whole)))
    }

    /// The line is too long: holds what is kept of it, and says where it starts.
    ///
    /// The line has at least one byte more than is kept, and it is still in the chunk, or was a `\r` that is now known
    /// not to be of the ending.
    #[cold]
    fn long(&mut self) -> Result<u64> {
        let start = self.offset - self.held.len() as u64;
        match self.on_long {
            LongLine::Fail => return Err(self.too_long(start)),
            LongLine::Skip => self.held = Vec::new(),
            LongLine::Truncate => {
                let room = self.max.saturating_sub(self.held.len()).min(self.rest.len());
                self.hold(room);
                self.held.truncate(self.max);
            }
        }
        Ok(start)
    }

    #[cold]
    fn too_long(&mut self, start: u64) -> Error {
        self.publish();
        Error::limit(format!("a line is longer than {} bytes", self.max))
            .at_line(self.figures.lines + 1)
            .at_offset(start)
    }

    /// Drops what is left of a line that is too long.
    fn drop_line(&mut self, start: u64, mut after_cr: bool) -> Option<Piece> {
        let newline = first_newline(&self.rest);
        let seen = newline.unwrap_or(self.rest.len());
        if seen > 0 {
            after_cr = self.rest[seen - 1] == b'\r';
        }
        self.advance(seen + usize::from(newline.is_some()));
        if newline.is_none() {
            self.state = State::Dropping { start, after_cr };
            return None;
        }
        self.state = State::Between;
        Some(self.end_long(start, if after_cr { Ending::CrLf } else { Ending::Lf }))
    }

    fn end_long(&mut self, offset: u64, ending: Ending) -> Piece {
        if self.on_long == LongLine::Skip {
            self.figures.lines += 1;
            self.figures.skipped += 1;
            return Piece { offset, bytes: Bytes::new(), kind: Kind::Skipped };
        }
        self.figures.truncated += 1;
        self.held.reserve_exact(ending.as_bytes().len());
        self.held.extend_from_slice(ending.as_bytes());
        Piece { offset, ..self.give_held(Kind::Cut(ending)) }
    }

    /// Moves bytes from the chunk to what is held. It grows by doubling, but not past what a line may have.
    fn hold(&mut self, count: usize) {
        let (length, capacity) = (self.held.len() + count, self.held.capacity());
        if length > capacity {
            let most = self.max.saturating_add(LONGEST_ENDING);
            let grown = capacity.saturating_mul(2).min(most).max(length);
            self.held.reserve_exact(grown - self.held.len());
        }
        self.held.extend_from_slice(&self.rest[..count]);
        self.advance(count);
    }

    /// Gives what is held. A short line is copied, which spares the next one its allocation; a long one is given away.
    fn give_held(&mut self, kind: Kind) -> Piece {
        let offset = self.offset - self.held.len() as u64;
        let bytes = if self.held.len() > COPIED {
            Bytes::from(std::mem::take(&mut self.held))
        } else {
            let bytes = Bytes::copy_from_slice(&self.held);
            self.held.clear();
            bytes
        };
        Piece { offset, bytes, kind }
    }

    fn advance(&mut self, count: usize) {
        self.rest.advance(count);
        self.offset += count as u64;
    }
}

impl Default for Split {
    fn default() -> Self {
        Self {
            max: DEFAULT_MAX,
            on_long: LongLine::default(),
            rest: Bytes::new(),
            offset: 0,
            state: State::Between,
            held: Vec::new(),
            last: None,
            figures: Figures::default(),
            counts: LineCounts::default(),
        }
    }
}

/// Where whole lines at the start of `bytes` end that are not longer than `max`, newline included; 0 when the first is
/// not such a line.
///
/// It looks for the last newline of a window in which no line can be too long, so that it sees few bytes of short
/// lines, and each byte at most twice. A line of `max` bytes that ends with `\r\n` does not fit into the window and is
/// left to [`Split::line`].
fn fitting(bytes: &[u8], max: usize) -> usize {
    let mut end = 0;
    while end < bytes.len() {
        let rest = &bytes[end..];
        let window = &rest[..rest.len().min(max.saturating_add(1))];
        let Some(last) = last_newline(window) else { break };
        end += last + 1;
    }
    end
}

#[inline]
fn first_newline(bytes: &[u8]) -> Option<usize> {
    let found = memchr(b'\n', bytes);
    searched(found.map_or(bytes.len(), |at| at + 1));
    found
}

#[inline]
fn last_newline(bytes: &[u8]) -> Option<usize> {
    let found = memrchr(b'\n', bytes);
    searched(found.map_or(bytes.len(), |at| bytes.len() - at));
    found
}

/// The default maximum of a line, in bytes without its ending.
const DEFAULT_MAX: usize = 1 << 20;

/// The length of `\r\n`.
const LONGEST_ENDING: usize = 2;

/// Lines up to this length, in bytes, are copied out of what is held.
const COPIED: usize = 4096;

#[cfg(test)]
mod tests {
    //! What only the splitter can tell: how much it holds and how much it searches.

    use super::*;
    use crate::work::take_searched;

    /// Feeds `chunk` so many times; the figures are right as long as no piece is a block of several lines.
    fn feed(split: &mut Split, chunk: &Bytes, times: usize) -> usize {
        let mut pieces = 0;
        for _ in 0..times {
            split.write(chunk.clone());
            while split.next().expect("no long line").is_some() {
                pieces += 1;
            }
            assert!(split.held.capacity() <= split.max.saturating_add(LONGEST_ENDING));
            assert!(split.rest.is_empty());
        }
        pieces
    }

    /// F30, I57: an endless line is held no further than the maximum, and the next line is found.
    #[test]
    fn an_endless_line_is_bounded() {
        for policy in [LongLine::Truncate, LongLine::Skip] {
            let mut split = Split { max: 1000, on_long: policy, ..Split::default() };
            let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
            assert_eq!(feed(&mut split, &chunk, 1000), 0);
            assert_eq!(feed(&mut split, &Bytes::from_static(b"\nab\n"), 1), 2);
            assert_eq!(split.held.len(), 0);
        }
    }

    /// F35, I57: what is held is neither searched again nor copied for every chunk.
    #[test]
    fn a_long_line_in_single_bytes_costs_what_its_bytes_cost() {
        const LENGTH: usize = 1 << 20;
        let (mut split, byte) = (Split::default(), Bytes::from_static(b"x"));
        let mut growths = 0;
        take_searched();
        for _ in 0..LENGTH {
            let before = split.held.capacity();
            feed(&mut split, &byte, 1);
            growths += usize::from(split.held.capacity() != before);
        }
        assert_eq!(feed(&mut split, &Bytes::from_static(b"\r"), 1), 0);
        assert_eq!(feed(&mut split, &Bytes::from_static(b"\n"), 1), 1);
        assert!(take_searched() <= LENGTH + 16);
        assert!(growths <= 22, "{growths} copies");
    }

    /// F35: nor does the search for lines that are too long look at a byte over and over.
    #[test]
    fn many_long_lines_in_one_chunk_cost_what_their_bytes_cost() {
        let line = [&[b'x'; 99][..], b"\n"].concat();
        let chunk = Bytes::from(line.repeat(10_000));
        for max in [0, 1, 10, 98, 99, 100, 150, 1000] {
            let mut split = Split { max, on_long: LongLine::Skip, ..Split::default() };
            take_searched();
            feed(&mut split, &chunk, 1);
            let searched = take_searched();
            assert!(searched <= 4 * chunk.len(), "{searched} bytes for {max}");
        }
    }
}
