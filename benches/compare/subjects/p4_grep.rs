//! P4: the lines of a file with a word in them, to a new file.

use std::path::Path;

use anyhow::Result;
use highwater::prelude::*;

use super::block_on;
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::proof::Proof;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P4",
    title: "grep for a literal",
    work: Work::Log(Proof::Output(|log| &log.errors)),
    contestants: &[
        Contestant::files(Role::Ours, OURS, ours),
        Contestant::program(Role::Peer, GREP, &["grep", "-F", "ERROR"]),
        Contestant::program(
            Role::Peer,
            RIPGREP,
            &["rg", "--no-config", "--no-mmap", "--no-line-number", "-F", "ERROR"],
        ),
        // A file that is mapped must not get shorter meanwhile, and a pipe cannot be mapped.
        Contestant::program(
            Role::Aside,
            "ripgrep --mmap",
            &["rg", "--no-config", "--mmap", "--no-line-number", "-F", "ERROR"],
        ),
    ],
    goals: &[
        Goal::Speed { ours: OURS, at_least: 1.3, of_best: &[GREP] },
        Goal::Speed { ours: OURS, at_least: 1.0, of_best: &[RIPGREP] },
        Goal::Memory { ours: OURS, at_most: 6.0 },
    ],
};

const OURS: &str = "highwater grep";
const GREP: &str = "grep -F";
const RIPGREP: &str = "ripgrep --no-mmap";

fn ours(input: &Path, output: &Path) -> Result<Answer> {
    // The search is what takes the time: less than the usual read-ahead keeps up with it, and saves memory.
    let read = highwater::fs::ReadOptions::new().with_read_ahead(3).read(input);
    let found = read.grep("ERROR");
    block_on(found.pipe_to(highwater::fs::write(output)).run())?;
    Ok(Answer::in_output())
}
