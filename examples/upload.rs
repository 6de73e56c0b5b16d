//! Takes a file in as a service does with an upload: measured, limited, verified, and kept whole or not at all.
//!
//! ```text
//! upload [SRC] [DST] [--max-size BYTES] [--rate BYTES/s] [--sha256 HEX] [--no-progress]
//! ```
//!
//! DST is replaced in one step at the end. If SRC is too large, has another digest, cannot be read to its end, or the
//! program is stopped by Ctrl-C, SIGTERM or SIGHUP, DST stays as it was and nothing else is left behind. It prints the line
//! that `sha256sum DST` would print, and ends with 0, with 1 if SRC was refused, with 2 after another error, with 3 if DST is
//! replaced but the line could not be written, and with 130 after a signal.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::{BufMut, Bytes, BytesMut};
use clap::Parser;
use highwater::hash::{Algorithm, Digest, Hash};
use highwater::meter::Progress;
use highwater::prelude::*;
use highwater::rate_limit::Rate;
use highwater::{BoxReadable, Error, Readable, Report, Result, fs, io};
use highwater_examples::{Descriptor, OneLine, arguments, interrupt, say_not_kept, sum_line};
use indicatif::{DecimalBytes, ProgressBar, ProgressFinish, ProgressStyle};

/// Takes a file in: measured, limited, verified, and kept whole or not at all.
#[derive(Debug, Parser)]
#[command(name = "upload", version)]
struct Args {
    /// What to take; `-` is standard input. Without it, a sample is taken to a folder that is removed again.
    #[arg(requires = "dst")]
    src: Option<PathBuf>,
    /// Where to; replaced in one step at the end.
    dst: Option<PathBuf>,
    /// The most bytes to take.
    #[arg(long, value_name = "BYTES")]
    max_size: Option<u64>,
    /// The most bytes per second.
    #[arg(long, value_name = "BYTES/s", value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// The digest it must have.
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    sha256: Option<Digest>,
    /// Show no progress bar.
    #[arg(long)]
    no_progress: bool,
}

fn sha256(text: &str) -> Result<Digest> {
    Digest::from_hex(Algorithm::Sha256, text)
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(code) => code,
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(match error.stage() {
                Some("limit" | "verify") => 1,
                _ if error.is_aborted() => 130,
                _ => 2,
            })
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    let (Some(src), Some(dst)) = (&args.src, &args.dst) else {
        say(format_args!("no SRC: taking a sample of 64 MiB (--help says more)"));
        let folder = tempfile::tempdir()?;
        let sample = Readable::from_iter(sample()).boxed();
        return take(sample, Some(SAMPLE), &folder.path().join("sample"), args).await;
    };
    if Descriptor::of(dst).is_some() {
        return Err(Error::msg("DST is an open descriptor: only a file can be replaced"));
    }
    if src == Path::new("-") {
        return take(io::stdin().boxed(), None, dst, args).await;
    }
    let size = src.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
    take(fs::read(src).boxed(), size, dst, args).await
}

/// Takes what `source` gives to `dst`. `size` is how much that will be, where it is known.
async fn take(
    mut source: BoxReadable<Bytes>,
    size: Option<u64>,
    dst: &Path,
    args: &Args,
) -> Result<ExitCode> {
    let mut progress = Progress::bytes();
    if let Some(size) = size {
        progress = progress.with_total(size);
    }
    let shown = progress.handle().draw(bar(size, args));
    source = match args.rate {
        Some(rate) => source.rate_limit_bytes(Rate::per_second(rate)).progress(progress).boxed(),
        None => source.progress(progress).boxed(),
    };
    if let Some(most) = args.max_size {
        source = source.limit(most).boxed();
    }
    if let Some(expected) = args.sha256 {
        source = source.verify(expected).boxed();
    }
    let mut hash = Hash::new();
    let digest = hash.digest(Algorithm::Sha256);
    let mut file = fs::replace(dst);
    let taken = source.hash(hash).pipe_to(&mut file).abort_on(interrupt());
    let (report, ()) = tokio::join!(taken.run(), shown);
    let report = report?;
    say_not_kept("upload", dst, &file);
    let printed = print(&sum_line(&digest.await?, dst));
    say(format_args!("{}", summary(&report)));
    Ok(printed)
}

/// DST is replaced by now, whatever becomes of the line.
fn print(line: &[u8]) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(line).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            say(format_args!("DST is replaced, but its digest cannot be printed: {error}"));
            ExitCode::from(3)
        }
        // Who does not want to know it has closed the output.
        _ => ExitCode::SUCCESS,
    }
}

/// Moves when somebody looks; without a size it only counts.
fn bar(size: Option<u64>, args: &Args) -> ProgressBar {
    if args.no_progress || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = match size {
        Some(_) => "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
        None => "{spinner} {bytes} {bytes_per_sec}",
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::no_length().with_style(style).with_finish(ProgressFinish::AndClear)
}

fn summary(report: &Report) -> String {
    let (bytes, seconds) = (report.weight_out(), report.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a speed is shown with two digits")]
    let speed = bytes as f64 / seconds.max(1e-9) / 1e9;
    format!(
        "{} in {seconds:.3} s ({speed:.2} GB/s), held back by {}",
        DecimalBytes(bytes),
        report.bottleneck()
    )
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("upload", what);
}

/// The numbers from 0 on, eight bytes each, in chunks like those of a file.
fn sample() -> impl Iterator<Item = Bytes> + Send {
    const CHUNK: u64 = 256 * 1024;
    (0..SAMPLE / CHUNK).map(|chunk| {
        let mut bytes = BytesMut::new();
        (chunk * CHUNK / 8..(chunk + 1) * CHUNK / 8).for_each(|n| bytes.put_u64_le(n));
        bytes.freeze()
    })
}

/// Bytes of the sample.
const SAMPLE: u64 = 64 * 1024 * 1024;
