//! The NDJSON that the contestants read.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::input::{LEVELS, METHODS, Random, SERVICES, WORDS};

/// A file of log entries, and what is known about it from having made it.
#[derive(Debug)]
pub(crate) struct Entries {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// How many there are, the sum of their `user`s, and the bytes of their `message`s.
    pub(crate) count: u64,
    pub(crate) users: u64,
    pub(crate) text: u64,
}

impl Entries {
    /// Makes a file of at least so many bytes: the same one every time. An entry has about 210 bytes.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn make(folder: &Path, least: u64) -> Result<Self> {
        let path = folder.join("entries.ndjson");
        let mut entries = Self { path, bytes: 0, count: 0, users: 0, text: 0 };
        let mut file = BufWriter::with_capacity(64 * 1024, File::create(&entries.path)?);
        let mut random = Random::default();
        let mut line = Vec::new();
        while entries.bytes < least {
            line.clear();
            entries.add(&mut random, &mut line)?;
            file.write_all(&line)?;
            entries.bytes += line.len() as u64;
        }
        // Onto the disk now: the kernel should not write it while the contestants run. It stays in the page cache.
        file.into_inner()?.sync_all()?;
        io::copy(&mut File::open(&entries.path)?, &mut io::sink())?;
        Ok(entries)
    }

    fn add(&mut self, random: &mut Random, line: &mut Vec<u8>) -> io::Result<()> {
        let (level, service) = (random.one_of(LEVELS), random.one_of(SERVICES));
        let (method, user) = (random.one_of(METHODS), random.below(1_000_000));
        let message: Vec<_> = (0..5).map(|_| random.one_of(WORDS)).collect();
        let message = message.join(" ");
        (self.count, self.users) = (self.count + 1, self.users + user);
        self.text += message.len() as u64;
        let (second, millisecond) = (self.count / 100 % 60, self.count % 1000);
        writeln!(
            line,
            "{{\"time\":\"2026-03-01T00:00:{second:02}.{millisecond:03}Z\",\"level\":\"{level}\",\
             \"service\":\"{service}\",\"method\":\"{method}\",\"path\":\"/api/{}/{user}\",\
             \"status\":{},\"took\":{}.{},\"user\":{user},\"cached\":{},\"message\":\"{message}\"}}",
            random.one_of(WORDS),
            random.one_of(&[200, 201, 204, 304, 404, 500]),
            random.below(2000),
            1 + random.below(9),
            random.below(2) == 0,
        )
    }
}
