//! P7: a file, compressed on one core.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::Result;
use async_compression::Level;
use async_compression::tokio::bufread::GzipEncoder;
use flate2::Compression;
use flate2::write::GzEncoder;
use highwater::fs;
use highwater::gzip::Gzip;
use highwater::prelude::*;
use tokio::io::{AsyncWriteExt as _, BufReader};

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P7",
    title: "gzip, level 6, one core",
    work: Work::Pack,
    contestants: &[
        Contestant::files(Role::Ours, OURS, |from, to| ours(from, to, 6)),
        Contestant::files(Role::Limit, LOOP, |from, to| blocking_loop(from, to, 6)),
        Contestant::files(Role::Aside, INLINE, |from, to| inline(from, to, 6)),
        Contestant::files(Role::Peer, ASYNC, |from, to| async_compression(from, to, 6)),
        Contestant::program(Role::Peer, "gzip -6", &["gzip", "-6", "-c"]),
        Contestant::program(Role::Peer, "pigz -6 -p 1", &["pigz", "-6", "-p", "1", "-c"]),
        Contestant::node("Node createGzip", "gzip.mjs", &["6"]),
    ],
    goals: &[Goal::Speed { ours: OURS, at_least: 0.97, of_best: &[LOOP] }],
};

pub(crate) const FAST: Subject = Subject {
    id: "P7b",
    title: "gzip, level 1, one core",
    work: Work::Pack,
    contestants: &[
        Contestant::files(Role::Ours, OURS, |from, to| ours(from, to, 1)),
        Contestant::files(Role::Limit, LOOP, |from, to| blocking_loop(from, to, 1)),
        Contestant::files(Role::Aside, INLINE, |from, to| inline(from, to, 1)),
        Contestant::files(Role::Peer, ASYNC, |from, to| async_compression(from, to, 1)),
        Contestant::program(Role::Peer, "gzip -1", &["gzip", "-1", "-c"]),
        Contestant::program(Role::Peer, "pigz -1 -p 1", &["pigz", "-1", "-p", "1", "-c"]),
        Contestant::node("Node createGzip", "gzip.mjs", &["1"]),
    ],
    goals: &[Goal::Speed { ours: OURS, at_least: 0.97, of_best: &[LOOP] }],
};

const OURS: &str = "highwater gzip";
const INLINE: &str = "highwater pipe(Gzip), on the task";
const LOOP: &str = "flate2 zlib-rs, blocking loop";
const ASYNC: &str = "async-compression, same engine";

pub(super) fn ours(input: &Path, output: &Path, level: u32) -> Result<Answer> {
    block_on(fs::read(input).gzip(level).pipe_to(fs::write(output)).run())?;
    Ok(Answer::in_output())
}

fn inline(input: &Path, output: &Path, level: u32) -> Result<Answer> {
    block_on(fs::read(input).pipe(Gzip::new(level)).pipe_to(fs::write(output)).run())?;
    Ok(Answer::in_output())
}

fn blocking_loop(input: &Path, output: &Path, level: u32) -> Result<Answer> {
    let mut from = File::open(input)?;
    let mut to = GzEncoder::new(File::create(output)?, Compression::new(level));
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            to.finish()?;
            return Ok(Answer::in_output());
        }
        to.write_all(&buffer[..n])?;
    }
}

fn async_compression(input: &Path, output: &Path, level: i32) -> Result<Answer> {
    block_on(async {
        let from = BufReader::with_capacity(CHUNK, tokio::fs::File::open(input).await?);
        let mut to = tokio::fs::File::create(output).await?;
        let packed = GzipEncoder::with_quality(from, Level::Precise(level));
        tokio::io::copy_buf(&mut BufReader::with_capacity(CHUNK, packed), &mut to).await?;
        to.flush().await?;
        Ok(Answer::in_output())
    })
}
