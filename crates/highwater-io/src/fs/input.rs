//! An open file that is read chunk by chunk.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};

use bytes::Bytes;
use highwater_core::{Error, Result};

use super::options::{Origin, ReadOptions};
use crate::io::{stdin_file, wait_until_readable};
use crate::pool::Pool;

/// An open file, where it is read, and where it should end.
pub(super) struct Input {
    file: File,
    pool: Pool,
    name: &'static str,
    what: String,
    offset: u64,
    /// The end of the range, if one was asked for.
    end: Option<u64>,
    /// The length when it was opened, of a regular file.
    size: Option<u64>,
}

impl Input {
    pub(super) fn open(origin: &Origin, options: &ReadOptions) -> Result<Self> {
        Self::try_open(origin, options).map_err(|error| {
            error.context(format!("cannot open {}", origin.describe())).in_stage(origin.name())
        })
    }

    fn try_open(origin: &Origin, options: &ReadOptions) -> Result<Self> {
        let (mut file, offset, end) = match origin {
            Origin::Path { path, start, end } => (File::open(path)?, *start, *end),
            Origin::Stdin => (stdin_file()?, 0, None),
        };
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(std::io::Error::from(ErrorKind::IsADirectory).into());
        }
        let size = about.is_file().then_some(about.len());
        if offset > 0 {
            file.seek(SeekFrom::Start(offset))?;
        }
        // A small file gets small buffers.
        let whole = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
        let buffer = options.chunk.get().min(whole.max(SMALLEST));
        let pool = Pool::new(buffer, options.kept());
        Ok(Self { file, pool, name: origin.name(), what: origin.describe(), offset, end, size })
    }

    /// The next chunk, or the end.
    pub(super) fn read(&mut self) -> Result<Option<Bytes>> {
        let mut buffer = self.pool.take();
        let left = self.end.map_or(u64::MAX, |end| end.saturating_sub(self.offset));
        let space = buffer.space();
        let most = usize::try_from(left).map_or(space.len(), |left| left.min(space.len()));
        if most == 0 {
            return Ok(None);
        }
        loop {
            match self.file.read(&mut space[..most]) {
                Ok(0) => return self.check_end().map(|()| None),
                Ok(n) => {
                    self.offset += n as u64;
                    return Ok(Some(buffer.freeze(n)));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A parent process has set the pipe or terminal to non-blocking.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait_until_readable(&self.file).map_err(|error| self.failed(error))?;
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Nothing more can be read: is this where the file should end?
    fn check_end(&self) -> Result<()> {
        if let Some(end) = self.end {
            let short = format!("{} ends before byte {end}, the end of the range", self.what);
            return Err(self.place(Error::truncated(short)));
        }
        let Some(size) = self.size.filter(|size| self.offset < *size) else { return Ok(()) };
        // Some files of the system say a length and hold less. One that was made shorter says a smaller length now.
        let now = self.file.metadata().map_err(|error| self.failed(error))?.len();
        if now >= size {
            return Ok(());
        }
        let what = &self.what;
        let short =
            format!("{what} was made shorter while it was read, from {size} bytes to {now}");
        Err(self.place(Error::truncated(short)))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        self.place(Error::from(error).context(format!("cannot read {}", self.what)))
    }

    fn place(&self, error: Error) -> Error {
        error.in_stage(self.name).at_offset(self.offset)
    }
}

/// Bytes of the smallest buffer.
const SMALLEST: usize = 4 * 1024;
