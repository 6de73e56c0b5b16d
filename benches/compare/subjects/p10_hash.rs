//! P10: a file to a new file, with a digest of it on the way.

use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Result, bail};
use highwater::hash::{Algorithm, Hash};
use highwater::prelude::*;
use sha2::Digest as _;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{CHUNK, block_on};
use crate::clock;
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::proof::Proof;

pub(crate) const SHA256: Subject = Subject {
    id: "P10",
    title: "copy a file with its sha256",
    work: Work::Log(Proof::Digest(|log| of_file::<sha2::Sha256>(&log.path))),
    contestants: &[
        Contestant::files(Role::Ours, OURS, |from, to| ours(from, to, Algorithm::Sha256)),
        Contestant::files(Role::Limit, ALONE, |from, _| alone::<sha2::Sha256>(from)),
        Contestant::files(Role::Limit, LOOP, blocking_loop::<sha2::Sha256>),
        Contestant::files(Role::Peer, TOKIO_64, |from, to| {
            tokio::<sha2::Sha256>(from, to, 64 * 1024)
        }),
        Contestant::files(Role::Peer, TOKIO_256, |from, to| tokio::<sha2::Sha256>(from, to, CHUNK)),
        Contestant::node("Node pipeline, createHash", "hash.mjs", &["sha256"]),
        Contestant::node("Node pipeline, createHash, 256 KiB", "hash.mjs", &["sha256", "262144"]),
        // These two read, and write nothing.
        Contestant::program(Role::Aside, "openssl dgst", &["openssl", "dgst", "-sha256", "-r"]),
        Contestant::program(Role::Aside, "sha256sum", &["sha256sum"]),
    ],
    goals: GOALS,
};

pub(crate) const BLAKE3: Subject = Subject {
    id: "P10b",
    title: "copy a file with its blake3",
    work: Work::Log(Proof::Digest(|log| of_file::<blake3::Hasher>(&log.path))),
    contestants: &[
        Contestant::files(Role::Ours, OURS, |from, to| ours(from, to, Algorithm::Blake3)),
        Contestant::files(Role::Limit, ALONE, |from, _| alone::<blake3::Hasher>(from)),
        Contestant::files(Role::Limit, LOOP, blocking_loop::<blake3::Hasher>),
        Contestant::files(Role::Peer, TOKIO_256, |from, to| {
            tokio::<blake3::Hasher>(from, to, CHUNK)
        }),
    ],
    goals: GOALS,
};

pub(crate) const CRC32: Subject = Subject {
    id: "P10c",
    title: "copy a file with its crc32",
    work: Work::Log(Proof::Digest(|log| of_file::<crc32fast::Hasher>(&log.path))),
    contestants: &[
        Contestant::files(Role::Ours, OURS, |from, to| ours(from, to, Algorithm::Crc32)),
        Contestant::files(Role::Limit, ALONE, |from, _| alone::<crc32fast::Hasher>(from)),
        Contestant::files(Role::Limit, LOOP, blocking_loop::<crc32fast::Hasher>),
        Contestant::files(Role::Peer, TOKIO_256, |from, to| {
            tokio::<crc32fast::Hasher>(from, to, CHUNK)
        }),
    ],
    goals: GOALS,
};

const GOALS: &[Goal] = &[Goal::Speed { ours: OURS, at_least: 0.95, of_best: &[ALONE] }];

const OURS: &str = "highwater hash";
const ALONE: &str = "the engine, bytes in memory";
const LOOP: &str = "blocking loop, 256 KiB";
const TOKIO_64: &str = "tokio::fs, 64 KiB";
const TOKIO_256: &str = "tokio::fs, 256 KiB";

/// What the digest is made with, for everyone.
trait Engine: Default {
    fn put(&mut self, bytes: &[u8]);
    fn hex(self) -> String;
}

impl Engine for sha2::Sha256 {
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn hex(self) -> String {
        self.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Engine for blake3::Hasher {
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn hex(self) -> String {
        self.finalize().to_hex().to_string()
    }
}

impl Engine for crc32fast::Hasher {
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn hex(self) -> String {
        format!("{:08x}", self.finalize())
    }
}

fn ours(input: &Path, output: &Path, algorithm: Algorithm) -> Result<Answer> {
    let mut hash = Hash::new();
    let mut digest = hash.digest(algorithm);
    let copy = highwater::fs::read(input).hash(hash).pipe_to(highwater::fs::write(output));
    block_on(copy.run())?;
    let Some(digest) = digest.try_get() else { bail!("no digest behind the end") };
    Ok(Answer::of(digest?.to_hex()))
}

/// Only the digest counts, not the reading of the file before.
fn alone<E: Engine>(input: &Path) -> Result<Answer> {
    let bytes = std::fs::read(input)?;
    let (hex, time) = clock::timed(|| {
        let mut engine = E::default();
        bytes.chunks(CHUNK).for_each(|chunk| engine.put(chunk));
        engine.hex()
    });
    Ok(Answer::timed(hex, time))
}

fn blocking_loop<E: Engine>(input: &Path, output: &Path) -> Result<Answer> {
    let (mut from, mut to) = (std::fs::File::open(input)?, std::fs::File::create(output)?);
    let (mut engine, mut buffer) = (E::default(), vec![0; CHUNK]);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(Answer::of(engine.hex())),
            n => {
                engine.put(&buffer[..n]);
                to.write_all(&buffer[..n])?;
            }
        }
    }
}

fn tokio<E: Engine>(input: &Path, output: &Path, chunk: usize) -> Result<Answer> {
    block_on(async {
        let (mut from, mut to) = (File::open(input).await?, File::create(output).await?);
        let (mut engine, mut buffer) = (E::default(), vec![0; chunk]);
        loop {
            match from.read(&mut buffer).await? {
                0 => break,
                n => {
                    engine.put(&buffer[..n]);
                    to.write_all(&buffer[..n]).await?;
                }
            }
        }
        to.flush().await?;
        Ok(Answer::of(engine.hex()))
    })
}

/// What is right.
fn of_file<E: Engine>(path: &Path) -> Result<String> {
    let (mut file, mut engine) = (std::fs::File::open(path)?, E::default());
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(engine.hex()),
            n => engine.put(&buffer[..n]),
        }
    }
}
