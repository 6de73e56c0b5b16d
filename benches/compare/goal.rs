//! What a subject should reach, and whether it did.

use std::fmt::Write as _;

use serde::Serialize;

use crate::results::{MIB, Over, Row};

/// A bound on a ratio to peers of the same run, or on memory.
#[derive(Debug)]
pub(crate) enum Goal {
    /// Throughput: at least so many times that of the best of these.
    Speed { ours: &'static str, at_least: f64, of_best: &'static [&'static str] },
    /// Time per item: at most so many times that of the best of these.
    Cost { ours: &'static str, at_most: f64, of_best: &'static [&'static str] },
    /// Processor time: at most so many times that of the best of these.
    Cpu { ours: &'static str, at_most: f64, of_best: &'static [&'static str] },
    /// A rate: within so many percent, and in no window more than a burst beyond it.
    Rate { ours: &'static str, within: f64 },
    /// Peak memory, in MiB.
    Memory { ours: &'static str, at_most: f64 },
}

/// What came of a goal.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) text: String,
    /// `None` if none of those it is measured against took part.
    pub(crate) met: Option<bool>,
}

impl Goal {
    /// Judges the rows of a subject.
    ///
    /// # Panics
    ///
    /// If it names nobody of its subject, which is a mistake in the subject's table.
    pub(crate) fn judge(&self, rows: &[Row], skipped: &[&str]) -> Verdict {
        let row = |name: &str| rows.iter().find(|row| row.name == name);
        let ours = |name| row(name).expect("a goal is about a contestant of its subject");
        let best = |names: &[&str], cost: fn(&Row) -> f64| {
            let known = |name: &&&str| row(name).is_some() || skipped.contains(name);
            assert_eq!(names.iter().filter(known).count(), names.len(), "{names:?} take part");
            let present = names.iter().filter_map(|name| row(name));
            present.min_by(|a, b| cost(a).total_cmp(&cost(b)))
        };
        match *self {
            Self::Memory { ours: name, at_most } => {
                let (value, what) =
                    (ours(name).peak_bytes as f64 / MIB, format!("{name}, peak memory in MiB"));
                Verdict::new(&what, value, "<=", at_most, value <= at_most)
            }
            Self::Rate { ours: name, within } => {
                let row = ours(name);
                let (off, over) = ((row.figure.median - 100.0).abs(), row.over);
                let Over { items, burst } = over.expect("it is about a rate");
                let what = format!("{name}, {items:.1} at once (goal <= {burst}), percent off");
                Verdict::new(&what, off, "<=", within, off <= within && items <= burst as f64)
            }
            Self::Cpu { ours: name, at_most, of_best } => {
                match best(of_best, |row| row.cpu.median) {
                    None => Verdict::unknown(name, of_best),
                    Some(best) => {
                        let value = ours(name).cpu.median / best.cpu.median;
                        let what = versus(name, best, of_best, "processor time");
                        Verdict::new(&what, value, "<=", at_most, value <= at_most)
                    }
                }
            }
            Self::Speed { ours: name, at_least, of_best } => {
                match best(of_best, |row| row.time.median) {
                    None => Verdict::unknown(name, of_best),
                    Some(best) => {
                        let value = best.time.median / ours(name).time.median;
                        let what = versus(name, best, of_best, "speed");
                        Verdict::new(&what, value, ">=", at_least, value >= at_least)
                    }
                }
            }
            Self::Cost { ours: name, at_most, of_best } => {
                match best(of_best, |row| row.time.median) {
                    None => Verdict::unknown(name, of_best),
                    Some(best) => {
                        let value = ours(name).time.median / best.time.median;
                        let what = versus(name, best, of_best, "time");
                        Verdict::new(&what, value, "<=", at_most, value <= at_most)
                    }
                }
            }
        }
    }
}

impl Verdict {
    fn new(what: &str, value: f64, sign: &str, bound: f64, met: bool) -> Self {
        let verdict = if met { "met" } else { "missed" };
        Self {
            text: format!("{what} = {value:.2} (goal {sign} {bound}) {verdict}"),
            met: Some(met),
        }
    }

    fn unknown(ours: &str, of: &[&str]) -> Self {
        Self { text: format!("{ours} / {}: not measured", of.join(", ")), met: None }
    }
}

/// `ours / peer, speed`, and out of how many the peer is the best.
fn versus(ours: &str, best: &Row, of_best: &[&str], quantity: &str) -> String {
    let mut text = format!("{ours} / {}", best.name);
    if of_best.len() > 1 {
        write!(text, " (best of {})", of_best.len()).expect("a string takes everything");
    }
    text + ", " + quantity
}
