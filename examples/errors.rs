//! Finds lines in a log of any size, in a few MiB of memory.
//!
//! ```text
//! errors [INPUT] [-o OUTPUT] [-p PATTERN]… [-e REGEX] [-v] [-n] [-c] [--max-line BYTES] [--long-lines WHAT] [--no-progress]
//! ```
//!
//! It prints what `LC_ALL=C grep -aF` prints, also of a log that is compressed with gzip, and says on standard error how
//! fast it went and what held it back. It ends with 0 if lines were found, 1 if none was, and 2 after an error.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::{Parser, ValueEnum};
use highwater::gzip::Gunzip;
use highwater::lines::{Grep, LineCounts, LongLine};
use highwater::{BoxReadable, Error, Readable, Report, Result, fs, io};
use highwater_examples::{
    OneLine, Unpack, arguments, interrupt, is_closed_output, output, peak_memory, progress_bar,
};
use indicatif::{DecimalBytes, HumanCount};

/// Finds lines in a log of any size, in a few MiB of memory.
#[derive(Debug, Parser)]
#[command(name = "errors", version)]
struct Args {
    /// The log; `-` is standard input. It may be compressed with gzip. Without it, a sample log is made and searched.
    input: Option<PathBuf>,
    /// Write the lines to this file instead of standard output: all of them, or none after an error.
    #[arg(short, long, value_name = "OUTPUT")]
    output: Option<PathBuf>,
    /// Text to find; may be given several times [default: ERROR].
    #[arg(short, long, value_name = "PATTERN")]
    pattern: Vec<String>,
    /// Regular expression to find instead.
    #[arg(short = 'e', long, value_name = "REGEX", conflicts_with = "pattern")]
    regex: Option<String>,
    /// Print the lines that do not match.
    #[arg(short = 'v', long)]
    invert: bool,
    /// Put the number of the line before each.
    #[arg(short = 'n', long)]
    line_numbers: bool,
    /// Print only how many lines there are.
    #[arg(short, long)]
    count: bool,
    /// The most bytes of a line. A line is held in memory until its end is read: this bounds the memory.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    max_line: usize,
    /// Applies to a line that is longer than --max-line.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    long_lines: LongLines,
    /// Show no progress bar.
    #[arg(long)]
    no_progress: bool,
}

/// The choices for a line that is longer than `--max-line`.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum LongLines {
    /// End with an error, behind the lines before it.
    #[default]
    Fail,
    /// Search and print the first --max-line bytes.
    Truncate,
    /// Leave it out; its number counts.
    Skip,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args)));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // The reader of the output has all it wants: `errors log | head`.
        Err(error) if is_closed_output(&error) => ExitCode::SUCCESS,
        Err(error) if error.is_aborted() => ExitCode::from(130),
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(2)
        }
    }
}

/// Searches; says whether anything was found.
async fn run(args: &Args) -> Result<bool> {
    let grep = machine(args)?;
    let counts = grep.counts();
    let bar = progress_bar(args.input.as_deref(), args.no_progress);
    let moving = bar.clone();
    let report = source(args.input.as_deref())
        .inspect(move |chunk: &Bytes| moving.inc(chunk.len() as u64))
        .pipe(Unpack::new(Gunzip::new()))
        .pipe(grep)
        .pipe_to(output(args.output.as_deref()))
        .with_stage_timing()
        .abort_on(interrupt())
        .await;
    bar.finish_and_clear();
    let report = report?;
    say(format_args!("{}", summary(&report, &counts)));
    Ok(counts.matched() > 0)
}

fn machine(args: &Args) -> Result<Grep> {
    let mut grep = match &args.regex {
        Some(regex) => Grep::regex(regex).map_err(|error| in_one_line(&error))?,
        None if args.pattern.is_empty() => Grep::literal("ERROR"),
        None => Grep::literals(&args.pattern),
    };
    grep = grep.with_max_length(args.max_line).on_long_line(match args.long_lines {
        LongLines::Fail => LongLine::Fail,
        LongLines::Truncate => LongLine::Truncate,
        LongLines::Skip => LongLine::Skip,
    });
    if args.invert {
        grep = grep.invert();
    }
    if args.line_numbers {
        grep = grep.line_numbers();
    }
    if args.count {
        grep = grep.count();
    }
    Ok(grep)
}

/// The message of `regex` is a picture of several lines.
fn in_one_line(error: &Error) -> Error {
    let text = error.to_string();
    Error::msg(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn source(input: Option<&Path>) -> BoxReadable<Bytes> {
    match input {
        Some(path) if path == Path::new("-") => io::stdin().boxed(),
        // The search is what takes the time: less than the usual read-ahead keeps up with it, and saves memory.
        Some(path) => fs::ReadOptions::new().with_read_ahead(3).read(path).boxed(),
        None => {
            say(format_args!(
                "no INPUT: searching a sample log of {SAMPLE_LINES} lines (--help says more)"
            ));
            Readable::from_iter(sample()).boxed()
        }
    }
}

fn summary(report: &Report, counts: &LineCounts) -> String {
    let seconds = report.elapsed().as_secs_f64();
    let (lines, bytes) = (counts.lines(), counts.bytes());
    #[expect(clippy::cast_precision_loss, reason = "a speed is shown with two digits")]
    let speed = bytes as f64 / seconds.max(1e-9) / 1e9;
    let memory = peak_memory()
        .map_or_else(|| "unknown".to_owned(), |bytes| format!("{:.1} MiB", mebibytes(bytes)));
    format!(
        "{} lines, {} in {seconds:.3} s ({speed:.2} GB/s), {} found{}; peak memory {memory}; held back by {}",
        HumanCount(lines),
        DecimalBytes(bytes),
        HumanCount(counts.matched()),
        too_long(counts),
        report.bottleneck()
    )
}

/// Says that some lines were not searched as a whole.
fn too_long(counts: &LineCounts) -> String {
    match (counts.truncated(), counts.skipped()) {
        (0, 0) => String::new(),
        (0, skipped) => format!(", {} too long and skipped", HumanCount(skipped)),
        (truncated, _) => format!(", {} too long and truncated", HumanCount(truncated)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("errors", what);
}

/// A log like many: a time, a level, a service; one line in a hundred is an error.
fn sample() -> impl Iterator<Item = Bytes> + Send {
    const SERVICES: [&str; 5] = ["auth", "billing", "catalog", "gateway", "search"];
    (0..SAMPLE_LINES).map(|n| {
        let (minute, second, service) = (n / 60_000 % 60, n / 1000 % 60, SERVICES[n % SERVICES.len()]);
        let level = if n % 100 == 99 { "ERROR" } else { "INFO" };
        let took = n * 7919 % 1000;
        Bytes::from(format!(
            "2026-01-01T00:{minute:02}:{second:02}.{:03}Z {level} {service} request {n} took {took} ms\n",
            n % 1000
        ))
    })
}

/// Lines of the sample log: some 6.5 MB.
const SAMPLE_LINES: usize = 100_000;
