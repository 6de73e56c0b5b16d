//! The command line.

use anyhow::{Result, bail};
use clap::Parser;

use crate::contestant::Subject;
use crate::subjects;

/// Measures highwater beside its peers and the limit, in the same run.
#[derive(Debug, Parser)]
#[command(name = "compare")]
pub(crate) struct Arguments {
    /// What to measure: P1, P2, … or a word of a title; everything if nothing is named
    #[arg(value_name = "SUBJECT")]
    names: Vec<String>,

    /// One round on a small input: shows that everything runs and is correct, not how fast it is
    #[arg(long)]
    quick: bool,

    /// Write JSON and plots into docs/performance, too
    #[arg(long, conflicts_with = "quick")]
    pub(crate) save: bool,

    /// Rounds that count, after one to warm up
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// What `cargo bench` passes. Without it (`cargo test --benches`) the run is a quick one
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// The subjects that were named, in the order of the table.
    ///
    /// # Errors
    ///
    /// A name that fits no subject.
    pub(crate) fn subjects(&self) -> Result<Vec<&'static Subject>> {
        for name in &self.names {
            if !subjects::ALL.iter().any(|subject| subject.fits(name)) {
                let all: Vec<_> =
                    subjects::ALL.iter().map(|s| format!("{} {}", s.id, s.title)).collect();
                bail!("there is no subject {name:?}; there are\n  {}", all.join("\n  "));
            }
        }
        let wanted = |s: &&Subject| self.names.is_empty() || self.names.iter().any(|n| s.fits(n));
        Ok(subjects::ALL.iter().copied().filter(wanted).collect())
    }

    /// Whether this is a smoke run.
    pub(crate) fn is_quick(&self) -> bool {
        self.quick || !self.bench
    }

    /// Rounds whose figures are thrown away.
    pub(crate) fn warm_up(&self) -> u32 {
        u32::from(!self.is_quick())
    }

    /// Rounds whose figures count.
    pub(crate) fn rounds(&self) -> u32 {
        if self.is_quick() { 1 } else { self.rounds }
    }
}
