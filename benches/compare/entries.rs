//! The log entries that the contestants read, in NDJSON and in CSV.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;

use crate::input::{LEVELS, METHODS, Random, SERVICES, WORDS};

/// A file of log entries, and what is known about it from having made it.
#[derive(Debug)]
pub(crate) struct Entries {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) tally: Tally,
}

/// How entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Objects with texts, numbers and a truth value, about 210 bytes each.
    Ndjson,
    /// A header, and rows of about 120 bytes with the same fields. One of eight has a field in quotes.
    Csv,
}

/// What is found out about entries. Its text is the answer of whoever reads them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    count: u64,
    /// The sum of their `user`s.
    users: u64,
    /// The bytes of their `message`s.
    text: u64,
}

/// What an entry is read into.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "all of it is read; what is looked at is enough for a proof")]
pub(crate) struct Entry {
    time: String,
    level: String,
    service: String,
    method: String,
    path: String,
    status: u16,
    took: f64,
    pub(crate) user: u64,
    cached: bool,
    pub(crate) message: String,
}

/// The same, with texts that lie where they were read.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "all of it is read; what is looked at is enough for a proof")]
pub(crate) struct BorrowedEntry<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    level: Cow<'a, str>,
    #[serde(borrow)]
    service: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    status: u16,
    took: f64,
    pub(crate) user: u64,
    cached: bool,
    #[serde(borrow)]
    pub(crate) message: Cow<'a, str>,
}

impl Entries {
    /// Makes a file of at least so many bytes: the same one every time.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn make(folder: &Path, form: Form, least: u64) -> Result<Self> {
        let (name, header) = match form {
            Form::Ndjson => ("entries.ndjson", ""),
            Form::Csv => ("entries.csv", HEADER),
        };
        let (path, bytes) = (folder.join(name), header.len() as u64);
        let mut entries = Self { path, bytes, tally: Tally::default() };
        let mut file = BufWriter::with_capacity(64 * 1024, File::create(&entries.path)?);
        file.write_all(header.as_bytes())?;
        let mut random = Random::default();
        let mut line = Vec::new();
        while entries.bytes < least {
            line.clear();
            entries.tally.make(form, &mut random, &mut line)?;
            file.write_all(&line)?;
            entries.bytes += line.len() as u64;
        }
        // Onto the disk now: the kernel should not write it while the contestants run. It stays in the page cache.
        file.into_inner()?.sync_all()?;
        io::copy(&mut File::open(&entries.path)?, &mut io::sink())?;
        Ok(entries)
    }
}

impl Tally {
    /// Counts an entry.
    pub(crate) fn add(&mut self, user: u64, message: &str) {
        self.count += 1;
        self.users += user;
        self.text += message.len() as u64;
    }

    /// Makes an entry up, and counts it.
    fn make(&mut self, form: Form, random: &mut Random, line: &mut Vec<u8>) -> io::Result<()> {
        let number = self.count + 1;
        let (second, millisecond) = (number / 100 % 60, number % 1000);
        let (level, service) = (random.one_of(LEVELS), random.one_of(SERVICES));
        let (method, user) = (random.one_of(METHODS), random.below(1_000_000));
        let words: Vec<_> = (0..5).map(|_| random.one_of(WORDS)).collect();
        let (place, status) =
            (random.one_of(WORDS), random.one_of(&[200, 201, 204, 304, 404, 500]));
        let (took, tenths) = (random.below(2000), 1 + random.below(9));
        let cached = random.below(2) == 0;
        let (comma, quote) =
            if form == Form::Csv && number % 8 == 0 { (", ", "\"") } else { (" ", "") };
        let message = words.join(comma);
        self.add(user, &message);
        match form {
            Form::Ndjson => writeln!(
                line,
                "{{\"time\":\"2026-03-01T00:00:{second:02}.{millisecond:03}Z\",\"level\":\"{level}\",\
                 \"service\":\"{service}\",\"method\":\"{method}\",\"path\":\"/api/{place}/{user}\",\
                 \"status\":{status},\"took\":{took}.{tenths},\"user\":{user},\"cached\":{cached},\
                 \"message\":\"{message}\"}}"
            ),
            Form::Csv => writeln!(
                line,
                "2026-03-01T00:00:{second:02}.{millisecond:03}Z,{level},{service},{method},\
                 /api/{place}/{user},{status},{took}.{tenths},{user},{cached},{quote}{message}{quote}"
            ),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.count, self.users, self.text)
    }
}

const HEADER: &str = "time,level,service,method,path,status,took,user,cached,message\n";
