//! P3: a file, line by line, to the lines with a word in them.

use std::fs;
use std::io::{self, BufRead as _};
use std::path::Path;

use anyhow::Result;
use futures::TryStreamExt as _;
use highwater::prelude::*;
use memchr::memmem::Finder;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio_stream::wrappers::LinesStream;
use tokio_util::codec::{FramedRead, LinesCodec};

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::proof::Proof;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P3",
    title: "lines to matching lines, one item per line",
    work: Work::Log(Proof::Answer(|log| format!("{} {}", log.error_lines, log.error_bytes))),
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::files(Role::Limit, READ_UNTIL, read_until),
        Contestant::files(Role::Limit, IN_PLACE, in_place),
        Contestant::files(Role::Peer, LINES_256, |input, _| lines(input, CHUNK)),
        Contestant::files(Role::Peer, LINES_8, |input, _| lines(input, 8 * 1024)),
        Contestant::files(Role::Peer, CODEC, lines_codec),
        Contestant::files(Role::Peer, STREAM, lines_stream),
        Contestant::node("Node readline", "lines.mjs", &[]),
    ],
    goals: &[
        Goal::Speed { ours: OURS, at_least: 4.0, of_best: &[LINES_256, LINES_8, CODEC, STREAM] },
        Goal::Speed { ours: OURS, at_least: 1.0, of_best: &[READ_UNTIL, IN_PLACE] },
    ],
};

const OURS: &str = "highwater lines, filter";
const READ_UNTIL: &str = "blocking loop, read_until";
const IN_PLACE: &str = "blocking loop, memchr in place";
const LINES_256: &str = "tokio lines, 256 KiB";
const LINES_8: &str = "tokio lines, 8 KiB (default)";
const CODEC: &str = "tokio LinesCodec, 256 KiB";
const STREAM: &str = "tokio LinesStream, 256 KiB";

/// Lines found, and their bytes without the line ends.
#[derive(Default)]
struct Found {
    lines: u64,
    bytes: u64,
}

impl Found {
    fn add(&mut self, line: &[u8]) {
        self.lines += 1;
        self.bytes += line.len() as u64;
    }

    fn answer(&self) -> Answer {
        Answer::of(format!("{} {}", self.lines, self.bytes))
    }
}

fn ours(input: &Path, _: &Path) -> Result<Answer> {
    let finder = Finder::new("ERROR");
    let found = highwater::fs::read(input).lines().filter(|line| finder.find(line).is_some()).fold(
        Found::default(),
        |mut found, line| {
            found.add(&line);
            found
        },
    );
    Ok(block_on(found)?.answer())
}

fn read_until(input: &Path, _: &Path) -> Result<Answer> {
    let finder = Finder::new("ERROR");
    let mut file = io::BufReader::with_capacity(CHUNK, fs::File::open(input)?);
    let (mut line, mut found) = (Vec::new(), Found::default());
    while file.read_until(b'\n', &mut line)? > 0 {
        if finder.find(&line).is_some() {
            found.add(line.strip_suffix(b"\n").unwrap_or(&line));
        }
        line.clear();
    }
    Ok(found.answer())
}

/// Looks at each line where it lies in the buffer, and copies only those that two buffers share.
fn in_place(input: &Path, _: &Path) -> Result<Answer> {
    let finder = Finder::new("ERROR");
    let mut file = io::BufReader::with_capacity(CHUNK, fs::File::open(input)?);
    let (mut begun, mut found) = (Vec::new(), Found::default());
    loop {
        let buffer = file.fill_buf()?;
        let Some(last) = memchr::memrchr(b'\n', buffer) else {
            if buffer.is_empty() {
                break;
            }
            begun.extend_from_slice(buffer);
            let n = buffer.len();
            file.consume(n);
            continue;
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &buffer[..=last]) {
            let mut line = &buffer[start..end];
            if !begun.is_empty() {
                begun.extend_from_slice(line);
                line = &begun;
            }
            if finder.find(line).is_some() {
                found.add(line);
            }
            begun.clear();
            start = end + 1;
        }
        begun.extend_from_slice(&buffer[start..]);
        let n = buffer.len();
        file.consume(n);
    }
    if finder.find(&begun).is_some() {
        found.add(&begun);
    }
    Ok(found.answer())
}

fn lines(input: &Path, capacity: usize) -> Result<Answer> {
    let (finder, mut found) = (Finder::new("ERROR"), Found::default());
    block_on(async {
        let mut lines = BufReader::with_capacity(capacity, File::open(input).await?).lines();
        while let Some(line) = lines.next_line().await? {
            if finder.find(line.as_bytes()).is_some() {
                found.add(line.as_bytes());
            }
        }
        Ok(found.answer())
    })
}

fn lines_codec(input: &Path, _: &Path) -> Result<Answer> {
    let (finder, mut found) = (Finder::new("ERROR"), Found::default());
    block_on(async {
        let file = File::open(input).await?;
        let mut lines = FramedRead::with_capacity(file, LinesCodec::new(), CHUNK);
        while let Some(line) = lines.try_next().await? {
            if finder.find(line.as_bytes()).is_some() {
                found.add(line.as_bytes());
            }
        }
        Ok(found.answer())
    })
}

fn lines_stream(input: &Path, _: &Path) -> Result<Answer> {
    let (finder, mut found) = (Finder::new("ERROR"), Found::default());
    block_on(async {
        let file = BufReader::with_capacity(CHUNK, File::open(input).await?);
        let mut lines = LinesStream::new(file.lines());
        while let Some(line) = lines.try_next().await? {
            if finder.find(line.as_bytes()).is_some() {
                found.add(line.as_bytes());
            }
        }
        Ok(found.answer())
    })
}
