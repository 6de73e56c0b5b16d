//! The rounds: everyone once, in turn, and again.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::contestant::{Contestant, Subject, Work};
use crate::entries::{Entries, Form};
use crate::input::Log;
use crate::packed::Packed;
use crate::peers::Peers;
use crate::process;
use crate::results::{About, Machine, Outcome, Over, Results, Row, Skipped, Spread, Unit};
use crate::subjects::NOTHING;
use crate::task::{Round, Task};

/// Measures the subjects.
///
/// # Errors
///
/// A contestant fails, or its result is wrong.
pub(crate) fn run(subjects: &[&'static Subject], arguments: &Arguments) -> Result<Results> {
    let machine = Machine::look();
    let mut name = tempfile::Builder::new();
    let folder = name.prefix("compare-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut runner =
        Runner { folder, log: None, ndjson: None, csv: None, packed: None, peers: None, arguments };
    let subjects = subjects.iter().map(|subject| runner.measure(subject)).collect::<Result<_>>()?;
    // Last, as the harness has its full size now, and that is where Linux begins to count.
    let empty = runner.task(&NOTHING)?.run(&NOTHING.contestants[0])?.usage.peak_memory;
    let (quick, rounds) = (arguments.is_quick(), arguments.rounds());
    let about = About { machine, quick, rounds, empty_process_bytes: empty };
    Ok(Results { about, subjects })
}

struct Runner<'a> {
    /// Removed in the end, with the input.
    folder: TempDir,
    /// Made when the first subject needs it.
    log: Option<Log>,
    /// The same for those that read NDJSON.
    ndjson: Option<Entries>,
    /// The same for those that read CSV.
    csv: Option<Entries>,
    /// The same for those that compress.
    packed: Option<Packed>,
    /// The other ends of connections, started when the first subject needs them.
    peers: Option<Peers>,
    arguments: &'a Arguments,
}

impl Runner<'_> {
    /// Runs all contestants of a subject in all rounds.
    fn measure(&mut self, subject: &'static Subject) -> Result<Outcome> {
        let task = self.task(subject)?;
        let (mut field, mut skipped) = (Vec::new(), Vec::new());
        for contestant in subject.contestants {
            match contestant.needs().filter(|program| !process::is_installed(program)) {
                Some(needs) => skipped.push(Skipped { name: contestant.name, needs }),
                None => field.push((contestant, Vec::new())),
            }
        }
        let (warm_up, rounds) = (self.arguments.warm_up(), self.arguments.rounds());
        for number in 0..warm_up + rounds {
            let what = if number < warm_up { "warm-up" } else { "round" };
            say(&format!("{} {}: {what} {number}", subject.id, subject.title))?;
            // Another one begins each round: whoever comes behind a large process finds other caches than the rest.
            if number > 0 {
                field.rotate_left(1);
            }
            for (contestant, taken) in &mut field {
                let round = task.run(contestant);
                let round =
                    round.with_context(|| format!("{}, {}", subject.id, contestant.name))?;
                if number >= warm_up {
                    taken.push(round);
                }
            }
        }
        let place = |name| subject.contestants.iter().position(|known| known.name == name);
        field.sort_by_key(|(contestant, _)| place(contestant.name));
        let unit = subject.work.unit();
        let rows: Vec<_> = field.iter().map(|(who, taken)| row(who, taken, &task, unit)).collect();
        let absent: Vec<_> = skipped.iter().map(|skipped| skipped.name).collect();
        let goals = subject.goals.iter().map(|goal| goal.judge(&rows, &absent)).collect();
        Ok(Outcome { id: subject.id, title: subject.title, unit, rows, skipped, goals })
    }

    fn task(&mut self, subject: &'static Subject) -> Result<Task> {
        let quick = self.arguments.is_quick();
        match &subject.work {
            Work::Items { count, expected } | Work::Bytes { count, expected } => {
                let count = if quick { count / QUICK_PART } else { *count };
                Ok(Task::on_items(subject, count, expected(count)))
            }
            Work::Idle { connections: items } | Work::Proxy { bytes: items } => {
                let peers = match self.peers.take() {
                    Some(peers) => peers,
                    None => Peers::start()?,
                };
                let items = if quick { items / QUICK_PART } else { *items };
                Ok(Task::on_peers(subject, self.peers.insert(peers), items))
            }
            Work::AtRate { .. } => {
                Ok(Task::at_rate(subject, if quick { QUICK_MILLIS } else { MILLIS }))
            }
            Work::Late => Ok(Task::late(subject, if quick { QUICK_MILLIS } else { MILLIS })),
            Work::Entries(form) => {
                let made = match form {
                    Form::Ndjson => &mut self.ndjson,
                    Form::Csv => &mut self.csv,
                };
                let entries = match made.take() {
                    Some(entries) => entries,
                    None => {
                        say("making log entries")?;
                        let bytes = if quick { QUICK_LOG } else { ENTRIES };
                        Entries::make(self.folder.path(), *form, bytes)?
                    }
                };
                Ok(Task::on_entries(subject, made.insert(entries)))
            }
            Work::Log(proof) => {
                let log = match self.log.take() {
                    Some(log) => log,
                    None => {
                        say("making the log")?;
                        Log::make(self.folder.path(), if quick { QUICK_LOG } else { LOG })?
                    }
                };
                let log = self.log.insert(log);
                Task::on_log(subject, proof, log, self.folder.path())
            }
            Work::Pack | Work::Unpack => {
                let packed = match self.packed.take() {
                    Some(packed) => packed,
                    None => {
                        say("making a log to compress")?;
                        let bytes = if quick { QUICK_PACKED } else { PACKED };
                        Packed::make(self.folder.path(), bytes)?
                    }
                };
                let packed = self.packed.insert(packed);
                Ok(Task::on_packed(subject, packed, self.folder.path()))
            }
        }
    }
}

