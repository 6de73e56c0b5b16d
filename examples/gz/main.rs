//! Compresses and decompresses like `gzip`, on several cores.
//!
//! ```text
//! gz [-d | -t] [-1 … -9] [-p THREADS] [INPUT]… [-o OUTPUT] [-c] [-k] [-f] [-v] [--trailing POLICY] [--no-progress]
//! ```
//!
//! As with `gzip`, `gz FILE` writes `FILE.gz` and removes `FILE`, `gz -d FILE.gz` (or `gz -d FILE`) goes the other way,
//! and without a file it works from standard input to standard output. A file is there as a whole or not at all, also
//! when it is killed. It ends with 0, with 1 after an error, with 2 after a warning (a file that was left as it is,
//! garbage that was ignored), and with 130 after a signal.

mod args;
mod target;

use std::fs::{File, Metadata};
use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use highwater::gzip::{Gunzip, GunzipInfo, Gzip, Header, ParallelGzip, Trailing};
use highwater::prelude::*;
use highwater::{BoxReadable, Error, Readable, Report, Result, fs, io};
use highwater_examples::{
    OneLine, Unpack, interrupt, is_closed_output, progress_bar, say_not_kept, try_arguments,
};
use indicatif::DecimalBytes;

use args::{Args, Garbage};
use target::{Target, Unchanged, meant};

