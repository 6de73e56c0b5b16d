//! A machine on bytes, right or with one bug.

use bytes::{Buf, Bytes};
use highwater_core::{Error, Result, Transform};

use super::rejects;
use crate::{Case, conformance_bytes};

/// What is wrong with [`Words`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    LosesTheLastWord,
    GivesBehindTheEnd,
    RepeatsTheLastWord,
    ReleasesHalfAWord,
    EndsAWordWithTheChunk,
    LosesTheMiddle,
    TakesEmptyForTheEnd,
    PanicsOnEmpty,
    PanicsWithoutInput,
    PanicsWhenDropped,
    KeepsTheChunk,
    CountsFromTheChunk,
    LosesWordsBeforeAnError,
    FailsBehindNone,
    GuessesTheEnd,
}

/// Gives the words between spaces. One of more than [`MOST`] bytes is an error, and so is a `-` at the end.
struct Words {
    bug: Option<Bug>,
    /// The beginning of a word.
    held: Vec<u8>,
    rest: Bytes,
    offset: u64,
    state: State,
    last: Option<Bytes>,
    said_none: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The last word is to be given.
    Ending,
    /// All was given, and has to be told.
    Over,
    /// Says nothing more, but for what a bug says.
    Deaf,
}

impl Words {
    fn new(bug: Option<Bug>) -> Self {
        let (held, rest, state) = (Vec::new(), Bytes::new(), State::Open);
        Self { bug, held, rest, offset: 0, state, last: None, said_none: false }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn too_long(&self) -> Result<()> {
        if self.held.len() <= MOST {
            return Ok(());
        }
        // Where the word begins.
        let offset = self.offset - self.held.len() as u64;
        Err(Error::limit("a long word").at_offset(offset))
    }

    /// The word that ends here, unless it is none.
    fn word(&mut self) -> Option<Bytes> {
        let word = Bytes::from(std::mem::take(&mut self.held));
        self.last = Some(word.clone()).filter(|word| !word.is_empty());
        self.last.clone()
    }

    /// Moves bytes of the chunk to the word, up to and with the space behind it.
    fn take_word(&mut self) -> Result<Option<Bytes>> {
        while self.rest.has_remaining() {
            let byte = self.rest.get_u8();
            if byte == b' ' {
                self.offset += 1;
                if let Some(word) = self.word() {
                    return Ok(Some(word));
                }
                continue;
            }
            self.offset += 1;
            self.held.push(byte);
            self.too_long()?;
        }
        if !self.has(Bug::KeepsTheChunk) {
            // An empty slice would keep its chunk in memory.
            self.rest = Bytes::new();
        }
        Ok(None)
    }
}

impl Transform for Words {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        if chunk.is_empty() {
            assert!(!self.has(Bug::PanicsOnEmpty), "no byte to look at");
            if self.has(Bug::TakesEmptyForTheEnd) {
                self.state = State::Deaf;
            }
        }
        if self.state == State::Deaf {
            return Ok(None);
        }
        if self.has(Bug::CountsFromTheChunk) {
            self.offset = self.held.len() as u64;
        }
        if self.has(Bug::LosesTheMiddle) && !chunk.contains(&b' ') {
            self.held.clear();
        }
        if self.has(Bug::LosesWordsBeforeAnError)
            && chunk.split(|byte| *byte == b' ').any(|word| word.len() > MOST)
        {
            return Err(Error::limit("a long word").at_offset(11));
        }
        self.rest = chunk;
        self.said_none = false;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        match self.state {
            State::Over => {
                self.state = State::Deaf;
                return Ok(None);
            }
            State::Deaf if self.has(Bug::GivesBehindTheEnd) => return Ok(self.last.take()),
            _ => {}
        }
        if let Some(word) = self.take_word()? {
            return Ok(Some(word));
        }
        match self.bug {
            Some(Bug::EndsAWordWithTheChunk) => return Ok(self.word()),
            Some(Bug::RepeatsTheLastWord) if self.said_none => return Ok(self.last.take()),
            Some(Bug::FailsBehindNone) if self.said_none && self.held.starts_with(b"-") => {
                return Err(Error::corrupt("a word that begins with -"));
            }
            _ => {}
        }
        if self.state != State::Ending {
            self.said_none = true;
            return Ok(None);
        }
        self.state = State::Over;
        Ok(self.word())
    }

    fn end(&mut self) -> Result<()> {
        if self.has(Bug::PanicsWithoutInput) {
            assert!(self.offset > 0, "no input");
        }
        if self.held.ends_with(b"-") && !self.has(Bug::GuessesTheEnd) {
            return Err(Error::truncated("a word goes on").at_offset(self.offset));
        }
        if !self.has(Bug::LosesTheLastWord) && self.state == State::Open {
            self.state = State::Ending;
        }
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        if self.has(Bug::ReleasesHalfAWord) {
            self.state = State::Ending;
        }
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(MOST)
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        if self.has(Bug::PanicsWhenDropped) && !std::thread::panicking() {
            assert!(self.held.is_empty(), "dropped with half a word");
        }
    }
}

fn suite(bug: Option<Bug>) {
    conformance_bytes(
        || Words::new(bug),
        [
            Case::bytes("").with_name("nothing"),
            Case::bytes("one two  three ").gives(["one", "two", "three"]),
            Case::bytes(" one -two").gives(["one", "-two"]).with_name("without a space at the end"),
            Case::bytes("one two three-").gives(["one", "two"]).fails(Error::is_truncated),
            Case::bytes("one two 3  thirteen")
                .gives(["one", "two", "3"])
                .fails(|error| error.is_limit() && error.offset() == Some(11)),
        ],
    );
}

#[test]
fn the_right_one_passes() {
    suite(None);
}

#[test]
fn the_broken_ones_do_not() {
    for (bug, says) in [
        (Bug::LosesTheLastWord, "its outputs differ from output 1 on"),
        (Bug::GivesBehindTheEnd, "an output came after `read` had said `None`"),
        (Bug::RepeatsTheLastWord, "an output came after `read` had said `None`"),
        (Bug::ReleasesHalfAWord, "it releases"),
        (Bug::EndsAWordWithTheChunk, "cut at"),
        (Bug::LosesTheMiddle, "cut at"),
        (Bug::TakesEmptyForTheEnd, "cut at [0"),
        (Bug::PanicsOnEmpty, "panicked: no byte to look at"),
        (Bug::PanicsWithoutInput, "panicked: no input"),
        (Bug::PanicsWhenDropped, "panicked: dropped with half a word"),
        (Bug::KeepsTheChunk, "it keeps chunks of"),
        (Bug::CountsFromTheChunk, "if the input is not cut"),
        (Bug::LosesWordsBeforeAnError, "its outputs differ from output 0 on"),
        (Bug::FailsBehindNone, "an error came after `read` had said `None`"),
        (Bug::GuessesTheEnd, "it does not fail where it must"),
    ] {
        rejects(bug, says, || suite(Some(bug)));
    }
}

/// Bytes of the longest word.
const MOST: usize = 6;
