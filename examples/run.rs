//! Runs a program as a part of a pipeline: writes to it, reads from it, and sees how it ends.
//!
//! ```text
//! run [-i INPUT] [--quiet] [--] [COMMAND [ARGUMENT]…]
//! ```
//!
//! What the program says on standard error is shown, or with `--quiet` only the end of it, and only if it fails. It ends as
//! the program does: with its exit code, or with 128 and the number of the signal that ended it. Else it ends with 127 if
//! there is no such program, 126 if it may not be run, 130 after Ctrl-C, when the program is killed, and 2 after another
//! error.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use bytes::Bytes;
use clap::Parser;
use highwater::process::{self, Failed, Process};
use highwater::{BoxReadable, CancellationToken, Error, Readable, Report, Result, fs, io};
use highwater_examples::{OneLine, arguments, interrupt};
use tokio::process::Command;

/// Runs a program as a part of a pipeline: writes to it, reads from it, and sees how it ends.
#[derive(Debug, Parser)]
#[command(name = "run", version)]
struct Args {
    /// What the program reads; `-` is standard input. Without it, it reads a sample.
    #[arg(short, long)]
    input: Option<PathBuf>,
    /// Show what it says on standard error only if it fails.
    #[arg(short, long)]
    quiet: bool,
    /// The program and its arguments [default: sort].
    #[arg(trailing_var_arg = true)]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let result = runtime.block_on(run(&args));
    // A read of standard input that waits for somebody to type cannot be stopped: it is not waited for.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has all it wants: `run … | head`.
        Err(error)
            if error.stage() == Some("io::stdout")
                && error.io_kind() == Some(ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

async fn run(args: &Args) -> Result<()> {
    let process = start(args)?;
    let stop = interrupt();
    let (output, input) = process.into_duplex().split();
    let fed = feed(source(args).pipe_to(input).abort_on(stop.clone()).run());
    let read = output.pipe_to(io::stdout()).abort_on(stop.clone()).run();
    let (bytes_in, report) = both(fed, read, &stop).await?;
    say(format_args!("{bytes_in} bytes in, {} bytes out", report.weight_out()));
    Ok(())
}

fn start(args: &Args) -> Result<Process> {
    let (program, arguments) = match args.command.split_first() {
        Some((program, arguments)) => (program.clone(), arguments),
        None => ("sort".into(), &[][..]),
    };
    let mut command = Command::new(program);
    command.args(arguments);
    if args.quiet { process::spawn_quiet(&mut command) } else { process::spawn(&mut command) }
}

fn source(args: &Args) -> BoxReadable<Bytes> {
    match &args.input {
        None => {
            say(format_args!("no INPUT: the program reads a sample (--help says more)"));
            Readable::from_iter(SAMPLE).map(Bytes::from).boxed()
        }
        Some(path) if path == Path::new("-") => io::stdin().boxed(),
        Some(path) => fs::read(path).boxed(),
    }
}

/// Says how much the program has read. That it stopped reading is its right: `head` does.
async fn feed(fed: impl Future<Output = Result<Report>>) -> Result<Option<u64>> {
    match fed.await {
        Ok(report) => Ok(Some(report.weight_out())),
        Err(error)
            if error.stage() == Some("io::write")
                && error.io_kind() == Some(ErrorKind::BrokenPipe) =>
        {
            Ok(error.offset())
        }
        Err(error) => Err(error),
    }
}

/// Waits for the program's end, and for its input only if that has not failed: a program that ends without reading all of
/// a terminal is over.
async fn both(
    fed: impl Future<Output = Result<Option<u64>>>,
    read: impl Future<Output = Result<Report>>,
    stop: &CancellationToken,
) -> Result<(u64, Report)> {
    tokio::pin!(fed, read);
    let mut taken = None;
    let report = loop {
        tokio::select! {
            biased;
            report = &mut read => break report?,
            result = &mut fed, if taken.is_none() => match result {
                Ok(bytes) => taken = Some(bytes),
                Err(error) => {
                    // Kills the program, by the end of what reads it.
                    stop.cancel();
                    drop(read.await);
                    return Err(error);
                }
            },
        }
    };
    Ok((taken.flatten().unwrap_or_default(), report))
}

/// Says what went wrong, and gives the code for it.
fn failed(error: &Error) -> ExitCode {
    if error.is_aborted() {
        return ExitCode::from(130);
    }
    say(format_args!("{}", OneLine(error)));
    if let Some(failed) = error.downcast_ref::<Failed>() {
        return ExitCode::from(code(failed.status()));
    }
    ExitCode::from(match (error.stage(), error.io_kind()) {
        (Some("process::spawn"), Some(ErrorKind::NotFound)) => 127,
        (Some("process::spawn"), Some(_)) => 126,
        _ => 2,
    })
}

/// What a shell would make of it.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal.map(|signal: i32| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("run", what);
}

/// What the program reads if it is given nothing else.
const SAMPLE: [&str; 5] = ["pear\n", "apple\n", "quince\n", "cherry\n", "fig\n"];
