//! What a subject is, who takes part in it, and how a contestant is asked to act.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use crate::entries::Form;
use crate::goal::Goal;
use crate::pace::Pace;
use crate::proof::Proof;
use crate::results::Unit;
use crate::task::Task;
use crate::{clock, subjects};

/// One thing that is measured, and everyone who does it.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Its number in the list of goals: `P1`.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) work: Work,
    /// The first is ours; ratios are to it.
    pub(crate) contestants: &'static [Contestant],
    pub(crate) goals: &'static [Goal],
}

/// What each contestant of a subject is given to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// The log, once through. Counts in GB/s of wall time.
    Log(Proof),
    /// The log entries, once through. Counts in GB/s of wall time; the proof is an answer.
    Entries(Form),
    /// A smaller log, to be compressed into one gzip member. Counts in GB/s of wall time, and of what goes in.
    Pack,
    /// The same compressed, to be decompressed. Counts in GB/s of wall time, and of what comes out.
    Unpack,
    /// So many numbers from 0 on. Counts in ns per item on the contestant's own clock, as starting a process would
    /// show.
    Items { count: u64, expected: fn(u64) -> u64 },
    /// So many bytes, which the contestant makes itself and cuts into chunks. Counts in GB/s on its own clock.
    Bytes { count: u64, expected: fn(u64) -> u64 },
    /// As many items as pass at this rate in a while. Counts in percent of the rate. A burst is what may pass at once.
    AtRate { per_second: u64, burst: u64 },
    /// So many echoed connections that then wait. Counts in bytes of resident memory each.
    Idle { connections: u64 },
    /// So many bytes, from one connection to another. Counts in processor time of the contestant.
    Proxy { bytes: u64 },
    /// To set a timer again and again for a while. Counts in ms by which it is late, 99 of 100 times at the most.
    Late,
}

/// One who takes part.
#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) acts: Acts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Ours,
    Peer,
    /// What the machine or the language gives at best.
    Limit,
    /// Shown beside the others, and in no goal.
    Aside,
}

/// How a contestant does its work.
#[derive(Debug)]
pub(crate) enum Acts {
    /// A function of this program, from the input file to the output file.
    OnFiles(fn(&Path, &Path) -> Result<Answer>),
    /// A function of this program, on so many items or bytes; it gives their checksum.
    OnItems(fn(u64) -> u64),
    /// A function of this program that lets items pass at the rate of the pace, until that has seen enough.
    AtRate(fn(Pace) -> Pace),
    /// A function of this program, with connections to the harness, of which it makes so many, or gets so many bytes.
    OnPeers(fn(SocketAddr, u64) -> Result<Answer>),
    /// A function of this program that sets timers for so long, and times how late they are.
    Late(fn(Duration) -> Result<Answer>),
    /// A program that reads the file it is given and writes to its standard output.
    Program { name: &'static str, arguments: &'static [&'static str] },
    /// A script in `benches/node`, from the input file to the output file, with these arguments after the two paths.
    Node { script: &'static str, arguments: &'static [&'static str] },
}

/// What a contestant found out, for the harness to compare.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    /// What counts, if that is not the time of the whole process: nanoseconds or bytes.
    taken: Option<u128>,
}

/// A contestant of this program that the harness has asked to act.
#[derive(Debug)]
pub(crate) struct Requested {
    work: &'static Work,
    contestant: &'static Contestant,
    input: PathBuf,
    output: PathBuf,
    items: u64,
}

/// What the harness starts itself with: `--contestant SUBJECT NAME INPUT OUTPUT ITEMS`. Where a rate is kept, or
/// timers are set, the items are the milliseconds for which that is looked at.
pub(crate) const FLAG: &str = "--contestant";

impl Subject {
    /// Whether the command line means this one.
    pub(crate) fn fits(&self, name: &str) -> bool {
        let without_letter = self.id.trim_end_matches(|c: char| c.is_ascii_lowercase());
        self.id.eq_ignore_ascii_case(name)
            || without_letter.eq_ignore_ascii_case(name)
            || self.title.to_lowercase().split(' ').any(|word| word == name.to_lowercase())
    }
}

impl Work {
    pub(crate) fn unit(&self) -> Unit {
        match self {
            Self::Log(_) | Self::Entries(_) | Self::Bytes { .. } | Self::Pack | Self::Unpack => {
                Unit::GigabytesPerSecond
            }
            Self::Items { .. } => Unit::NanosecondsPerItem,
            Self::AtRate { .. } => Unit::PercentOfRate,
            Self::Idle { .. } => Unit::BytesPerConnection,
            Self::Proxy { .. } => Unit::CpuSecondsPerGigabyte,
            Self::Late => Unit::MillisecondsLate,
        }
    }
}

impl Contestant {
    pub(crate) const fn files(
        role: Role,
        name: &'static str,
        function: fn(&Path, &Path) -> Result<Answer>,
    ) -> Self {
        Self { name, role, acts: Acts::OnFiles(function) }
    }

    pub(crate) const fn items(role: Role, name: &'static str, function: fn(u64) -> u64) -> Self {
        Self { name, role, acts: Acts::OnItems(function) }
    }

    pub(crate) const fn at_rate(
        role: Role,
        name: &'static str,
        function: fn(Pace) -> Pace,
    ) -> Self {
        Self { name, role, acts: Acts::AtRate(function) }
    }

    pub(crate) const fn peers(
        role: Role,
        name: &'static str,
        function: fn(SocketAddr, u64) -> Result<Answer>,
    ) -> Self {
        Self { name, role, acts: Acts::OnPeers(function) }
    }

    pub(crate) const fn late(
        role: Role,
        name: &'static str,
        function: fn(Duration) -> Result<Answer>,
    ) -> Self {
        Self { name, role, acts: Acts::Late(function) }
    }

    /// A command line; the input's path is put after it.
    pub(crate) const fn program(
        role: Role,
        name: &'static str,
        command: &'static [&'static str],
    ) -> Self {
        let [program, arguments @ ..] = command else { panic!("a command names its program") };
        Self { name, role, acts: Acts::Program { name: program, arguments } }
    }

    pub(crate) const fn node(
        name: &'static str,
        script: &'static str,
        arguments: &'static [&'static str],
    ) -> Self {
        Self { name, role: Role::Peer, acts: Acts::Node { script, arguments } }
    }

    /// The program that must be on the PATH.
    pub(crate) fn needs(&self) -> Option<&'static str> {
        match self.acts {
            Acts::OnFiles(_)
            | Acts::OnItems(_)
            | Acts::AtRate(_)
            | Acts::OnPeers(_)
            | Acts::Late(_) => None,
            Acts::Program { name, .. } => Some(name),
            Acts::Node { .. } => Some("node"),
        }
    }

