//! Reads a header as it comes, byte by byte if need be.

use bytes::Bytes;
use crc32fast::Hasher;
use highwater_core::{Error, Result};
use memchr::memchr;

use super::{COMMENT, CRC, DEFLATE, EXTRA, FIXED, Header, MAGIC, NAME, TEXT, time};
use crate::input::Input;

/// A header of which some bytes were seen.
///
/// What can be judged is judged at once: bytes that are no header fail at the first that is wrong, and nobody waits for
/// ten.
#[derive(Debug)]
pub(crate) struct Parser {
    part: Part,
    flags: u8,
    seconds: u32,
    /// The field in work.
    held: Vec<u8>,
    /// Bytes of the fields so far, their terminators not counted.
    fields: usize,
    /// Of all bytes so far.
    crc: Hasher,
    header: Header,
}

/// What comes next. Each part but the first is there only if its flag is.
///
/// ```text
///  Fixed --> ExtraLength --> Extra --> Name --> Comment --> Crc --> Done
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The byte of this index of the ten.
    Fixed(usize),
    ExtraLength,
    /// So many bytes are missing.
    Extra(usize),
    Name,
    Comment,
    Crc,
    Done,
}

impl Parser {
    /// At the very start.
    pub(crate) fn new() -> Self {
        Self {
            part: Part::Fixed(0),
            flags: 0,
            seconds: 0,
            held: Vec::new(),
            fields: 0,
            crc: Hasher::new(),
            header: Header::default(),
        }
    }

    /// Behind the two bytes that a member begins with.
    pub(crate) fn behind_magic() -> Self {
        let mut parser = Self::new();
        parser.part = Part::Fixed(MAGIC.len());
        parser.crc.update(&MAGIC);
        parser
    }

    /// Takes what belongs to the header, and gives it once it is whole. Its fields may have `most` bytes.
    pub(crate) fn read(&mut self, input: &mut Input, most: usize) -> Result<Option<Header>> {
        while let (Some(byte), true) = (input.first(), self.part != Part::Done) {
            let (bytes, offset) = (input.bytes(), input.offset());
            let taken = match self.part {
                Part::Fixed(index) => self.fixed(index, byte, offset)?,
                Part::ExtraLength => self.extra_length(byte, offset, most)?,
                Part::Extra(missing) => self.extra(missing, bytes),
                Part::Name | Part::Comment => self.text(bytes, offset, most)?,
                Part::Crc => self.check(byte, offset)?,
                Part::Done => 0,
            };
            input.advance(taken);
        }
        Ok((self.part == Part::Done).then(|| std::mem::take(&mut self.header)))
    }

    fn fixed(&mut self, index: usize, byte: u8, offset: u64) -> Result<usize> {
        match index {
            0 | 1 if byte != MAGIC[index] => {
                let what = format!("not gzip: {byte:#04x} where {:#04x} is due", MAGIC[index]);
                return Err(Error::corrupt(what).at_offset(offset));
            }
            2 if byte != DEFLATE => {
                let what = format!("compression method {byte} is not known: 8 is the only one");
                return Err(Error::corrupt(what).at_offset(offset));
            }
            3 if byte & !(TEXT | CRC | EXTRA | NAME | COMMENT) != 0 => {
                let what = format!("flags {byte:#04x} are set, some of which are reserved");
                return Err(Error::corrupt(what).at_offset(offset));
            }
            3 => self.flags = byte,
            4..=7 => self.seconds |= u32::from(byte) << (8 * (index - 4)),
            9 => {
                self.header.modified = time(self.seconds);
                self.header.system = byte;
            }
            _ => {}
        }
        self.crc.update(&[byte]);
        self.part = Part::Fixed(index + 1);
        if index + 1 == FIXED {
            self.part = self.behind(0);
        }
        Ok(1)
    }

    fn extra_length(&mut self, byte: u8, offset: u64, most: usize) -> Result<usize> {
        self.crc.update(&[byte]);
        self.held.push(byte);
        if let [low, high] = self.held[..] {
            self.held.clear();
            let length = usize::from(u16::from_le_bytes([low, high]));
            if length > most {
                return Err(too_long(most).at_offset(offset - 1));
            }
            self.part = Part::Extra(length);
            self.extra(length, &[]);
        }
        Ok(1)
    }

    fn extra(&mut self, missing: usize, input: &[u8]) -> usize {
        let taken = missing.min(input.len());
        self.hold(&input[..taken]);
        self.part = Part::Extra(missing - taken);
        if taken == missing {
            self.header.extra = Some(self.field());
            self.part = self.behind(EXTRA);
        }
        taken
    }

    /// A name or a comment, which a NUL ends.
    fn text(&mut self, input: &[u8], offset: u64, most: usize) -> Result<usize> {
        let end = memchr(0, input);
        let length = end.unwrap_or(input.len());
        if length > most - self.fields {
            return Err(too_long(most).at_offset(offset + (most - self.fields) as u64));
        }
        self.hold(&input[..length]);
        let Some(end) = end else { return Ok(length) };
        self.crc.update(&[0]);
        let field = Some(self.field());
        if self.part == Part::Name {
            self.header.name = field;
            self.part = self.behind(NAME);
        } else {
            self.header.comment = field;
            self.part = self.behind(COMMENT);
        }
        Ok(end + 1)
    }

    /// The lower half of the CRC of what came before.
    fn check(&mut self, byte: u8, offset: u64) -> Result<usize> {
        self.held.push(byte);
        if let [low, high] = self.held[..] {
            let (stored, due) = (u16::from_le_bytes([low, high]), self.crc.clone().finalize());
            if u32::from(stored) != due & 0xffff {
                let what = "the header is damaged: its CRC is wrong";
                return Err(Error::corrupt(what).at_offset(offset - 1));
            }
            self.part = Part::Done;
        }
        Ok(1)
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.held.extend_from_slice(bytes);
        self.fields += bytes.len();
    }

    fn field(&mut self) -> Bytes {
        let field = Bytes::copy_from_slice(&self.held);
        self.held.clear();
        field
    }

    /// The part that comes behind the one with this flag; 0 stands for the ten bytes.
    fn behind(&self, flag: u8) -> Part {
        let parts = [
            (EXTRA, Part::ExtraLength),
            (NAME, Part::Name),
            (COMMENT, Part::Comment),
            // Its flag is the smallest, but it comes last.
            (CRC, Part::Crc),
        ];
        let seen = parts.iter().position(|(own, _)| *own == flag).map_or(0, |index| index + 1);
        let next = parts[seen..].iter().find(|(own, _)| self.flags & own != 0);
        next.map_or(Part::Done, |(_, part)| *part)
    }
}

#[cold]
fn too_long(most: usize) -> Error {
    let what = format!("the fields of the gzip header have more than {most} bytes");
    Error::limit(what)
}
