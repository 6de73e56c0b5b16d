//! Groups of symbols out of chunks: what hex and base64 are decoded from.

use bytes::Bytes;

use crate::PIECE;

/// Gathers symbols into whole groups, and knows where each of them stood.
///
/// Symbols are copied piece by piece into a buffer that is used again, so that what is decoded is in one place whether it
/// came in one chunk or in many, with white space in it or without.
#[derive(Debug)]
pub(crate) struct Symbols {
    /// Symbols in a group.
    group: usize,
    white_space: WhiteSpace,
    /// What is left of the chunk in work.
    rest: Bytes,
    /// Where `rest` stands in the stream.
    offset: u64,
    /// What is to be decoded: first the symbols of an earlier piece, fewer than a group, then those of `piece`.
    symbols: Vec<u8>,
    /// Where the symbols of an earlier piece stood.
    carried: Vec<u64>,
    /// Where the other symbols are from: this ends where `rest` starts.
    piece: Bytes,
}

/// What white space is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhiteSpace {
    Wrong,
    Skipped,
}

impl Symbols {
    pub(crate) fn new(group: usize) -> Self {
        Self {
            group,
            white_space: WhiteSpace::Wrong,
            rest: Bytes::new(),
            offset: 0,
            symbols: Vec::new(),
            carried: Vec::new(),
            piece: Bytes::new(),
        }
    }

    pub(crate) fn skip_white_space(mut self) -> Self {
        self.white_space = WhiteSpace::Skipped;
        self
    }

    /// Takes the next chunk. Called only after `gather` said no.
    pub(crate) fn write(&mut self, chunk: Bytes) {
        self.rest = chunk;
    }

    /// Takes the next piece of the chunk, and more of them until there is a whole group. False asks for a chunk.
    pub(crate) fn gather(&mut self) -> bool {
        self.gather_at_least(self.group)
    }

    /// The same, until there are so many symbols, at most a group.
    pub(crate) fn gather_at_least(&mut self, count: usize) -> bool {
        while !self.rest.is_empty() && self.symbols.len() < count {
            self.settle(0);
            self.piece = self.rest.split_to(self.rest.len().min(PIECE - self.symbols.len()));
            self.offset += self.piece.len() as u64;
            match self.white_space {
                WhiteSpace::Wrong => self.symbols.extend_from_slice(&self.piece),
                WhiteSpace::Skipped => {
                    for run in self.piece.split(u8::is_ascii_whitespace) {
                        self.symbols.extend_from_slice(run);
                    }
                }
            }
        }
        if self.symbols.len() >= count {
            return true;
        }
        self.settle(0);
        // An empty slice of a chunk would still keep the chunk in memory.
        self.rest = Bytes::new();
        false
    }

    /// All symbols there are.
    pub(crate) fn all(&self) -> &[u8] {
        &self.symbols
    }

    /// Those of whole groups.
    pub(crate) fn whole(&self) -> &[u8] {
        &self.symbols[..self.symbols.len() - self.symbols.len() % self.group]
    }

    /// Where the symbol with this index stood.
    pub(crate) fn offset_of(&self, index: usize) -> u64 {
        match index.checked_sub(self.carried.len()) {
            None => self.carried[index],
            Some(index) => {
                let start = self.offset - self.piece.len() as u64;
                let place = self.places().nth(index).unwrap_or(self.piece.len());
                start + place as u64
            }
        }
    }

    /// Where the input stands.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Drops the first symbols, which are whole groups, and remembers where the others stood.
    pub(crate) fn settle(&mut self, decoded: usize) {
        let of_piece = self.symbols.len() - self.carried.len().max(decoded);
        let start = self.offset - self.piece.len() as u64;
        let mut places: Vec<u64> =
            self.places().rev().take(of_piece).map(|place| start + place as u64).collect();
        places.reverse();
        if decoded > 0 {
            self.carried.clear();
        }
        self.carried.append(&mut places);
        self.symbols.drain(..decoded);
        // The piece must not keep its chunk in memory.
        self.piece = Bytes::new();
    }

    /// Where in the piece its symbols are.
    fn places(&self) -> impl DoubleEndedIterator<Item = usize> {
        let skipped = self.white_space == WhiteSpace::Skipped;
        let symbols = self.piece.iter().enumerate();
        symbols.filter(move |(_, byte)| !(skipped && byte.is_ascii_whitespace())).map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offsets of symbols that were carried over several pieces are theirs, and no chunk is kept.
    #[test]
    fn every_symbol_knows_where_it_stood() {
        let mut symbols = Symbols::new(4).skip_white_space();
        symbols.write(Bytes::from_static(b" a\n"));
        assert!(!symbols.gather());
        symbols.write(Bytes::from_static(b"  "));
        assert!(!symbols.gather());
        symbols.write(Bytes::from_static(b"b c de\tf"));
        assert!(symbols.gather());
        assert_eq!((symbols.all(), symbols.whole()), (&b"abcdef"[..], &b"abcd"[..]));
        let offsets: Vec<u64> = (0..6).map(|index| symbols.offset_of(index)).collect();
        assert_eq!(offsets, [1, 5, 7, 9, 10, 12]);
        symbols.settle(4);
        assert_eq!((symbols.all(), symbols.piece.len()), (&b"ef"[..], 0));
        assert_eq!((symbols.offset_of(0), symbols.offset_of(1), symbols.offset()), (10, 12, 13));
        assert!(!symbols.gather());
        assert!(symbols.rest.is_empty());
    }
}