/// Sums the rounds of a contestant up.
fn row(contestant: &Contestant, rounds: &[Round], task: &Task, unit: Unit) -> Row {
    let wall = |round: &Round| round.usage.wall.as_secs_f64();
    let time = |round: &Round| round.taken.unwrap_or_else(|| wall(round));
    let time = Spread::of(rounds.iter().map(time));
    let mut row = Row {
        name: contestant.name,
        role: contestant.role,
        wall: Spread::of(rounds.iter().map(wall)),
        cpu: Spread::of(rounds.iter().map(|round| round.usage.cpu.as_secs_f64())),
        time,
        figure: time.map(|taken| unit.figure(task.amount, taken)),
        over: None,
        peak_bytes: rounds.iter().map(|round| round.usage.peak_memory).max().unwrap_or_default(),
    };
    if let Work::AtRate { per_second, burst } = task.subject.work {
        let paced = || rounds.iter().filter_map(|round| round.paced.as_ref());
        row.figure = Spread::of(paced().map(|paced| paced.percent_of(per_second)));
        // What items that take a second at the rate have taken.
        row.time = row.figure.map(|percent| 100.0 / percent);
        let items = paced().map(|paced| paced.over).fold(0.0, f64::max);
        row.over = Some(Over { items, burst });
    }
    row
}

/// Shows how far it is, apart from the table.
fn say(what: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{what}")
}

/// Bytes of the log.
const LOG: u64 = 1024 * 1024 * 1024;
/// Bytes of the entries, in NDJSON and in CSV.
const ENTRIES: u64 = LOG / 2;
/// Bytes of the log in a quick run.
const QUICK_LOG: u64 = 16 * 1024 * 1024;
/// For how long a rate or timers are looked at, in milliseconds.
const MILLIS: u64 = 2000;
/// The same in a quick run.
const QUICK_MILLIS: u64 = 200;
/// Bytes of the log that is compressed.
const PACKED: u64 = 256 * 1024 * 1024;
/// Bytes of the log that is compressed in a quick run.
const QUICK_PACKED: u64 = 4 * 1024 * 1024;
/// One part of so many of the items, in a quick run.
const QUICK_PART: u64 = 200;
