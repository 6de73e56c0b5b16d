//! P15: NDJSON, line by line, to typed structs.

use std::fs;
use std::io::{self, BufRead as _};
use std::path::Path;

use anyhow::Result;
use highwater::prelude::*;
use memchr::{memchr_iter, memrchr};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::entries::{BorrowedEntry, Entry, Form, Tally};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P15",
    title: "ndjson to typed structs",
    work: Work::Entries(Form::Ndjson),
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::files(Role::Limit, IN_PLACE, |input, _| in_place(input, add_owned)),
        Contestant::files(Role::Aside, CHECKED, |input, _| in_place(input, add_checked)),
        Contestant::files(Role::Aside, BORROWED, |input, _| in_place(input, add_borrowed)),
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

fn add_owned(tally: &mut Tally, line: &[u8]) -> Result<()> {
    let entry: Entry = serde_json::from_slice(line)?;
    tally.add(entry.user, &entry.message);
    Ok(())
}

/// What ours does: the parser need not look at each string for what is not UTF-8.
fn add_checked(tally: &mut Tally, line: &[u8]) -> Result<()> {
    let entry: Entry = serde_json::from_str(std::str::from_utf8(line)?)?;
    tally.add(entry.user, &entry.message);
    Ok(())
}

fn add_borrowed(tally: &mut Tally, line: &[u8]) -> Result<()> {
    let entry: BorrowedEntry<'_> = serde_json::from_slice(line)?;
    tally.add(entry.user, &entry.message);
    Ok(())
}

fn ours(input: &Path, _: &Path) -> Result<Answer> {
    let entries = highwater::fs::read(input).ndjson::<Entry>();
    let tally = entries.fold(Tally::default(), |mut tally, entry| {
        tally.add(entry.user, &entry.message);
        tally
    });
    Ok(Answer::of(block_on(tally)?))
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
    Ok(Answer::of(tally))
}

fn lines(input: &Path, _: &Path) -> Result<Answer> {
    let mut tally = Tally::default();
    block_on(async {
        let mut lines = BufReader::with_capacity(CHUNK, File::open(input).await?).lines();
        while let Some(line) = lines.next_line().await? {
            add_owned(&mut tally, line.as_bytes())?;
        }
        Ok(Answer::of(tally))
    })
}
