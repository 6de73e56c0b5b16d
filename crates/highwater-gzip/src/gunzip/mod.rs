//! Decompresses.

mod data;
mod engine;
mod info;
mod limits;

use bytes::{Bytes, BytesMut};
use highwater_core::{Error, Result, Transform};

pub use info::GunzipInfo;

use crate::check::Check;
use crate::format::Format;
use crate::header::{MAGIC, Parser};
use crate::input::Input;
use crate::output::Output;
use data::{Data, Inflated};
use info::Figures;

/// Decompresses bytes: [`Gunzip::new`].
pub fn gunzip() -> Gunzip {
    Gunzip::new()
}

/// Decompresses gzip, zlib or deflate data ([`Format`]).
///
/// All members of a gzip stream are decompressed, one after the other, as `gzip(1)` does: `cat a.gz b.gz` is a valid
/// stream. Zeros behind the last one are padding. Anything else there is an error by default, see [`Trailing`].
///
/// It gives chunks of at most 64 KiB, and at the end of each chunk of input all that could be made of it. One output is
/// held at a time, however much the input expands: a bomb costs time, not memory. What collects or keeps the output
/// should have a limit, or this one ([`with_max_output`](Self::with_max_output)); [`network`](Self::network) is for
/// data from strangers.
///
/// It holds 176 KiB, and a header of 64 KiB at the most.
///
/// # Errors
///
/// The error comes behind all that could be decompressed, with the offset in the compressed data.
///
/// - [`is_corrupt`](Error::is_corrupt): it is not gzip, the data is broken, a checksum or the length is wrong, or
///   garbage follows.
/// - [`is_truncated`](Error::is_truncated): it ends inside a member, or there is nothing at all
///   ([`allow_empty`](Self::allow_empty)).
/// - [`is_limit`](Error::is_limit): a limit was reached.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_gzip::{Gunzip, Gzip};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let member = |text| Readable::once(Bytes::from(text)).pipe(Gzip::new(6)).to_bytes();
/// let two = [member("one, ").await?, member("two").await?];
/// assert_eq!(Readable::from_iter(two.clone()).pipe(Gunzip::new()).to_bytes().await?, "one, two");
///
/// // An end is never guessed.
/// let short = two[0].slice(..two[0].len() - 1);
/// let error = Readable::once(short).pipe(Gunzip::new()).to_bytes().await.unwrap_err();
/// assert!(error.is_truncated());
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Gunzip {
    /// Whether no other member may follow the first.
    single: bool,
    allow_empty: bool,
    trailing: Trailing,
    input: Input,
    state: State,
    data: Data,
    figures: Figures,
    info: GunzipInfo,
}

/// What becomes of what follows the last member and is neither a member nor zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Trailing {
    /// The stream fails with an [`is_corrupt`](Error::is_corrupt) error, at the first byte that shows it.
    #[default]
    Error,
    /// It is read and dropped, as `gzip(1)` does with a warning. [`GunzipInfo::ignored`] says how much it was.
    Ignore,
    /// The stream ends there, and takes no more of its input: the rest of the chunk is in [`GunzipInfo::rest`], and
    /// what follows is still in the source. It is for formats that go on behind the compressed data; zeros are not
    /// padding then.
    ///
    /// Whether a byte of the next member follows is known only once it is there. Together with
    /// [`single_member`](Gunzip::single_member) it ends without waiting for that.
    Return,
}

/// ```text
///           whole            end of the data        right                1f            8b
///  Header ---------> Data --------------------> Trailer ----> Between -------> Half -------> Header
///                                                               |  ^           |
///  (zlib and deflate begin with Data, and go on with Between)   |  +- 0: Padding, up to the end
///                                                               v              v
///                                             anything else: Failed, Ignoring or Over, by `Trailing`
/// ```
#[derive(Debug)]
enum State {
    Header(Box<Parser>),
    Data,
    /// So many of the eight bytes were seen.
    Trailer {
        bytes: [u8; Check::LENGTH],
        seen: usize,
    },
    /// A member has ended.
    Between,
    /// And the first byte of the next one was seen.
    Half,
    Padding,
    Ignoring,
    /// What was made before the error comes first.
    Failed(Error),
    Over,
}