    /// Whether its result is what it prints, and not an answer about it.
    pub(crate) fn prints_output(&self) -> bool {
        matches!(self.acts, Acts::Program { .. })
    }

    /// What starts it.
    ///
    /// # Errors
    ///
    /// The path of this program is not known.
    pub(crate) fn command(&self, task: &Task) -> Result<Command> {
        let Task { subject, input, output, items, .. } = task;
        let mut command;
        match self.acts {
            Acts::OnFiles(_)
            | Acts::OnItems(_)
            | Acts::AtRate(_)
            | Acts::OnPeers(_)
            | Acts::Late(_) => {
                command = Command::new(env::current_exe()?);
                command.args([FLAG, subject.id, self.name]).args([input, output]);
                command.arg(items.to_string());
            }
            Acts::Program { name, arguments } => {
                command = Command::new(name);
                command.args(arguments).arg(input);
            }
            Acts::Node { script, arguments } => {
                let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
                command = Command::new("node");
                command.arg(scripts.join(script)).args([input, output]).args(arguments);
            }
        }
        // The plain locale: with another one GNU grep decodes what it reads.
        command.env("LC_ALL", "C");
        Ok(command)
    }
}

impl Answer {
    /// A count or sum that must be as expected.
    pub(crate) fn of(answer: impl ToString) -> Self {
        Self { text: answer.to_string(), taken: None }
    }

    /// The same, where only the work counts, and not what was made ready for it.
    pub(crate) fn timed(answer: impl ToString, time: Duration) -> Self {
        Self { text: answer.to_string(), taken: Some(time.as_nanos()) }
    }

    /// The same, with the bytes that it took.
    pub(crate) fn weighed(answer: impl ToString, bytes: u64) -> Self {
        Self { text: answer.to_string(), taken: Some(bytes.into()) }
    }

    /// The result is in the output file.
    pub(crate) fn in_output() -> Self {
        Self::of("")
    }
}

/// As the harness reads it: the text on a line and, where it is measured from inside, the figure on a second one.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.taken.map_or(Ok(()), |taken| writeln!(f, "{taken}"))
    }
}

/// The contestant that this process was started to be, if it is not the harness.
///
/// # Errors
///
/// There is no such contestant.
pub(crate) fn requested() -> Result<Option<Requested>> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != FLAG) {
        return Ok(None);
    }
    let arguments: Vec<OsString> = arguments.collect();
    let [subject, name, input, output, items] = arguments.as_slice() else {
        bail!("{FLAG} SUBJECT NAME INPUT OUTPUT ITEMS");
    };
    let (work, contestant) = subjects::ALL
        .iter()
        .chain([&&subjects::NOTHING])
        .filter(|known| subject == known.id)
        .flat_map(|subject| subject.contestants.iter().map(|known| (&subject.work, known)))
        .find(|(_, known)| name == known.name)
        .with_context(|| format!("there is no contestant {name:?} in {subject:?}"))?;
    let items = items.to_str().context("a number is text")?.parse()?;
    Ok(Some(Requested { work, contestant, input: input.into(), output: output.into(), items }))
}

impl Requested {
    /// Does the work. Prints the answer and, where it is measured from inside, the figure on a second line; for a rate,
    /// the most that passed beyond it on a third.
    ///
    /// # Errors
    ///
    /// Those of the contestant.
    pub(crate) fn act(&self) -> Result<()> {
        let mut stdout = io::stdout().lock();
        match self.contestant.acts {
            Acts::OnFiles(function) => {
                write!(stdout, "{}", function(&self.input, &self.output)?)?;
            }
            Acts::OnPeers(function) => {
                let address = self.input.to_str().context("an address is text")?.parse()?;
                write!(stdout, "{}", function(address, self.items)?)?;
            }
            Acts::Late(function) => {
                write!(stdout, "{}", function(Duration::from_millis(self.items))?)?;
            }
            Acts::OnItems(function) => {
                let (sum, time) = clock::timed(|| function(self.items));
                writeln!(stdout, "{sum}\n{}", time.as_nanos())?;
            }
            Acts::AtRate(function) => {
                let Work::AtRate { per_second, .. } = *self.work else {
                    bail!("a rate is kept in a subject about one");
                };
                write!(
                    stdout,
                    "{}",
                    function(Pace::new(per_second, Duration::from_millis(self.items))).finish()
                )?;
            }
            Acts::Program { .. } | Acts::Node { .. } => bail!("this one is not in this program"),
        }
        Ok(())
    }
}
