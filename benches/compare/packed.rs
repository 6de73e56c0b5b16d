//! A log to compress, and the same compressed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::input::Log;

/// A log that is smaller than that of the other subjects, as compressing takes a hundred times as long as reading.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) log: Log,
    /// The log as `gzip -6` would make it.
    pub(crate) gz: PathBuf,
}

impl Packed {
    /// Makes both files, in a folder of their own.
    ///
    /// # Errors
    ///
    /// The files cannot be written.
    pub(crate) fn make(folder: &Path, least: u64) -> Result<Self> {
        let folder = folder.join("packed");
        std::fs::create_dir(&folder)?;
        let log = Log::make(&folder, least)?;
        let gz = folder.join("log.gz");
        let mut encoder = GzEncoder::new(File::create(&gz)?, Compression::new(6));
        io::copy(&mut File::open(&log.path)?, &mut encoder)?;
        encoder.finish()?.sync_all()?;
        Ok(Self { log, gz })
    }
}
