//! Child processes as duplexes.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::{Duplex, Error, Readable, Result, Source, StageInfo};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::io::{AsyncDestination, AsyncSource, read, write};

/// Starts a program: what is written goes to its standard input, what is read comes from its standard output, and the
/// readable ends well only when the program does.
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
/// Outside of a Tokio runtime with I/O enabled.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_io::process;
/// use tokio::process::Command;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let sort = process::spawn(&mut Command::new("sort"))?;
/// let input = Readable::from_iter(["pear\n", "apple\n"]).pipe_to(sort.input);
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
/// Outside of a Tokio runtime with I/O enabled.
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
    let name: std::sync::Arc<str> = command.as_std().get_program().to_string_lossy().into();
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = spawned.map_err(|error| {
        Error::from(error).context(format!("cannot start {name}")).in_stage("process::spawn")
    })?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::msg("its standard input and output were not given as pipes"));
    };
    let stderr = child.stderr.take();
    let (errors, tail) =
        if quiet { (None, stderr.map(Tail::new)) } else { (stderr.map(read), None) };
    let id = child.id();
    let info = StageInfo::new("process::spawn").holds(0);
    let output = read(stdout).stage(info, |stdout| Output {
        stdout: Some(stdout),
        child,
        name,
        tail,
        over: false,
    });
    Ok(Process { input: write(stdin), output, errors, id })
}

/// A program that runs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Process {
    /// Its standard input. Finishing it closes the pipe.
    pub input: AsyncDestination<ChildStdin>,
    /// Its standard output; ends with its exit.
    pub output: Readable<Output>,
    /// Its standard error, if the command asked for a pipe.
    pub errors: Option<Readable<AsyncSource<ChildStderr>>>,
    id: Option<u32>,
}

impl Process {
    /// The number the system gave it.
    pub fn id(&self) -> Option<u32> {
        self.id
    }

    /// Its input and output as a duplex.
    pub fn into_duplex(self) -> Duplex<Readable<Output>, AsyncDestination<ChildStdin>> {
        Duplex::from_parts(self.output, self.input)
    }
}

/// The output of a program, and its exit at the end. Dropping it kills the program.
pub struct Output {
    /// Until it has ended.
    stdout: Option<AsyncSource<ChildStdout>>,
    child: Child,
    name: std::sync::Arc<str>,
    tail: Option<Tail>,
    over: bool,
}

impl Output {
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let Some(stdout) = &mut self.stdout else { return Poll::Ready(None) };
        let chunk = ready!(Pin::new(stdout).poll_next(cx));
        if chunk.is_none() {
            self.stdout = None;
        }
        Poll::Ready(chunk)
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        // What the child needs to wake the task is in the child, not in this future.
        let status = ready!(pin!(self.child.wait()).poll(cx))?;
        if let (Some(tail), false) = (&mut self.tail, status.success()) {
            // What it said before it ended is in the pipe; who else holds the pipe open is not waited for.
            tail.read_on(cx);
        }
        Poll::Ready(if status.success() { Ok(()) } else { Err(self.failed(status)) })
    }

    fn failed(&self, status: ExitStatus) -> Error {
        let said = self.tail.as_ref().map(Tail::text).unwrap_or_default();
        Error::from(Failed { status, said })
            .context(format!("{} failed", self.name))
            .in_stage("process::spawn")
    }
}

impl Stream for Output {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(tail) = &mut self.tail {
            tail.read_on(cx);
        }
        if let Some(chunk) = ready!(self.poll_output(cx)) {
            self.over = chunk.is_err();
            return Poll::Ready(Some(chunk));
        }
        let exit = ready!(self.poll_exit(cx));
        self.over = true;
        Poll::Ready(exit.err().map(Err))
    }
}

impl Source for Output {
    type Chunk = Bytes;
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("program", &self.name).finish_non_exhaustive()
    }
}

/// The end of what a program says on standard error.
struct Tail {
    stderr: Option<Readable<AsyncSource<ChildStderr>>>,
    kept: VecDeque<u8>,
}

impl Tail {
    fn new(stderr: ChildStderr) -> Self {
        Self { stderr: Some(read(stderr)), kept: VecDeque::new() }
    }

    /// Takes what is there.
    fn read_on(&mut self, cx: &mut Context<'_>) {
        while let Some(stderr) = &mut self.stderr {
            match Pin::new(stderr).poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.kept.extend(&chunk[chunk.len().saturating_sub(KEPT)..]);
                    self.kept.drain(..self.kept.len().saturating_sub(KEPT));
                }
                // It is only for the error: that it cannot be read is none.
                Poll::Ready(_) => self.stderr = None,
                Poll::Pending => return,
            }
        }
    }

    fn text(&self) -> String {
        let (front, back) = self.kept.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).trim().to_owned()
    }
}

/// Bytes of standard error that are kept.
const KEPT: usize = 4096;

/// A program ended otherwise than well: in the errors of [`spawn`] and [`spawn_quiet`], for `downcast_ref`.
#[derive(Debug, Clone)]
pub struct Failed {
    status: ExitStatus,
    said: String,
}

impl Failed {
    /// How it ended.
    pub fn status(&self) -> ExitStatus {
        self.status
    }

    /// The end of what it said on standard error, of a [`spawn_quiet`].
    pub fn said(&self) -> &str {
        &self.said
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status.fmt(f)?;
        if self.said.is_empty() { Ok(()) } else { write!(f, ": {}", self.said) }
    }
}

impl std::error::Error for Failed {}
