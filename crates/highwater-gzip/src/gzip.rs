//! Compresses.

use std::num::NonZeroU64;

use bytes::{Buf, Bytes};
use flate2::{Compress, Compression, FlushCompress, Status};
use highwater_core::{Result, Transform};

use crate::check::Check;
use crate::format::{Format, checked};
use crate::header::Header;
use crate::output::Output;

/// Compresses bytes: [`Gzip::new`].
///
/// # Panics
///
/// If the level is above 9.
#[track_caller]
pub fn gzip(level: u32) -> Gzip {
    Gzip::new(level)
}

/// Compresses bytes into one gzip member, or into zlib or deflate data ([`Format`]).
///
/// It gives chunks of 64 KiB as they fill up, so an output may come long after its input;
/// [`with_flush`](Self::with_flush) is for live streams. When the input fails, what was taken up to then is given in a
/// form that can be decompressed up to its last byte, and no trailer: whoever decompresses it sees that it is not
/// whole. An empty input gives a valid member with nothing in it.
///
/// What comes out may depend on how the input is cut into chunks; what it decompresses to does not.
///
/// Level 6 takes 10 to 40 ms for 1 MiB of text on one core. In a pipeline that has other things to do, use
/// [`GzipExt::gzip`](crate::GzipExt::gzip); for more than one core there is [`ParallelGzip`](crate::ParallelGzip).
///
/// It holds 512 KiB at the most, and allocates nothing before its first chunk.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_gzip::{Gunzip, Gzip};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let text = Bytes::from("so it goes; ".repeat(10_000));
/// let small = Readable::once(text.clone()).pipe(Gzip::new(9)).to_bytes().await?;
/// assert!(small.len() < text.len() / 100);
/// assert_eq!(Readable::once(small).pipe(Gunzip::new()).to_bytes().await?, text);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Gzip {
    format: Format,
    level: Compression,
    header: Header,
    flush: Flush,
    /// Made when there is something to compress.
    engine: Option<Compress>,
    /// What is left of the chunk in work.
    rest: Bytes,
    state: State,
    output: Output,
    check: Check,
    /// Bytes handed to the engine since the last flush.
    unflushed: u64,
}

/// When compressed data is made to go out before 64 KiB of it have gathered.
///
/// A flush makes all that was taken decompressible at once, and costs ratio: text at level 6 was seen to take 40 to 60
/// % more room with a flush after every 100 bytes, 8 to 14 % with one after every 1000, and no more with one after 64
/// KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Flush {
    /// At the end of the input alone, or before its error passes: the best ratio.
    #[default]
    Never,
    /// When the source has nothing at hand: for live streams with bursts.
    WhenIdle,
    /// After so many bytes of input.
    Every(NonZeroU64),
    /// After each chunk: for live streams whose chunks are messages.
    EachChunk,
}

/// ```text
///          first chunk             release, or due          done
///  Fresh --------------> Open ------------------> Flushing ------> Open
///    |                    |
///    +------- end --------+---> Finishing --> Closing --> Over
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has come.
    Fresh,
    /// Takes chunks.
    Open,
    /// All that was taken is on its way out.
    Flushing,
    /// The last of the data is on its way out.
    Finishing,
    /// The trailer is.
    Closing,
    /// All is in the output.
    Over,
}

impl Gzip {
    /// One gzip member, from level 0 (stored) over 1 (fast) and 6 (what `gzip(1)` does) to 9 (small).
    ///
    /// # Panics
    ///
    /// If the level is above 9.
    #[track_caller]
    pub fn new(level: u32) -> Self {
        Self {
            format: Format::Gzip,
            level: checked(level),
            header: Header::default(),
            flush: Flush::Never,
            engine: None,
            rest: Bytes::new(),
            state: State::Fresh,
            output: Output::default(),
            check: Check::default(),
            unflushed: 0,
        }
    }

    /// What is put around the data.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// What the member says about itself. [`Format::Zlib`] and [`Format::Deflate`] have no place for it.
    ///
    /// # Errors
    ///
    /// The name or the comment has a NUL in it, or all of it would take more than 64 KiB
    /// ([`is_limit`](highwater_core::Error::is_limit)).
    pub fn with_header(mut self, header: Header) -> Result<Self> {
        header.check()?;
        self.header = header;
        Ok(self)
    }