fn main() -> ExitCode {
    let args = match try_arguments::<Args>() {
        Ok(args) => args,
        Err(error) => {
            drop(error.print());
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    ExitCode::from(match runtime {
        Ok(runtime) => runtime.block_on(run(&args)),
        Err(error) => ending(&error.into()),
    })
}

/// Works on one file after the other, and tells the exit code: an error outweighs a warning.
async fn run(args: &Args) -> u8 {
    if args.inputs.is_empty() && std::io::stdin().is_terminal() {
        return show(args).await.unwrap_or_else(|error| ending(&error));
    }
    if args.output.is_some() && args.inputs.len() > 1 {
        return ending(&Error::msg("several files do not fit into one OUTPUT: -c joins them"));
    }
    let stdin = [PathBuf::from("-")];
    let inputs = if args.inputs.is_empty() { &stdin[..] } else { &args.inputs };
    let mut code = 0;
    for input in inputs {
        match one(Some(input.as_path()).filter(|path| *path != Path::new("-")), args).await {
            Ok(ended) => code = worse(code, ended),
            // The reader of the output has all it wants: `gz -dc log.gz | head`.
            Err(error) if is_closed_output(&error) => return code,
            Err(error) if error.is_aborted() => return 130,
            Err(error) => code = worse(code, ending(&error)),
        }
    }
    code
}

/// 1 is an error, and 2 a warning.
fn worse(one: u8, other: u8) -> u8 {
    if one == 1 || other == 1 { 1 } else { one.max(other) }
}

fn ending(error: &Error) -> u8 {
    say(format_args!("{}", OneLine(error)));
    error.downcast_ref::<Unchanged>().map_or(1, |unchanged| unchanged.code)
}

async fn one(input: Option<&Path>, args: &Args) -> Result<u8> {
    let meant = input.map(|input| meant(input, args));
    let input = meant.as_deref();
    let target = Target::of(input, args)?;
    let about = input.and_then(|path| path.metadata().ok()).filter(Metadata::is_file);
    let gunzip = Gunzip::new().with_trailing(match args.trailing {
        Garbage::Error => Trailing::Error,
        Garbage::Ignore => Trailing::Ignore,
    });
    let info = gunzip.info();
    let bar = progress_bar(input, args.no_progress);
    let moving = bar.clone();
    let source = source(input).inspect(move |chunk: &Bytes| moving.inc(chunk.len() as u64)).boxed();
    let made = match (args.decompress || args.test, &target) {
        // What is not compressed is copied, as `gzip -cdf` does.
        (true, Target::Stdout) if args.force => source.pipe(Unpack::new(gunzip)).boxed(),
        (true, _) => source.gunzip_with(gunzip).boxed(),
        (false, _) => compressed(source, args, header(input, about.as_ref()))?,
    };
    let result = write(made, &target, about.as_ref(), args.force).await;
    bar.finish_and_clear();
    let report = result.map_err(|error| name_input(error, input))?;
    if let (Target::Beside(_), Some(input), false) = (&target, input, args.keep) {
        std::fs::remove_file(input).map_err(|error| {
            Error::from(error).context(format!("cannot remove `{}`", input.display()))
        })?;
    }
    if args.verbose {
        say(format_args!("{}", summary(&report)));
    }
    Ok(warn_of_garbage(&info, input))
}

/// The file is as old as the input, and belongs to the same.
async fn write(
    made: BoxReadable<Bytes>,
    target: &Target,
    about: Option<&Metadata>,
    force: bool,
) -> Result<Report> {
    let Some(mut file) = target.open(about, force) else {
        let nowhere = highwater::destination_fn(|_| async { Ok(()) });
        return made.pipe_to(nowhere).abort_on(interrupt()).await;
    };
    let result = made.pipe_to(&mut file).abort_on(interrupt()).run().await;
    let Some(path) = target.path() else { return result };
    let report = result.map_err(|error| match error.io_kind() {
        Some(ErrorKind::AlreadyExists) => Unchanged::error(path, "exists: -f replaces it", 2),
        _ => error,
    })?;
    say_not_kept("gz", path, &file);
    if let Some(about) = about.filter(|_| path.is_file()) {
        keep_time(path, about);
    }
    Ok(report)
}

fn source(input: Option<&Path>) -> BoxReadable<Bytes> {
    input.map_or_else(|| io::stdin().boxed(), |path| fs::read(path).boxed())
}

fn compressed(
    source: BoxReadable<Bytes>,
    args: &Args,
    header: Header,
) -> Result<BoxReadable<Bytes>> {
    let level = args.level.0;
    let settings = args
        .threads
        .map_or_else(ParallelGzip::all_cores, |threads| ParallelGzip::threads(threads.into()));
    Ok(match args.threads {
        Some(1) => source.gzip_with(Gzip::new(level).with_header(header)?).boxed(),
        _ => source.parallel_gzip(settings.with_level(level).with_header(header)?).boxed(),
    })
}

/// What `gzip -l` shows.
fn header(input: Option<&Path>, about: Option<&Metadata>) -> Header {
    let mut header = Header::default();
    let name = input.and_then(Path::file_name);
    header.name = name.map(|name| Bytes::copy_from_slice(name.as_encoded_bytes()));
    header.modified = about.and_then(|about| about.modified().ok());
    header
}

/// The output is as old as the input. If it cannot be, that is no harm.
fn keep_time(path: &Path, like: &Metadata) {
    let time = like.modified();
    let kept = time.and_then(|time| File::open(path)?.set_modified(time));
    if let Err(error) = kept {
        say(format_args!("cannot keep the time of `{}`: {error}", path.display()));
    }
}

/// Without input there is something to see all the same: a sample is packed, unpacked and compared.
async fn show(args: &Args) -> Result<u8> {
    say(format_args!("no INPUT: packing and unpacking a sample log (--help says more)"));
    let text = sample();
    let source = Readable::once(text.clone()).boxed();
    let packed = compressed(source, args, Header::default())?.to_bytes().await?;
    let back = Readable::once(packed.clone()).gunzip().to_bytes().await?;
    let (before, after) = (text.len() as u64, packed.len() as u64);
    let same = if back == text { "and came back the same" } else { "and came back different" };
    say(format_args!("{}, {same}", sizes(before, after)));
    Ok(u8::from(back != text))
}

fn summary(report: &Report) -> String {
    let sizes = sizes(report.weight_in(), report.weight_out());
    let seconds = report.elapsed().as_secs_f64();
    format!("{sizes}, in {seconds:.3} s; held back by {}", report.bottleneck())
}

fn sizes(before: u64, after: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
    let percent = 100.0 * after as f64 / before.max(1) as f64;
    format!("{} became {} ({percent:.1} %)", DecimalBytes(before), DecimalBytes(after))
}

fn warn_of_garbage(info: &GunzipInfo, input: Option<&Path>) -> u8 {
    if info.ignored() == 0 {
        return 0;
    }
    let input = input.unwrap_or(Path::new("-"));
    say(format_args!(
        "`{}`: {} bytes of garbage behind the data were ignored",
        input.display(),
        info.ignored()
    ));
    2
}

/// Says which input it is that is broken.
fn name_input(error: Error, input: Option<&Path>) -> Error {
    if error.stage() != Some("gunzip") {
        return error;
    }
    match input {
        Some(path) => error.context(format!("cannot decompress `{}`", path.display())),
        None => error.context("cannot decompress standard input"),
    }
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("gz", what);
}

/// A log like many, of some 6 MB.
fn sample() -> Bytes {
    let line = |n: u32| {
        let (second, took) = (n / 1000, n.wrapping_mul(2_654_435_761) >> 22);
        format!("00:{:02}:{:02} INFO request {n} took {took} ms\n", second / 60, second % 60)
    };
    (0..150_000).map(line).collect::<String>().into()
}