impl Default for State {
    fn default() -> Self {
        Self::Header(Box::new(Parser::new()))
    }
}

impl Gunzip {
    /// All members of a gzip stream, of any size.
    pub fn new() -> Self {
        Self::default()
    }

    /// For data from strangers: at most 100 MiB come out, and, after the first MiB, at most 200 times what went in.
    ///
    /// Text seldom shrinks to less than a tenth; deflate can shrink zeros to a 1032th. Each [`Gunzip`] has limits of
    /// its own: of data that was compressed twice, both layers are limited if both are made with this.
    pub fn network() -> Self {
        Self::new().with_max_output(100 << 20).with_max_ratio(200)
    }

    /// What is around the data.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.data.set_format(format);
        self.state = match format {
            Format::Gzip => State::default(),
            Format::Zlib | Format::Deflate => State::Data,
        };
        self
    }

    /// Ends behind the first member; what follows is [`Trailing`], another member, too.
    #[must_use]
    pub fn single_member(mut self) -> Self {
        self.single = true;
        self
    }

    /// What becomes of what follows the last member.
    #[must_use]
    pub fn with_trailing(mut self, trailing: Trailing) -> Self {
        self.trailing = trailing;
        self
    }

    /// Makes an empty output of an empty input, which else is an error: an empty file is mostly one that was never
    /// written.
    #[must_use]
    pub fn allow_empty(mut self) -> Self {
        self.allow_empty = true;
        self
    }

    /// The most bytes that come out. If there are more, these are given, and the error follows.
    #[must_use]
    pub fn with_max_output(mut self, bytes: u64) -> Self {
        self.data.limits.output = bytes;
        self
    }

    /// Lets any number of bytes come out, as [`new`](Self::new) does.
    #[must_use]
    pub fn unlimited_output(self) -> Self {
        self.with_max_output(u64::MAX)
    }

    /// The most bytes that come out for each that goes in, all members taken together. It is looked at when the first
    /// MiB has come out, and then every 64 KiB.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    #[must_use]
    pub fn with_max_ratio(mut self, ratio: u32) -> Self {
        assert!(ratio > 0, "a ratio of 0 lets nothing come out");
        self.data.limits.ratio = Some(ratio);
        self
    }

    /// Lets the output be any number of times the input, as [`new`](Self::new) does.
    #[must_use]
    pub fn unlimited_ratio(mut self) -> Self {
        self.data.limits.ratio = None;
        self
    }

    /// The most bytes that the fields of a gzip header (name, comment and extra field together) may have; 64 KiB unless
    /// said otherwise. They are held in memory.
    #[must_use]
    pub fn with_max_header(mut self, bytes: usize) -> Self {
        self.data.limits.header = bytes;
        self
    }

    /// Fills so many chunks again that were given away and dropped.
    pub(crate) fn remembering(mut self, chunks: usize) -> Self {
        self.data.output = Output::remembering(chunks);
        self
    }

    /// What it finds out, readable while it runs and afterwards.
    pub fn info(&self) -> GunzipInfo {
        self.info.clone()
    }
}

/// The steps: each says whether there may be more to do with what is there.
impl Gunzip {
    fn step(&mut self) -> Result<bool> {
        match &mut self.state {
            State::Header(parser) => {
                let Some(header) = parser.read(&mut self.input, self.data.limits.header)? else {
                    return Ok(false);
                };
                self.figures.header = Some(header);
                self.data.begin();
                self.state = State::Data;
                Ok(true)
            }
            State::Data => match self.data.inflate(&mut self.input)? {
                Inflated::Some => Ok(true),
                Inflated::All => Ok(false),
                Inflated::End => {
                    self.end_data();
                    Ok(true)
                }
            },
            State::Trailer { bytes, seen } => {
                *seen += self.input.fill(&mut bytes[*seen..]);
                if *seen < Check::LENGTH {
                    return Ok(false);
                }
                self.data.verify(*bytes, self.input.offset() - Check::LENGTH as u64)?;
                self.end_member();
                Ok(true)
            }
            State::Between => self.between(),
            State::Half => match self.input.first() {
                None => Ok(false),
                Some(byte) if byte == MAGIC[1] => {
                    self.input.advance(1);
                    self.state = State::Header(Box::new(Parser::behind_magic()));
                    Ok(true)
                }
                Some(_) => self.stray(&MAGIC[..1]),
            },
            State::Padding => {
                let zeros = self.input.bytes().iter().take_while(|byte| **byte == 0).count();
                self.input.advance(zeros);
                if self.input.is_empty() { Ok(false) } else { self.stray(&[]) }
            }
            State::Ignoring => {
                self.figures.ignored += self.input.take().len() as u64;
                Ok(false)
            }
            State::Failed(_) | State::Over => Ok(false),
        }
    }

