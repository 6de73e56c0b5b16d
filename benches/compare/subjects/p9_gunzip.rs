//! P9: a compressed file, decompressed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::Result;
use async_compression::tokio::bufread::GzipDecoder;
use flate2::bufread::MultiGzDecoder;
use highwater::fs;
use highwater::gzip::Gunzip;
use highwater::prelude::*;
use tokio::io::{AsyncWriteExt as _, BufReader};

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P9",
    title: "gunzip to a file",
    work: Work::Unpack,
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::files(Role::Limit, LOOP, blocking_loop),
        Contestant::files(Role::Aside, "highwater pipe(Gunzip), on the task", inline),
        Contestant::files(Role::Peer, "async-compression, same engine", async_compression),
        Contestant::program(Role::Peer, GZIP, &["gzip", "-dc"]),
        Contestant::program(Role::Peer, "pigz -dc", &["pigz", "-dc"]),
        Contestant::node("Node createGunzip", "gunzip.mjs", &[]),
    ],
    goals: &[
        Goal::Speed { ours: OURS, at_least: 1.2, of_best: &[LOOP] },
        Goal::Speed { ours: OURS, at_least: 2.0, of_best: &[GZIP] },
    ],
};

const OURS: &str = "highwater gunzip";
const LOOP: &str = "flate2 zlib-rs, blocking loop";
const GZIP: &str = "gzip -dc";

fn ours(input: &Path, output: &Path) -> Result<Answer> {
    block_on(fs::read(input).gunzip().pipe_to(fs::write(output)).run())?;
    Ok(Answer::in_output())
}

fn inline(input: &Path, output: &Path) -> Result<Answer> {
    block_on(fs::read(input).pipe(Gunzip::new()).pipe_to(fs::write(output)).run())?;
    Ok(Answer::in_output())
}

fn blocking_loop(input: &Path, output: &Path) -> Result<Answer> {
    let mut from =
        MultiGzDecoder::new(std::io::BufReader::with_capacity(CHUNK, File::open(input)?));
    let mut to = File::create(output)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            return Ok(Answer::in_output());
        }
        to.write_all(&buffer[..n])?;
    }
}

fn async_compression(input: &Path, output: &Path) -> Result<Answer> {
    block_on(async {
        let from = BufReader::with_capacity(CHUNK, tokio::fs::File::open(input).await?);
        let mut to = tokio::fs::File::create(output).await?;
        let mut text = GzipDecoder::new(from);
        text.multiple_members(true);
        tokio::io::copy_buf(&mut BufReader::with_capacity(CHUNK, text), &mut to).await?;
        to.flush().await?;
        Ok(Answer::in_output())
    })
}
