//! The log that the contestants read.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

/// A log file, and what is known about it from having made it.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// The file of the lines with `ERROR` in them.
    pub(crate) errors: PathBuf,
    /// How many lines have it.
    pub(crate) error_lines: u64,
    /// Their bytes, line ends not counted.
    pub(crate) error_bytes: u64,
}

impl Log {
    /// Makes a log of at least so many bytes: the same one every time. One line of a hundred has `ERROR` in it, once; a
    /// line is about 100 bytes long.
    ///
    /// # Errors
    ///
    /// The files cannot be written.
    pub(crate) fn make(folder: &Path, least: u64) -> Result<Self> {
        let (path, errors) = (folder.join("log"), folder.join("errors"));
        let mut log = Self { path, bytes: 0, errors, error_lines: 0, error_bytes: 0 };
        let mut all = BufWriter::with_capacity(64 * 1024, File::create(&log.path)?);
        let mut some = BufWriter::with_capacity(64 * 1024, File::create(&log.errors)?);
        let mut lines = Lines::default();
        while log.bytes < least {
            let (line, is_error) = lines.next_line()?;
            all.write_all(line)?;
            log.bytes += line.len() as u64;
            if is_error {
                some.write_all(line)?;
                log.error_lines += 1;
                log.error_bytes += line.len() as u64 - 1;
            }
        }
        // Onto the disk now: the kernel should not write it while the contestants run. It stays in the page cache.
        all.into_inner()?.sync_all()?;
        some.into_inner()?.sync_all()?;
        io::copy(&mut File::open(&log.path)?, &mut io::sink())?;
        Ok(log)
    }
}

/// Makes lines up.
#[derive(Debug, Default)]
struct Lines {
    random: Random,
    milliseconds: u64,
    line: Vec<u8>,
}

impl Lines {
    /// The next line, with its end, and whether it is one of those to be found.
    fn next_line(&mut self) -> io::Result<(&[u8], bool)> {
        let Self { random, milliseconds, line } = self;
        line.clear();
        *milliseconds += random.below(40);
        let seconds = *milliseconds / 1000;
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
        let is_error = random.below(100) == 0;
        let level = if is_error { "ERROR" } else { random.one_of(LEVELS) };
        write!(
            line,
            "2026-03-{:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z {level:5} {}-{} {} /{}/{} took {} ms",
            1 + days,
            *milliseconds % 1000,
            random.one_of(SERVICES),
            random.below(64),
            random.one_of(METHODS),
            random.one_of(WORDS),
            random.below(1_000_000),
            random.below(2000),
        )?;
        for _ in 0..random.below(10) {
            write!(line, " {}", random.one_of(WORDS))?;
        }
        line.push(b'\n');
        Ok((line, is_error))
    }
}

/// Marsaglia's xorshift64, which is varied enough for a log and the same everywhere (<https://doi.org/10.18637/jss.v008.i14>).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(88_172_645_463_325_252)
    }
}

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let index = self.below(all.len() as u64);
        all[usize::try_from(index).expect("it is below the length of a slice")]
    }
}

pub(crate) const LEVELS: &[&str] = &["INFO", "INFO", "INFO", "DEBUG", "DEBUG", "TRACE", "WARN"];
pub(crate) const SERVICES: &[&str] =
    &["gateway", "orders", "billing", "search", "mail", "auth", "stock"];
pub(crate) const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "PUT", "DELETE"];
pub(crate) const WORDS: &[&str] = &[
    "cache", "miss", "retry", "user", "session", "queue", "full", "worker", "started", "closed",
    "error", "rate", "limit", "token", "expired", "upstream", "slow", "query", "index", "rebuilt",
    "shard", "leader", "elected", "Redis", "Kafka", "EOF", "RST", "timeout",
];