    fn end_data(&mut self) {
        if self.data.format == Format::Gzip {
            self.state = State::Trailer { bytes: [0; Check::LENGTH], seen: 0 };
        } else {
            self.end_member();
        }
    }

    fn end_member(&mut self) {
        self.figures.members += 1;
        self.state = State::Between;
        if !self.has_many() && self.trailing == Trailing::Return {
            self.give_back(&[]);
        }
    }

    /// Whether another member may follow.
    fn has_many(&self) -> bool {
        !self.single && self.data.format == Format::Gzip
    }

    /// Looks at the first byte behind a member.
    fn between(&mut self) -> Result<bool> {
        match self.input.first() {
            None => Ok(false),
            Some(byte) if byte == MAGIC[0] && self.has_many() => {
                self.input.advance(1);
                self.state = State::Half;
                Ok(true)
            }
            Some(0) if self.trailing != Trailing::Return => {
                self.state = State::Padding;
                Ok(true)
            }
            Some(_) => self.stray(&[]),
        }
    }

    /// What follows is no member; `before` are bytes of it that were taken for the start of one.
    fn stray(&mut self, before: &[u8]) -> Result<bool> {
        match self.trailing {
            Trailing::Error => {
                let offset = self.input.offset() - before.len() as u64;
                let what = "something follows that is neither a gzip member nor padding";
                return Err(Error::corrupt(what).at_offset(offset));
            }
            Trailing::Ignore => {
                self.figures.ignored += before.len() as u64;
                self.state = State::Ignoring;
            }
            Trailing::Return => self.give_back(before),
        }
        Ok(true)
    }

    /// Ends, and leaves what follows to whoever wants it.
    fn give_back(&mut self, before: &[u8]) {
        let rest = self.input.take();
        self.figures.rest = if before.is_empty() {
            rest
        } else {
            let mut whole = BytesMut::from(before);
            whole.extend_from_slice(&rest);
            whole.freeze()
        };
        self.state = State::Over;
    }

    fn publish(&mut self) {
        self.figures.bytes_out = self.data.made;
        self.figures.bytes_in = self.input.offset() - self.figures.rest.len() as u64;
        self.info.publish(&mut self.figures);
    }
}

impl Transform for Gunzip {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.input.refill(chunk);
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        while !self.data.output.is_full() {
            match self.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => self.state = State::Failed(error),
            }
        }
        let output = self.data.output.take();
        self.publish();
        if output.is_none() {
            // An empty slice would keep its chunk in memory.
            self.input.take();
            if let State::Failed(error) = &self.state {
                let error = error.clone();
                self.state = State::Over;
                return Err(error);
            }
        }
        Ok(output)
    }

    fn end(&mut self) -> Result<()> {
        let inside = match self.state {
            State::Half if self.trailing == Trailing::Return => {
                self.give_back(&MAGIC[..1]);
                self.publish();
                return Ok(());
            }
            State::Between | State::Padding | State::Ignoring | State::Over => return Ok(()),
            _ if self.input.offset() == 0 && self.allow_empty => return Ok(()),
            _ if self.input.offset() == 0 => {
                "the input is empty: there is not even an empty member"
            }
            State::Header(_) | State::Half => "the input ended inside a gzip header",
            State::Trailer { .. } => "the input ended inside a gzip trailer",
            State::Data | State::Failed(_) => "the input ended inside the compressed data",
        };
        Err(Error::truncated(inside).at_offset(self.input.offset()))
    }

    fn is_done(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn max_bytes(&self) -> Option<usize> {
        // What grows byte by byte may have twice the room it needs.
        let header = self.data.limits.header.checked_mul(2)?;
        header.checked_add(self.data.max_bytes())
    }

    fn name(&self) -> &'static str {
        "gunzip"
    }
}
