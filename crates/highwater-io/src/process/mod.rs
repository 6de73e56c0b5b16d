//! Child processes as duplexes.

mod exit;
mod failed;
mod input;
mod output;

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use highwater_core::stage::StageInfo;
use highwater_core::{Duplex, Error, Readable, Result};
use tokio::process::{ChildStderr, Command};

pub use exit::Exit;
pub use failed::Failed;
pub use input::Input;
pub use output::{CutOff, Errors, Output};

use crate::io::read;
use exit::Shared;
use failed::Tail;
use output::Pipe;

/// Starts a program: what is written goes to its standard input, what is read comes from its standard output, and the
/// readable ends well only when the program does.
///
/// The output ends with the program, not with the last process that has inherited its pipe: after the exit, all that the
/// program wrote is read, and processes that it left behind may write for another second, or the
/// [grace period](Process::with_grace) that is set.
///
/// The program is killed when [`Process::output`] is dropped, so it ends with the pipeline that reads it. What it says on
/// standard error goes where ours goes, unless the command says otherwise; with [`Stdio::piped`] it is
/// [`Process::errors`], and must be read as well.
///
/// # Errors
///
/// The program cannot be started; the error names it. A program that ends with another status than 0, or by a signal, is
/// an error at the end of its output, behind all of it. A program that ends before it has read all its input fails what
/// writes it, with a broken pipe; the status of the program is the better error, and a pipeline of its own for the input
/// keeps the two apart.
///
/// # Panics
///
/// Outside of a Tokio runtime with I/O and time enabled.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_io::process;
/// use tokio::process::Command;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let sort = process::spawn(&mut Command::new("sort"))?;
/// let input = Readable::from_iter(["pear\n", "apple\n"]).map(Bytes::from).pipe_to(sort.input);
/// let (_, sorted) = tokio::try_join!(input.run(), sort.output.to_bytes())?;
/// assert_eq!(sorted, "apple\npear\n");
/// # Ok(()) }
/// ```
pub fn spawn(command: &mut Command) -> Result<Process> {
    start(command, false)
}

/// The same, where what the program says on standard error is read beside its output, and its last 4 KiB are in the
/// error if it fails: nothing of it is shown, and it cannot fill its pipe and stop there.
///
/// # Errors
///
/// Those of [`spawn`]; [`Failed::said`] is the end of what the program said.
///
/// # Panics
///
/// Outside of a Tokio runtime with I/O and time enabled.
///
/// # Examples
///
/// ```
/// use highwater_io::process::{self, Failed};
/// use tokio::process::Command;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let script = ["-c", "echo no such table >&2; exit 3"];
/// let dump = process::spawn_quiet(Command::new("sh").args(script))?;
/// let error = dump.output.to_bytes().await.unwrap_err();
/// let failed: &Failed = error.downcast_ref().expect("it ended with 3");
/// assert_eq!((failed.status().code(), failed.said()), (Some(3), "no such table"));
/// # Ok(()) }
/// ```
pub fn spawn_quiet(command: &mut Command) -> Result<Process> {
    start(command.stderr(Stdio::piped()), true)
}

fn start(command: &mut Command, quiet: bool) -> Result<Process> {
    let name: Arc<str> = command.as_std().get_program().to_string_lossy().into();
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = spawned.map_err(|error| {
        Error::from(error).context(format!("cannot start {name}")).in_stage("process::spawn")
    })?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::msg("its standard input and output were not given as pipes"));
    };
    let stderr = child.stderr.take();
    let id = child.id();
    let (shared, cut_off) = (Shared::new(child, GRACE), CutOff::default());
    let (errors, tail) = match stderr {
        Some(stderr) if quiet => (None, Some(Tail::new(stderr))),
        stderr => (stderr.map(|stderr| errors(stderr, &shared, &cut_off)), None),
    };
    let info = StageInfo::new("process::spawn").with_max_bytes(0);
    let (exit, counted) = (shared.exit(), cut_off.clone());
    let output = read(stdout)
        .stage(info, |stdout| Output::new(Pipe::new(stdout, exit, counted), name, tail));
    Ok(Process { input: Input::new(stdin), output, errors, id, shared, cut_off })
}

fn errors(stderr: ChildStderr, shared: &Arc<Shared>, cut_off: &CutOff) -> Readable<Errors> {
    let (exit, counted) = (shared.exit(), cut_off.clone());
    let info = StageInfo::new("process::errors").with_max_bytes(0);
    read(stderr).stage(info, |stderr| Errors::new(Pipe::new(stderr, exit, counted)))
}

/// A program that runs.
#[non_exhaustive]
pub struct Process {
    /// Its standard input. Finishing or aborting it closes the pipe.
    pub input: Input,
    /// Its standard output; ends with its exit. Dropping it kills the program.
    pub output: Readable<Output>,
    /// Its standard error, if the command asked for a pipe.
    pub errors: Option<Readable<Errors>>,
    id: Option<u32>,
    shared: Arc<Shared>,
    cut_off: CutOff,
}

impl Process {
    /// The number the system gave it.
    pub fn id(&self) -> Option<u32> {
        self.id
    }

    /// How long processes that have inherited its pipes may write after its exit, counted from when all that the program
    /// itself wrote was read. 1 s unless set, at least 1 ms. What comes later is dropped and [counted](Self::cut_off), and
    /// the pipes are closed.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        self.shared.set_grace(grace);
        self
    }

    /// The exit of the program, which does not wait for the end of its output. Ask for it before `input` or `output` is moved
    /// out: the handle stays valid.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_io::process;
    /// use tokio::process::Command;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
    /// let check = process::spawn(Command::new("sh").args(["-c", "exit 3"]))?;
    /// let status = check.exit().await?;
    /// assert_eq!(status.code(), Some(3));
    /// # Ok(()) }
    /// ```
    pub fn exit(&self) -> Exit {
        self.shared.exit()
    }

    /// Output of other processes that was not waited for; readable after the output has ended.
    pub fn cut_off(&self) -> CutOff {
        self.cut_off.clone()
    }

    /// Its input and output as a duplex.
    pub fn into_duplex(self) -> Duplex<Readable<Output>, Input> {
        Duplex::from_parts(self.output, self.input)
    }
}

highwater_core::debug_fields!(Process, id);

/// The grace period unless set.
const GRACE: Duration = Duration::from_secs(1);
