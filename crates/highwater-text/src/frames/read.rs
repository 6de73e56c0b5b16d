//! From bytes to frames.

use bytes::{Buf, Bytes};
use highwater_core::{Error, Result, Transform};

use super::prefix::LONGEST;
use super::{DEFAULT_MAX, Prefix, too_long};

/// Takes frames apart: [`Frames::new`].
pub fn frames(prefix: Prefix) -> Frames {
    Frames::new(prefix)
}

/// Takes frames apart: a length, then as many bytes, which are given as one chunk.
///
/// A frame without bytes is a frame, and gives an empty chunk. A frame that came in one chunk is a slice of it; only
/// one that crosses chunks is copied.
///
/// A length is checked before anything is held, and room is made for bytes that came, not for those that a length
/// promises. It holds one frame at the most, and never more than twice what came of it.
///
/// # Errors
///
/// A frame is longer than [`with_max_length`](Self::with_max_length) ([`is_limit`](Error::is_limit)), or its length is
/// no number of 64 bits ([`is_corrupt`](Error::is_corrupt)), both with the offset where the frame begins; or the input
/// ends inside a frame or its length ([`is_truncated`](Error::is_truncated), with the offset of the end). The frames
/// before it are given first.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_text::{Frames, Prefix, TextExt};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let input = || Readable::from_iter([&b"\0\x02hi\0"[..], b"\0\0\x03y", b"ou"].map(Bytes::from));
/// assert_eq!(input().frames(Prefix::U16Be).to_vec().await?, ["hi", "", "you"]);
///
/// let mut short = input().pipe(Frames::new(Prefix::U16Be).with_max_length(2));
/// assert_eq!(short.next().await.expect("a frame")?, "hi");
/// assert_eq!(short.next().await.expect("a frame")?, "");
/// let error = short.next().await.expect("an error").unwrap_err();
/// assert!(error.is_limit());
/// assert_eq!(error.offset(), Some(6));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Frames {
    prefix: Prefix,
    most: usize,
    state: State,
    /// What is left of the chunk in work.
    rest: Bytes,
    /// Where `rest` stands in the stream.
    offset: u64,
}

/// ```text
///          its last byte                the payload is there
///  Length ---------------> Payload ------------------------------> Length
/// ```
#[derive(Debug)]
enum State {
    /// In the length, of which so many bytes are there.
    Length { bytes: [u8; LONGEST], seen: usize },
    /// In a payload, of which some bytes are held.
    Payload { length: usize, held: Vec<u8> },
}

impl Frames {
    /// With frames of at most 1 MiB (2²⁰ bytes); a longer one is an error.
    pub fn new(prefix: Prefix) -> Self {
        Self { prefix, most: DEFAULT_MAX, state: State::START, rest: Bytes::new(), offset: 0 }
    }

    /// The most bytes a frame may have, its prefix not counted.
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// Lets frames be of any length: whoever writes them then says how much memory they take.
    #[must_use]
    pub fn unlimited_length(self) -> Self {
        self.with_max_length(usize::MAX)
    }

    /// Reads on in the length.
    fn length(&mut self) -> Result<()> {
        let State::Length { bytes, seen } = &mut self.state else { return Ok(()) };
        if *seen == 0 {
            let start = self.offset;
            // As a rule, all of it is in one chunk.
            let whole = self.prefix.read(&self.rest).map_err(|error| error.at_offset(start))?;
            if let Some((length, size)) = whole {
                self.rest.advance(size);
                self.offset += size as u64;
                return self.begin(length, start);
            }
        }
        while self.rest.has_remaining() {
            bytes[*seen] = self.rest.get_u8();
            *seen += 1;
            self.offset += 1;
            let start = self.offset - *seen as u64;
            let whole =
                self.prefix.read(&bytes[..*seen]).map_err(|error| error.at_offset(start))?;
            if let Some((length, _)) = whole {
                return self.begin(length, start);
            }
        }
        Ok(())
    }

    /// The length is known, which began at this offset.
    fn begin(&mut self, length: u64, start: u64) -> Result<()> {
        let fits = usize::try_from(length).ok().filter(|length| *length <= self.most);
        let length = fits.ok_or_else(|| too_long(length, self.most).at_offset(start))?;
        self.state = State::Payload { length, held: Vec::new() };
        Ok(())
    }

    /// Reads on in the payload.
    fn payload(&mut self) -> Option<Bytes> {
        let State::Payload { length, held } = &mut self.state else { return None };
        let part = self.rest.split_to(self.rest.len().min(*length - held.len()));
        self.offset += part.len() as u64;
        if held.len() + part.len() < *length {
            hold(held, &part, *length);
            return None;
        }
        let payload = if held.is_empty() {
            part
        } else {
            hold(held, &part, *length);
            Bytes::from(std::mem::take(held))
        };
        self.state = State::START;
        Some(payload)
    }
}

impl State {
    /// Between two frames.
    const START: Self = Self::Length { bytes: [0; LONGEST], seen: 0 };
}

/// Copies a part of a payload. What is held grows by doubling, but not past the payload.
fn hold(held: &mut Vec<u8>, part: &[u8], length: usize) {
    let needed = held.len() + part.len();
    if needed > held.capacity() {
        let room = held.capacity().saturating_mul(2).min(length).max(needed);
        held.reserve_exact(room - held.len());
    }
    held.extend_from_slice(part);
}

impl Transform for Frames {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.rest = chunk;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        self.length()?;
        let payload = self.payload();
        if self.rest.is_empty() {
            // An empty slice of a chunk would still keep the chunk in memory.
            self.rest = Bytes::new();
        }
        Ok(payload)
    }

    fn end(&mut self) -> Result<()> {
        match self.state {
            State::Length { seen: 0, .. } => Ok(()),
            _ => Err(Error::truncated("the input ended inside a frame").at_offset(self.offset)),
        }
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(self.most).filter(|most| *most < usize::MAX)
    }

    fn name(&self) -> &'static str {
        "frames"
    }
}

#[cfg(test)]
mod tests {
    //! What only the machine itself can tell: how much it holds.

    use super::*;

    /// F64, C53: room is made for what came, not for what was promised.
    #[test]
    fn a_promise_takes_no_memory() {
        let mut machine = Frames::new(Prefix::U32Be).unlimited_length();
        assert!(machine.write(Bytes::from_static(&[0xFF; 4])).expect("a length").is_none());
        for received in 1..=100_000 {
            assert!(machine.write(Bytes::from_static(b"x")).expect("a part").is_none());
            let State::Payload { held, .. } = &machine.state else { panic!("not in the payload") };
            assert!(held.capacity() <= 2 * received, "{} of {received}", held.capacity());
        }
    }

    /// The last growth does not go past the payload.
    #[test]
    fn a_frame_takes_no_more_than_its_length() {
        let mut machine = Frames::new(Prefix::U16Be);
        let mut frame = machine.write(Bytes::from_static(&[0x0B, 0xB8])).expect("a length");
        for _ in 0..3000 {
            assert!(frame.is_none());
            if let State::Payload { held, .. } = &machine.state {
                assert!(held.capacity() <= 3000);
            }
            frame = machine.write(Bytes::from_static(b"x")).expect("a part");
        }
        assert_eq!(frame.expect("the frame").len(), 3000);
    }
}
