//! Compresses and decompresses like `gzip`, on several cores.
//!
//! ```text
//! gz [-d | -t] [-1 … -9] [-p THREADS] [INPUT] [-o OUTPUT] [-c] [-k] [-f] [-v] [--trailing POLICY] [--no-progress]
//! ```
//!
//! As with `gzip`, `gz FILE` writes `FILE.gz` and removes `FILE`, `gz -d FILE.gz` goes the other way, and without a file
//! it works from standard input to standard output. A file is there as a whole or not at all, also after Ctrl-C. It ends
//! with 0, with 1 after an error, and with 2 if it ignored garbage behind the data.

use std::fs::{File, Metadata, OpenOptions};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, Parser, ValueEnum};
use highwater::gzip::{Gunzip, GunzipInfo, Gzip, Header, ParallelGzip, Trailing};
use highwater::prelude::*;
use highwater::{BoxDestination, BoxReadable, Error, Readable, Report, Result, fs, io};
use highwater_examples::{OneLine, interrupt, progress_bar};
use indicatif::DecimalBytes;

/// Compresses and decompresses like gzip, on several cores.
#[derive(Debug, Parser)]
#[command(name = "gz", version)]
struct Args {
    /// The file; `-` is standard input, and so is nothing. On a terminal, nothing packs and unpacks a sample.
    input: Option<PathBuf>,
    /// Write to this file, and keep the input; `-` is standard output.
    #[arg(short, long, value_name = "OUTPUT", conflicts_with = "test")]
    output: Option<PathBuf>,
    /// Decompress.
    #[arg(short, long)]
    decompress: bool,
    /// Decompress to nowhere: is it whole?
    #[arg(short, long)]
    test: bool,
    /// Write to standard output, and keep the input.
    #[arg(short = 'c', long, conflicts_with = "output")]
    stdout: bool,
    /// Keep the input.
    #[arg(short, long)]
    keep: bool,
    /// Replace a file that exists, and write compressed data to a terminal.
    #[arg(short, long)]
    force: bool,
    /// Say how much it was and how long it took.
    #[arg(short, long)]
    verbose: bool,
    /// Cores to compress on [default: all].
    #[arg(short = 'p', long, value_name = "THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// What becomes of garbage behind compressed data.
    #[arg(long, value_name = "POLICY", default_value = "error")]
    trailing: Garbage,
    /// Show no progress bar.
    #[arg(long)]
    no_progress: bool,
    #[command(flatten)]
    level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Garbage {
    Error,
    Ignore,
}

/// `-1` to `-9`; the last one counts.
#[derive(Debug)]
struct Level(u32);

impl Level {
    const FLAGS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
}

impl clap::Args for Level {
    fn augment_args(command: Command) -> Command {
        Self::FLAGS.iter().zip('1'..).fold(command, |command, (name, digit)| {
            let flag = Arg::new(*name).short(digit).action(ArgAction::SetTrue);
            command.arg(
                match digit {
                    '1' => flag.long("fast").help("Compress fast"),
                    '9' => flag.long("best").help("Compress well; -6 is the default"),
                    _ => flag.hide(true),
                }
                .overrides_with_all(Self::FLAGS),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Level {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let level = Self::FLAGS.iter().zip(1..).find(|(name, _)| matches.get_flag(name));
        Ok(Self(level.map_or(6, |(_, level)| level)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            drop(error.print());
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args)));
    match result {
        Ok(code) => code,
        // The reader of the output has all it wants: `gz -dc log.gz | head`.
        Err(error) if is_closed_output(&error) => ExitCode::SUCCESS,
        Err(error) if error.is_aborted() => ExitCode::from(130),
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(1)
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    if args.input.is_none() && std::io::stdin().is_terminal() {
        return show(args).await;
    }
    let target = Target::of(args)?;
    let about = file(args).and_then(|path| path.metadata().ok()).filter(Metadata::is_file);
    let gunzip = Gunzip::new().trailing(match args.trailing {
        Garbage::Error => Trailing::Error,
        Garbage::Ignore => Trailing::Ignore,
    });
    let info = gunzip.info();
    let bar = progress_bar(file(args), args.no_progress);
    let moving = bar.clone();
    let source = source(args).inspect(move |chunk: &Bytes| moving.inc(chunk.len() as u64)).boxed();
    let made = if args.decompress || args.test {
        source.gunzip_with(gunzip).boxed()
    } else {
        compressed(source, args, header(args, about.as_ref()))?
    };
    let claim = target.claim(about.as_ref(), args.force)?;
    let result = made.pipe_to(target.destination()).abort_on(interrupt()).await;
    bar.finish_and_clear();
    let report = result.map_err(|error| name_input(error, args))?;
    claim.keep();
    if let (Target::Beside(path) | Target::File(path), Some(about)) = (&target, &about) {
        keep_time(path, about);
    }
    if let (Target::Beside(_), Some(input), false) = (&target, file(args), args.keep) {
        std::fs::remove_file(input).map_err(|error| {
            Error::from(error).context(format!("cannot remove `{}`", input.display()))
        })?;
    }
    if args.verbose {
        say(format_args!("{}", summary(&report)));
    }
    Ok(warn_of_garbage(&info, args))
}

/// The input, if it is a file.
fn file(args: &Args) -> Option<&Path> {
    args.input.as_deref().filter(|path| *path != Path::new("-"))
}

fn source(args: &Args) -> BoxReadable<Bytes> {
    file(args).map_or_else(|| io::stdin().boxed(), |path| fs::read(path).boxed())
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
        Some(1) => source.gzip_with(Gzip::new(level).header(header)?).boxed(),
        _ => source.parallel_gzip(settings.level(level).header(header)?).boxed(),
    })
}

/// What `gzip -l` shows.
fn header(args: &Args, about: Option<&Metadata>) -> Header {
    let mut header = Header::default();
    let name = file(args).and_then(Path::file_name);
    header.name = name.map(|name| Bytes::copy_from_slice(name.as_encoded_bytes()));
    header.modified = about.and_then(|about| about.modified().ok());
    header
}

/// Where it goes.
#[derive(Debug)]
enum Target {
    Nowhere,
    Stdout,
    /// The file that was asked for.
    File(PathBuf),
    /// The file that takes the place of the input.
    Beside(PathBuf),
}

impl Target {
    fn of(args: &Args) -> Result<Self> {
        let target = match (&args.output, file(args)) {
            _ if args.test => Self::Nowhere,
            (Some(path), _) if path == Path::new("-") => Self::Stdout,
            (Some(path), _) => Self::File(path.clone()),
            (None, Some(input)) if !args.stdout => Self::Beside(beside(input, args)?),
            (None, _) => Self::Stdout,
        };
        let packs = !args.decompress;
        if packs && !args.force && matches!(target, Self::Stdout) && std::io::stdout().is_terminal()
        {
            return Err(Error::msg(
                "compressed data is not written to a terminal: -f does it, --help says more",
            ));
        }
        Ok(target)
    }

    /// Keeps the name of the file for us.
    fn claim(&self, like: Option<&Metadata>, force: bool) -> Result<Claim> {
        match self {
            Self::Beside(path) => Claim::new(path, like, force),
            Self::File(path) if !path.exists() => Claim::new(path, like, force),
            Self::File(_) | Self::Stdout | Self::Nowhere => Ok(Claim(None)),
        }
    }

    /// A regular file is replaced, in one step at the end. A device or a pipe is written as it is.
    fn destination(&self) -> BoxDestination<Bytes> {
        match self {
            Self::Nowhere => BoxDestination::new(highwater::destination_fn(|_| async { Ok(()) })),
            Self::Stdout => BoxDestination::new(io::stdout()),
            Self::File(path) | Self::Beside(path) => {
                let special =
                    path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir());
                if special {
                    BoxDestination::new(fs::write(path))
                } else {
                    BoxDestination::new(fs::replace(path))
                }
            }
        }
    }
}

/// The name of the file that takes the place of the input.
fn beside(input: &Path, args: &Args) -> Result<PathBuf> {
    let refuse = |why: &str| Err(Error::msg(format!("`{}` {why}", input.display())));
    let about = input.symlink_metadata();
    if about.is_ok_and(|about| !about.is_file()) {
        return refuse("is not a regular file: -c or -o say where to put its content");
    }
    let is_packed = input.extension().is_some_and(|last| last == "gz" || last == "tgz");
    match (args.decompress, is_packed) {
        (false, true) if !args.force => refuse("is compressed already: -f does it again"),
        (false, _) => {
            let mut path = input.as_os_str().to_owned();
            path.push(".gz");
            Ok(path.into())
        }
        (true, true) if input.extension().is_some_and(|last| last == "tgz") => {
            Ok(input.with_extension("tar"))
        }
        (true, true) => Ok(input.with_extension("")),
        (true, false) => refuse("does not end with .gz: -c or -o say where to put its content"),
    }
}

/// A new file, empty until the whole one takes its place, and removed if that does not happen.
#[derive(Debug)]
struct Claim(Option<PathBuf>);

impl Claim {
    /// Nobody may read it who may not read the input. A file that exists is an error, unless `force`.
    fn new(path: &Path, like: Option<&Metadata>, force: bool) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if let Some(like) = like {
            use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
            options.mode(like.permissions().mode());
        }
        match options.open(path) {
            Ok(_) => Ok(Self(Some(path.to_owned()))),
            Err(_) if force && path.exists() => Ok(Self(None)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Error::msg(format!("`{}` exists: -f replaces it", path.display())))
            }
            Err(error) => {
                let what = format!("cannot open `{}` for writing", path.display());
                Err(Error::from(error).context(what))
            }
        }
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // There is nobody to tell if that fails.
            drop(std::fs::remove_file(path));
        }
    }
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
async fn show(args: &Args) -> Result<ExitCode> {
    say(format_args!("no INPUT: packing and unpacking a sample log (--help says more)"));
    let text = sample();
    let source = Readable::once(text.clone()).boxed();
    let packed = compressed(source, args, Header::default())?.to_bytes().await?;
    let back = Readable::once(packed.clone()).gunzip().to_bytes().await?;
    let (before, after) = (text.len() as u64, packed.len() as u64);
    let same = if back == text { "and came back the same" } else { "and came back different" };
    say(format_args!("{}, {same}", sizes(before, after)));
    Ok(ExitCode::from(u8::from(back != text)))
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

fn warn_of_garbage(info: &GunzipInfo, args: &Args) -> ExitCode {
    if info.ignored() == 0 {
        return ExitCode::SUCCESS;
    }
    let input = args.input.as_deref().unwrap_or(Path::new("-"));
    say(format_args!(
        "`{}`: {} bytes of garbage behind the data were ignored",
        input.display(),
        info.ignored()
    ));
    ExitCode::from(2)
}

/// Says which input it is that is broken.
fn name_input(error: Error, args: &Args) -> Error {
    if error.stage() != Some("gunzip") {
        return error;
    }
    match file(args) {
        Some(path) => error.context(format!("cannot decompress `{}`", path.display())),
        None => error.context("cannot decompress standard input"),
    }
}

fn is_closed_output(error: &Error) -> bool {
    error.stage() == Some("io::stdout") && error.io_kind() == Some(std::io::ErrorKind::BrokenPipe)
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
