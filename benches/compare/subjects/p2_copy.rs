//! P2: a file to a new file.

use std::path::Path;

use anyhow::Result;
use tokio::fs::{self, File};
use tokio::io::{self, AsyncWriteExt as _, BufReader};

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::proof::Proof;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P2",
    title: "copy a file",
    work: Work::Log(Proof::Output(|log| &log.path)),
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::program(Role::Limit, "cat > file", &["cat"]),
        Contestant::files(Role::Peer, COPY, copy),
        Contestant::files(Role::Peer, BUF_64, |from, to| copy_buf(from, to, 64 * 1024, None)),
        Contestant::files(Role::Peer, BUF_256, |from, to| copy_buf(from, to, CHUNK, None)),
        Contestant::files(Role::Peer, BUF_256_FILE_256, |from, to| {
            copy_buf(from, to, CHUNK, Some(CHUNK))
        }),
        Contestant::node("Node pipeline", "copy.mjs", &[]),
        Contestant::node("Node pipeline, 256 KiB", "copy.mjs", &["262144"]),
        // The kernel's copy_file_range: nothing can be put between the two files.
        Contestant::files(Role::Aside, "tokio fs::copy, no stream", copy_in_kernel),
    ],
    goals: &[
        Goal::Speed { ours: OURS, at_least: 0.8, of_best: &["cat > file"] },
        Goal::Speed {
            ours: OURS,
            at_least: 2.5,
            of_best: &[COPY, BUF_64, BUF_256, BUF_256_FILE_256],
        },
    ],
};

const OURS: &str = "highwater fs::read, fs::write";
const COPY: &str = "tokio io::copy";
const BUF_64: &str = "tokio copy_buf, 64 KiB";
const BUF_256: &str = "tokio copy_buf, 256 KiB";
const BUF_256_FILE_256: &str = "the same, set_max_buf_size";

fn ours(input: &Path, output: &Path) -> Result<Answer> {
    block_on(highwater::fs::read(input).pipe_to(highwater::fs::write(output)).run())?;
    Ok(Answer::in_output())
}

fn copy(input: &Path, output: &Path) -> Result<Answer> {
    block_on(async {
        let (mut from, mut to) = (File::open(input).await?, File::create(output).await?);
        io::copy(&mut from, &mut to).await?;
        to.flush().await?;
        Ok(Answer::in_output())
    })
}

/// `most` is what the two files pass to the blocking pool at a time, if not Tokio's 2 MiB.
fn copy_buf(input: &Path, output: &Path, buffer: usize, most: Option<usize>) -> Result<Answer> {
    block_on(async {
        let (mut from, mut to) = (File::open(input).await?, File::create(output).await?);
        if let Some(most) = most {
            from.set_max_buf_size(most);
            to.set_max_buf_size(most);
        }
        io::copy_buf(&mut BufReader::with_capacity(buffer, from), &mut to).await?;
        to.flush().await?;
        Ok(Answer::in_output())
    })
}

fn copy_in_kernel(input: &Path, output: &Path) -> Result<Answer> {
    block_on(fs::copy(input, output))?;
    Ok(Answer::in_output())
}
