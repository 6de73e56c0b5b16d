//! The work of one subject, made ready: run by each contestant, and the result checked.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::contestant::{Contestant, Subject, Work};
use crate::entries::Entries;
use crate::input::Log;
use crate::pace::Paced;
use crate::packed::Packed;
use crate::peers::Peers;
use crate::process::{self, Usage};
use crate::proof::{self, Proof};
use crate::results::Unit;

/// What the contestants of a subject get, and what should come out.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) subject: &'static Subject,
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
    /// Items, or the milliseconds for which a rate or timers are looked at.
    pub(crate) items: u64,
    /// Bytes or items: what the time is for.
    pub(crate) amount: u64,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    Answer(String),
    Output(PathBuf),
    Digest(String),
    /// A rate, which is what is measured.
    Rate,
    /// Compressed.
    Packed(PathBuf),
}

/// What one contestant took in one round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) usage: Usage,
    /// What the contestant itself measured, in seconds or bytes.
    pub(crate) taken: Option<f64>,
    /// How the rate was kept, if that is what is measured.
    pub(crate) paced: Option<Paced>,
}

impl Task {
    /// # Errors
    ///
    /// The log cannot be read to find out what is right.
    pub(crate) fn on_log(
        subject: &'static Subject,
        proof: &Proof,
        log: &Log,
        folder: &Path,
    ) -> Result<Self> {
        let expected = match proof {
            Proof::Answer(answer) => Expected::Answer(answer(log)),
            Proof::Output(output) => Expected::Output(output(log).to_owned()),
            Proof::Digest(digest) => Expected::Digest(digest(log)?),
        };
        let (input, output) = (log.path.clone(), folder.join("output"));
        Ok(Self { subject, input, output, items: 0, amount: log.bytes, expected })
    }

    pub(crate) fn on_entries(subject: &'static Subject, entries: &Entries) -> Self {
        let Entries { path, bytes, tally } = entries;
        let expected = Expected::Answer(tally.to_string());
        let (input, output) = (path.clone(), PathBuf::new());
        Self { subject, input, output, items: 0, amount: *bytes, expected }
    }

    /// There, or back again.
    pub(crate) fn on_packed(subject: &'static Subject, packed: &Packed, folder: &Path) -> Self {
        let (path, output) = (packed.log.path.clone(), folder.join("output"));
        let (input, expected) = match subject.work {
            Work::Unpack => (packed.gz.clone(), Expected::Output(path)),
            _ => (path.clone(), Expected::Packed(path)),
        };
        Self { subject, input, output, items: 0, amount: packed.log.bytes, expected }
    }

    pub(crate) fn on_items(subject: &'static Subject, items: u64, sum: u64) -> Self {
        let (input, output) = (PathBuf::new(), PathBuf::new());
        let expected = Expected::Answer(sum.to_string());
        Self { subject, input, output, items, amount: items, expected }
    }

    /// Its input is the address of the peers.
    pub(crate) fn on_peers(subject: &'static Subject, peers: &Peers, items: u64) -> Self {
        let (input, output) = (peers.address.to_string().into(), PathBuf::new());
        let expected = Expected::Answer(items.to_string());
        Self { subject, input, output, items, amount: items, expected }
    }

    pub(crate) fn at_rate(subject: &'static Subject, millis: u64) -> Self {
        let (input, output) = (PathBuf::new(), PathBuf::new());
        Self { subject, input, output, items: millis, amount: millis, expected: Expected::Rate }
    }

    pub(crate) fn late(subject: &'static Subject, millis: u64) -> Self {
        let (input, output) = (PathBuf::new(), PathBuf::new());
        let expected = Expected::Answer("late".to_owned());
        Self { subject, input, output, items: millis, amount: 1, expected }
    }

    /// Has a contestant do it.
    ///
    /// # Errors
    ///
    /// It fails, or its result is wrong.
    pub(crate) fn run(&self, contestant: &Contestant) -> Result<Round> {
        let has_output = matches!(self.expected, Expected::Output(_) | Expected::Packed(_));
        let stdout = contestant.prints_output() && has_output;
        // A file, never /dev/null: GNU grep stops at the first match when nobody can see the rest.
        let stdout = stdout.then(|| File::create(&self.output)).transpose()?;
        let usage = process::run(contestant.command(self)?, stdout)?;
        if let Expected::Rate = self.expected {
            let paced = Paced::parse(&usage.answer).context("it says how it kept the rate")?;
            ensure!(paced.items > 1, "it let {} items pass", paced.items);
            return Ok(Round { usage, taken: Some(paced.time.as_secs_f64()), paced: Some(paced) });
        }
        let mut lines = usage.answer.lines();
        let answer = lines.next().unwrap_or_default();
        match &self.expected {
            Expected::Answer(right) => {
                ensure!(answer == right, "the answer is {answer:?}, and should be {right:?}");
            }
            Expected::Output(right) => proof::same(&self.output, right)?,
            Expected::Packed(right) => proof::unpacks(&self.output, right)?,
            Expected::Digest(right) => {
                let digest = answer.split(' ').next().unwrap_or_default();
                ensure!(digest == right, "the digest is {digest:?}, and should be {right:?}");
                if self.output.exists() {
                    proof::same(&self.output, &self.input)?;
                }
            }
            Expected::Rate => unreachable!("it was dealt with above"),
        }
        if self.output.exists() {
            // Gone before the kernel begins to write it to the disk under the next contestant.
            fs::remove_file(&self.output)?;
        }
        let taken = lines.next().map(str::parse::<f64>).transpose();
        let taken = taken.context("the second line is a figure")?;
        let taken = match self.subject.work.unit() {
            Unit::CpuSecondsPerGigabyte => Some(usage.cpu.as_secs_f64()),
            Unit::BytesPerConnection => taken,
            _ => taken.map(|nanoseconds| nanoseconds / 1e9),
        };
        Ok(Round { usage, taken, paced: None })
    }
}
