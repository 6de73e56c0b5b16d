//! What is read of a file, and how.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::io::stdin_file;

/// How a file is read.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// use highwater_io::fs::ReadOptions;
/// let thrifty = ReadOptions::new().with_chunk_size(16 * 1024).with_read_ahead(1);
/// assert!(!thrifty.read("Cargo.toml").to_bytes().await?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ReadOptions {
    pub(super) chunk: NonZeroUsize,
    pub(super) ahead: NonZeroUsize,
}

impl ReadOptions {
    /// Chunks of 256 KiB, four read ahead.
    pub fn new() -> Self {
        let four = NonZeroUsize::MIN.saturating_add(3);
        Self { chunk: NonZeroUsize::MIN.saturating_add(CHUNK - 1), ahead: four }
    }

    /// Bytes per chunk. The last chunk of a file, and those of a pipe, are smaller.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    #[must_use]
    pub fn with_chunk_size(mut self, bytes: usize) -> Self {
        self.chunk = NonZeroUsize::new(bytes).expect("chunks of 0 bytes hold nothing");
        self
    }

    /// Chunks that are read before they are asked for.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    #[must_use]
    pub fn with_read_ahead(mut self, chunks: usize) -> Self {
        self.ahead =
            NonZeroUsize::new(chunks).expect("reading is done ahead: by 1 chunk at the least");
        self
    }

    /// How many buffers that came back wait for reuse: as many as are read ahead, or as a destination gathers.
    pub(super) fn kept(&self) -> usize {
        self.ahead.get().max(BEHIND)
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What is read.
#[derive(Debug)]
pub(crate) enum Origin {
    Path { path: PathBuf, start: u64, end: Option<u64> },
    Stdin,
}

impl Origin {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Path { .. } => "fs::read",
            Self::Stdin => "io::stdin",
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Path { path, .. } => format!("`{}`", path.display()),
            Self::Stdin => "standard input".to_owned(),
        }
    }

    /// Whether opening or reading it may wait for somebody else: not so for regular files.
    pub(super) fn may_wait_for_ever(&self) -> bool {
        let about = match self {
            Self::Path { path, .. } => std::fs::metadata(path),
            Self::Stdin => stdin_file().and_then(|file| file.metadata()),
        };
        about.is_ok_and(|about| !about.is_file() && !about.is_dir())
    }
}

/// Buffers that a destination has which writes 1 MiB while as much gathers. Without a place for those that come back, each
/// would be allocated afresh, and its pages with it.
const BEHIND: usize = 8;
/// Bytes per chunk: large enough for few system calls, small enough for the second-level cache.
const CHUNK: usize = 256 * 1024;
