//! The compressed data of the members.

use flate2::Status;
use highwater_core::{Error, Result};

use super::engine::Engine;
use super::limits::Limits;
use crate::check::Check;
use crate::format::Format;
use crate::input::Input;
use crate::output::Output;

/// Decompresses the data of one member after the other into chunks, within limits.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) limits: Limits,
    pub(super) output: Output,
    pub(super) format: Format,
    engine: Engine,
    /// Whether there is something in the buffer of the output: the limits are looked at before that.
    is_begun: bool,
    /// Of the member.
    check: Check,
    /// Bytes made, of all members.
    pub(super) made: u64,
}

/// What a step has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inflated {
    /// There may be more to do with what is there.
    Some,
    /// All that was there is used up.
    All,
    /// The data of the member has ended.
    End,
}

impl Data {
    pub(super) fn set_format(&mut self, format: Format) {
        self.format = format;
        self.engine = Engine::new(format == Format::Zlib);
    }

    /// The most bytes it holds.
    pub(super) fn max_bytes(&self) -> usize {
        Engine::MAX_BYTES + self.output.max_bytes()
    }

    /// The data of another member begins.
    pub(super) fn begin(&mut self) {
        self.engine.reset();
        self.check = Check::default();
    }

    /// Makes of the data what fits into the output.
    pub(super) fn inflate(&mut self, input: &mut Input) -> Result<Inflated> {
        // Before the limits are looked at, all is taken that can be without making anything: so they are looked at in
        // the same place however the input is cut.
        if !self.is_begun && !input.is_empty() {
            let status = self.engine.inflate(input, &mut Vec::new())?;
            if status == Status::StreamEnd {
                return Ok(Inflated::End);
            }
        }
        let offset = input.offset();
        let buffer = self.output.room(self.limits.room(self.made));
        let before = buffer.len();
        let status = self.engine.inflate(input, buffer);
        let new = buffer.len() - before;
        if new > 0 {
            if !self.is_begun {
                if let Err(error) = self.limits.check(self.made, offset) {
                    buffer.truncate(before);
                    return Err(error);
                }
            }
            if self.format == Format::Gzip {
                self.check.update(&buffer[before..]);
            }
            self.made += new as u64;
            self.is_begun = !self.output.is_full();
        }
        match status? {
            Status::StreamEnd => Ok(Inflated::End),
            _ if new > 0 || input.offset() > offset => Ok(Inflated::Some),
            _ if input.is_empty() => Ok(Inflated::All),
            _ => Err(Error::corrupt("the compressed data does not go on").at_offset(offset)),
        }
    }

    /// Compares the trailer, which stands at this offset, with what came out.
    pub(super) fn verify(&self, trailer: [u8; Check::LENGTH], offset: u64) -> Result<()> {
        let due = self.check.trailer();
        if trailer[..4] != due[..4] {
            let what = "the data is damaged: its CRC-32 is not what the trailer says";
            return Err(Error::corrupt(what).at_offset(offset));
        }
        if trailer[4..] != due[4..] {
            let what = "the data is damaged: its length is not what the trailer says";
            return Err(Error::corrupt(what).at_offset(offset + 4));
        }
        Ok(())
    }
}