    /// When what was taken goes out early.
    #[must_use]
    pub fn with_flush(mut self, flush: Flush) -> Self {
        self.flush = flush;
        self
    }

    /// Puts the header into the output, which is empty.
    fn begin(&mut self) {
        if self.format == Format::Gzip {
            let header = self.header.encode(self.level.level());
            self.output.room(usize::MAX).extend_from_slice(&header);
        }
        self.state = State::Open;
    }

    /// Takes of the chunk what can go in before the next flush, or goes over to that.
    fn take(&mut self) -> Result<bool> {
        let due = match self.flush {
            Flush::Every(bytes) => bytes.get() - self.unflushed,
            Flush::EachChunk if self.rest.is_empty() && self.unflushed > 0 => 0,
            _ => u64::MAX,
        };
        if due == 0 {
            self.state = State::Flushing;
            return Ok(true);
        }
        if self.rest.is_empty() {
            return Ok(false);
        }
        let most = usize::try_from(due).unwrap_or(usize::MAX).min(self.rest.len());
        self.compress(most, FlushCompress::None)?;
        Ok(true)
    }

    /// Hands up to `most` bytes of the chunk to the engine.
    fn compress(&mut self, most: usize, flush: FlushCompress) -> Result<Status> {
        let zlib = self.format == Format::Zlib;
        let engine = self.engine.get_or_insert_with(|| Compress::new(self.level, zlib));
        let before = engine.total_in();
        let status =
            engine.compress_vec(&self.rest[..most], self.output.room(usize::MAX), flush)?;
        let taken = engine.total_in() - before;
        self.unflushed += taken;
        self.rest.advance(usize::try_from(taken).expect("it is of a slice"));
        Ok(status)
    }

    /// Puts out what the engine holds, as far as there is room.
    fn flush_engine(&mut self) -> Result<()> {
        self.compress(0, FlushCompress::Sync)?;
        if !self.output.is_full() {
            self.unflushed = 0;
            self.state = State::Open;
        }
        Ok(())
    }

    /// Puts out the last of the data, as far as there is room.
    fn finish(&mut self) -> Result<()> {
        if self.compress(0, FlushCompress::Finish)? == Status::StreamEnd {
            if self.format == Format::Gzip {
                self.rest = Bytes::copy_from_slice(&self.check.trailer());
            }
            self.state = State::Closing;
        }
        Ok(())
    }

    /// Puts out the trailer, which is what is left, as far as there is room.
    fn close(&mut self) {
        let buffer = self.output.room(usize::MAX);
        let fitting = self.rest.len().min(buffer.capacity() - buffer.len());
        buffer.extend_from_slice(&self.rest.split_to(fitting));
        if self.rest.is_empty() {
            self.state = State::Over;
        }
    }
}

impl Transform for Gzip {
    type Input = Bytes;
    type Output = Bytes;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        if self.state == State::Fresh {
            self.begin();
        }
        if self.format == Format::Gzip {
            self.check.update(&chunk);
        }
        self.rest = chunk;
        self.read()
    }

    fn read(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.output.is_full() {
                return Ok(self.output.take());
            }
            match self.state {
                State::Open => {
                    if !self.take()? {
                        // An empty slice would keep its chunk in memory. What has gathered stays.
                        self.rest = Bytes::new();
                        return Ok(None);
                    }
                }
                State::Flushing => {
                    self.flush_engine()?;
                    if self.state == State::Open {
                        return Ok(self.output.take());
                    }
                }
                State::Finishing => self.finish()?,
                State::Closing => self.close(),
                State::Fresh | State::Over => return Ok(self.output.take()),
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        if self.state == State::Fresh {
            self.begin();
        }
        self.state = State::Finishing;
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        if self.state == State::Open && self.unflushed > 0 {
            self.state = State::Flushing;
        }
        Ok(())
    }

    fn flush_when_idle(&self) -> bool {
        self.flush == Flush::WhenIdle && self.state == State::Open && self.unflushed > 0
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(ENGINE + self.output.max_bytes())
    }

    fn name(&self) -> &'static str {
        "gzip"
    }
}

/// What the engine allocates, in bytes: 380,032 were counted for zlib-rs 0.6.
pub(crate) const ENGINE: usize = 384 * 1024;
