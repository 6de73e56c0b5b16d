//! P1: a file, read to where only its bytes are counted.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::Result;
use bytes::Bytes;
use futures::TryStreamExt as _;
use highwater::Destination;
use tokio::fs::File;
use tokio::io::{self, BufReader};
use tokio_util::io::ReaderStream;

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::proof::Proof;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P1",
    title: "read a file to nowhere",
    work: Work::Log(Proof::Answer(|log| log.bytes.to_string())),
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::files(Role::Limit, "blocking loop, 256 KiB", blocking_loop),
        Contestant::files(Role::Peer, "ReaderStream, 256 KiB", |input, _| {
            reader_stream(input, CHUNK)
        }),
        Contestant::files(Role::Peer, "ReaderStream, default", |input, _| {
            reader_stream(input, 4096)
        }),
        Contestant::files(Role::Peer, "tokio copy_buf, 256 KiB", copy_buf),
        Contestant::files(Role::Peer, "tokio io::copy", copy),
        Contestant::node("Node, 64 KiB (default)", "read.mjs", &[]),
        Contestant::node("Node, 256 KiB", "read.mjs", &["262144"]),
    ],
    goals: &[
        Goal::Speed { ours: OURS, at_least: 0.9, of_best: &["blocking loop, 256 KiB"] },
        Goal::Speed { ours: OURS, at_least: 1.3, of_best: &["ReaderStream, 256 KiB"] },
        Goal::Speed { ours: OURS, at_least: 8.0, of_best: &["tokio io::copy"] },
    ],
};

const OURS: &str = "highwater fs::read";

/// A destination that counts.
struct Count(u64);

impl Destination for Count {
    type Chunk = Bytes;

    async fn write(&mut self, chunk: Bytes) -> highwater::Result<()> {
        self.0 += chunk.len() as u64;
        Ok(())
    }
}

fn ours(input: &Path, _: &Path) -> Result<Answer> {
    let mut count = Count(0);
    block_on(highwater::fs::read(input).pipe_to(&mut count).run())?;
    Ok(Answer::of(count.0))
}

fn blocking_loop(input: &Path, _: &Path) -> Result<Answer> {
    let (mut file, mut buffer) = (fs::File::open(input)?, vec![0; CHUNK]);
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Answer::of(bytes)),
            n => bytes += n,
        }
    }
}

fn reader_stream(input: &Path, capacity: usize) -> Result<Answer> {
    block_on(async {
        let chunks = ReaderStream::with_capacity(File::open(input).await?, capacity);
        let add = async |sum, chunk: Bytes| Ok(sum + chunk.len());
        Ok(Answer::of(chunks.try_fold(0, add).await?))
    })
}

fn copy_buf(input: &Path, _: &Path) -> Result<Answer> {
    block_on(async {
        let mut file = BufReader::with_capacity(CHUNK, File::open(input).await?);
        Ok(Answer::of(io::copy_buf(&mut file, &mut io::sink()).await?))
    })
}

fn copy(input: &Path, _: &Path) -> Result<Answer> {
    block_on(async {
        Ok(Answer::of(io::copy(&mut File::open(input).await?, &mut io::sink()).await?))
    })
}
