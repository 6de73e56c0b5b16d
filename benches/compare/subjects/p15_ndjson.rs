//! P15: NDJSON, line by line, to typed structs.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead as _};
use std::path::Path;

use anyhow::Result;
use highwater::prelude::*;
use memchr::{memchr_iter, memrchr};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P15",
    title: "ndjson to typed structs",
    work: Work::Entries,
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::files(Role::Limit, IN_PLACE, |input, _| in_place(input, Tally::add_owned)),
        Contestant::files(Role::Aside, CHECKED, |input, _| in_place(input, Tally::add_checked)),
        Contestant::files(Role::Aside, BORROWED, |input, _| in_place(input, Tally::add_borrowed)),
        Contestant::files(Role::Peer, LINES, lines),
        Contestant::node("Node readline, JSON.parse", "ndjson.mjs", &[]),
    ],
    goals: &[
        Goal::Speed { ours: OURS, at_least: 0.95, of_best: &[IN_PLACE] },
        Goal::Speed { ours: OURS, at_least: 1.0, of_best: &[LINES] },
        Goal::Memory { ours: OURS, at_most: 8.0 },
    ],
};

const OURS: &str = "highwater ndjson";
const IN_PLACE: &str = "blocking loop, memchr and serde_json";
const CHECKED: &str = "the same, UTF-8 checked by the line";
const BORROWED: &str = "the same as the first, borrowing texts";
const LINES: &str = "tokio lines and serde_json, 256 KiB";

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "all of it is read; what is looked at is enough for a proof")]
struct Entry {
    time: String,
    level: String,
    service: String,
    method: String,
    path: String,
    status: u16,
    took: f64,
    user: u64,
    cached: bool,
    message: String,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "all of it is read; what is looked at is enough for a proof")]
struct BorrowedEntry<'a> {
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
    user: u64,
    cached: bool,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// What is found out about the entries.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    users: u64,
    text: u64,
}

impl Tally {
    fn add(&mut self, user: u64, message: &str) {
        self.count += 1;
        self.users += user;
        self.text += message.len() as u64;
    }

    fn add_owned(&mut self, line: &[u8]) -> Result<()> {
        let entry: Entry = serde_json::from_slice(line)?;
        self.add(entry.user, &entry.message);
        Ok(())
    }

    /// What ours does: the parser need not look at each string for what is not UTF-8.
    fn add_checked(&mut self, line: &[u8]) -> Result<()> {
        let entry: Entry = serde_json::from_str(std::str::from_utf8(line)?)?;
        self.add(entry.user, &entry.message);
        Ok(())
    }

    fn add_borrowed(&mut self, line: &[u8]) -> Result<()> {
        let entry: BorrowedEntry<'_> = serde_json::from_slice(line)?;
        self.add(entry.user, &entry.message);
        Ok(())
    }

    fn answer(&self) -> Answer {
        Answer::of(format!("{} {} {}", self.count, self.users, self.text))
    }
}

fn ours(input: &Path, _: &Path) -> Result<Answer> {
    let entries = highwater::fs::read(input).ndjson::<Entry>();
    let tally = entries.fold(Tally::default(), |mut tally, entry| {
        tally.add(entry.user, &entry.message);
        tally
    });
    Ok(block_on(tally)?.answer())
}

/// Reads each line where it lies in the buffer, and copies only those that two buffers share.
fn in_place(input: &Path, add: fn(&mut Tally, &[u8]) -> Result<()>) -> Result<Answer> {
    let mut file = io::BufReader::with_capacity(CHUNK, fs::File::open(input)?);
    let (mut begun, mut tally) = (Vec::new(), Tally::default());
    loop {
        let buffer = file.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let whole = memrchr(b'\n', buffer).map_or(0, |last| last + 1);
        let mut start = 0;
        for end in memchr_iter(b'\n', &buffer[..whole]) {
            if begun.is_empty() {
                add(&mut tally, &buffer[start..end])?;
            } else {
                begun.extend_from_slice(&buffer[start..end]);
                add(&mut tally, &begun)?;
                begun.clear();
            }
            start = end + 1;
        }
        begun.extend_from_slice(&buffer[start..]);
        let n = buffer.len();
        file.consume(n);
    }
    Ok(tally.answer())
}

fn lines(input: &Path, _: &Path) -> Result<Answer> {
    let mut tally = Tally::default();
    block_on(async {
        let mut lines = BufReader::with_capacity(CHUNK, File::open(input).await?).lines();
        while let Some(line) = lines.next_line().await? {
            tally.add_owned(line.as_bytes())?;
        }
        Ok(tally.answer())
    })
}
