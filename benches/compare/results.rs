//! What came out of a run: medians and spreads, as they go into the table, the JSON and the plots.

use std::{env, fs, thread};

use serde::Serialize;

use crate::contestant::Role;
use crate::goal::Verdict;

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) about: About,
    pub(crate) subjects: Vec<Outcome>,
}

/// How and where it ran.
#[derive(Debug, Serialize)]
pub(crate) struct About {
    pub(crate) machine: Machine,
    /// A run on a small input, whose figures say nothing.
    pub(crate) quick: bool,
    pub(crate) rounds: u32,
    /// Peak memory of a contestant that does nothing: no figure can be below it.
    pub(crate) empty_process_bytes: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    os: &'static str,
    arch: &'static str,
    cpus: usize,
    /// Known on Linux.
    cpu: Option<String>,
    /// Processes that ran or wanted to, on average over the minute before the start; known on Linux.
    load: Option<f64>,
}

/// One subject.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: Unit,
    /// Ours first.
    pub(crate) rows: Vec<Row>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) goals: Vec<Verdict>,
}

/// One contestant.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    /// Seconds of wall time of the whole process.
    pub(crate) wall: Spread,
    /// Seconds of user and system time of the whole process.
    pub(crate) cpu: Spread,
    /// What counts: seconds of wall time, or of the work alone where the contestant has the clock; seconds of processor time
    /// or bytes of memory where those are measured.
    pub(crate) time: Spread,
    /// The same in the unit of the subject.
    pub(crate) figure: Spread,
    /// Where a rate is kept: what passed beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) over: Option<Over>,
    /// The most that any round took.
    pub(crate) peak_bytes: u64,
}

/// What passed beyond a rate, in the window in which that was the most.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Over {
    pub(crate) items: f64,
    /// What may pass at once.
    pub(crate) burst: u64,
}

/// One who could not take part.
#[derive(Debug, Serialize)]
pub(crate) struct Skipped {
    pub(crate) name: &'static str,
    /// The program that is not there.
    pub(crate) needs: &'static str,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// What a subject's figures are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Unit {
    #[serde(rename = "GB/s")]
    GigabytesPerSecond,
    #[serde(rename = "ns per item")]
    NanosecondsPerItem,
    #[serde(rename = "percent of the rate")]
    PercentOfRate,
    #[serde(rename = "bytes per connection")]
    BytesPerConnection,
    #[serde(rename = "s of processor time per GB")]
    CpuSecondsPerGigabyte,
    #[serde(rename = "ms late")]
    MillisecondsLate,
}

/// Bytes per MiB.
pub(crate) const MIB: f64 = 1024.0 * 1024.0;

impl Machine {
    /// Looks at the machine before anything runs.
    pub(crate) fn look() -> Self {
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|line| line.starts_with("model name"));
        let cpu = model.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|minute| minute.parse().ok());
        Self { os: env::consts::OS, arch: env::consts::ARCH, cpus, cpu, load }
    }

    /// The load, if it was so high that contestants had to wait for others.
    pub(crate) fn was_busy(&self) -> Option<f64> {
        self.load.filter(|load| *load > self.cpus as f64 / 2.0)
    }
}

impl Spread {
    /// # Panics
    ///
    /// If there is no value.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (middle, last) = (values.len() / 2, values.len() - 1);
        let median = f64::midpoint(values[middle], values[last - middle]);
        Self { median, min: values[0], max: values[last] }
    }

    /// In another unit; one that falls when this one rises turns the spread round.
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let (a, b) = (f(self.min), f(self.max));
        Self { median: f(self.median), min: a.min(b), max: a.max(b) }
    }
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GigabytesPerSecond => "GB/s",
            Self::NanosecondsPerItem => "ns/item",
            Self::PercentOfRate => "% rate",
            Self::BytesPerConnection => "B/conn",
            Self::CpuSecondsPerGigabyte => "cpu s/GB",
            Self::MillisecondsLate => "ms late",
        }
    }

    /// What was taken for so many bytes, items or connections, in this unit.
    pub(crate) fn figure(self, amount: u64, taken: f64) -> f64 {
        match self {
            Self::GigabytesPerSecond => amount as f64 / taken / 1e9,
            Self::NanosecondsPerItem | Self::CpuSecondsPerGigabyte => taken / amount as f64 * 1e9,
            Self::BytesPerConnection => taken / amount as f64,
            Self::PercentOfRate => f64::NAN,
            Self::MillisecondsLate => taken * 1e3,
        }
    }
}
