//! P8: a file, compressed on two cores into one member.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::Result;
use gzp::deflate::Gzip;
use gzp::par::compress::{ParCompress, ParCompressBuilder};
use gzp::{Compression, ZWriter as _};
use highwater::fs;
use highwater::gzip::ParallelGzip;
use highwater::prelude::*;

use super::p7_gzip::ours as one_core;
use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P8",
    title: "gzip, level 6, two cores, one member",
    work: Work::Pack,
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::files(Role::Peer, ONE_CORE, |from, to| one_core(from, to, 6)),
        Contestant::files(Role::Peer, GZP, gzp),
        Contestant::program(Role::Peer, PIGZ, &["pigz", "-6", "-p", "2", "-c"]),
    ],
    goals: &[
        Goal::Speed { ours: OURS, at_least: 1.85, of_best: &[ONE_CORE] },
        Goal::Speed { ours: OURS, at_least: 1.0, of_best: &[GZP] },
        Goal::Speed { ours: OURS, at_least: 2.0, of_best: &[PIGZ] },
    ],
};

const OURS: &str = "highwater parallel_gzip, 2 threads";
const ONE_CORE: &str = "highwater gzip, one core";
const GZP: &str = "gzp, 2 threads, zlib-rs";
const PIGZ: &str = "pigz -6 -p 2";

fn ours(input: &Path, output: &Path) -> Result<Answer> {
    let packed = fs::read(input).parallel_gzip(ParallelGzip::threads(2));
    block_on(packed.pipe_to(fs::write(output)).run())?;
    Ok(Answer::in_output())
}

fn gzp(input: &Path, output: &Path) -> Result<Answer> {
    let mut from = File::open(input)?;
    let builder = ParCompressBuilder::<Gzip>::new();
    let builder = builder.num_threads(2)?.compression_level(Compression::new(6));
    let mut to: ParCompress<'_, Gzip, File> = builder.from_writer(File::create(output)?);
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
