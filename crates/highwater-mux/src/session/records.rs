//! How the end of a stream is told from its being cut off.
//!
//! The protocol of yamux lets a reader see a reset, or a connection that is gone, as an end. So the bytes of a stream come in
//! records: two bytes with the length, the higher first, then as many bytes. One of length 0 is the end.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use highwater_core::{Error, Result, Transform};

/// Takes the records of a [stream](super::FramedStream) apart. Only the mark is an end.
#[derive(Debug, Default)]
pub struct RecordDecoder {
    state: State,
    /// What is left of the chunk in work.
    rest: Bytes,
    /// Bytes of the input so far.
    offset: u64,
}

/// ```text
///                          a length                its last byte
///   Length --> HalfLength ------------> Within ---------------------> Length
///                   └------------------> Over
///                        the mark
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Before the first byte of a length.
    #[default]
    Length,
    /// Before the second.
    HalfLength(u8),
    /// So many bytes of a record are to come.
    Within(u16),
    /// The end was there. What comes behind it does not count.
    Over,
}

impl Transform for RecordDecoder {
    type Input = Bytes;
    type Output = Bytes;

    #[inline]
    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.rest = chunk;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        while self.state != State::Over && self.rest.has_remaining() {
            if let State::Within(left) = self.state {
                let part = self.rest.split_to(self.rest.len().min(usize::from(left)));
                self.offset += part.len() as u64;
                // It is not longer than `left`, so that it fits.
                let left = left - u16::try_from(part.len()).unwrap_or(left);
                self.state = if left == 0 { State::Length } else { State::Within(left) };
                return Ok(Some(part));
            }
            self.offset += 1;
            self.state = self.state.length(self.rest.get_u8());
        }
        Ok(None)
    }

    fn end(&mut self) -> Result<()> {
        if self.state == State::Over {
            return Ok(());
        }
        Err(Error::truncated("a stream ended without its mark").at_offset(self.offset))
    }

    fn is_done(&self) -> bool {
        self.state == State::Over
    }

    fn name(&self) -> &'static str {
        "session"
    }
}

impl State {
    /// A byte of a length more.
    fn length(self, byte: u8) -> Self {
        match self {
            Self::HalfLength(high) => match u16::from_be_bytes([high, byte]) {
                0 => Self::Over,
                length => Self::Within(length),
            },
            _ => Self::HalfLength(byte),
        }
    }
}

/// Gathers chunks into records.
#[derive(Debug, Default)]
pub(super) struct RecordEncoder {
    /// Chunks that were accepted, and are in no record.
    waiting: VecDeque<Bytes>,
    /// The record in work: room for its length, then its bytes.
    record: Vec<u8>,
    /// Bytes of the record that were sent, from when it is complete.
    sent: Option<usize>,
}

impl RecordEncoder {
    pub(super) fn push(&mut self, chunk: Bytes) {
        if chunk.has_remaining() {
            self.waiting.push_back(chunk);
        }
    }

    /// Takes a chunk that fits into the record in work; returns any other.
    pub(super) fn accept(&mut self, chunk: Bytes) -> Option<Bytes> {
        let idle = self.sent.is_none() && self.waiting.is_empty();
        if !idle || self.record.len().max(LENGTH) + chunk.len() >= RECORD {
            return Some(chunk);
        }
        self.push(chunk);
        self.fill();
        None
    }

    /// What is to be sent now: a record that is full or, if all is asked for, the last one.
    pub(super) fn next_part(&mut self, all: bool) -> Option<&[u8]> {
        if self.sent.is_none() {
            self.fill();
            let full = self.record.len() >= RECORD;
            if full || all && self.record.len() > LENGTH {
                self.seal();
            }
        }
        self.sent.map(|sent| &self.record[sent..])
    }

    /// So many bytes of it were sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        let Some(sent) = &mut self.sent else { return };
        *sent += bytes;
        if *sent >= self.record.len() {
            self.record.clear();
            self.sent = None;
        }
    }

    /// The end, behind everything that was sent.
    pub(super) fn end(&mut self) {
        self.record = vec![0; LENGTH];
        self.sent = Some(0);
    }

    fn fill(&mut self) {
        while let Some(chunk) = self.waiting.front_mut().filter(|_| self.record.len() < RECORD) {
            if self.record.is_empty() {
                self.record.extend([0; LENGTH]);
            }
            let part = chunk.split_to(chunk.len().min(RECORD - self.record.len()));
            self.record.extend_from_slice(&part);
            if chunk.is_empty() {
                self.waiting.pop_front();
            }
        }
    }

    fn seal(&mut self) {
        let length = u16::try_from(self.record.len() - LENGTH).expect("a record is 16 KiB at most");
        self.record[..LENGTH].copy_from_slice(&length.to_be_bytes());
        self.sent = Some(0);
    }
}

/// Bytes of a record, with its length: as many as go out in one frame.
pub(super) const RECORD: usize = 16 * 1024;

/// Bytes of a length.
const LENGTH: usize = 2;
