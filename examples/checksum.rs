//! Prints and checks digests of files, in the lines of `sha256sum`.
//!
//! ```text
//! checksum [-a ALGORITHM] [FILE]…
//! checksum [-a ALGORITHM] -c [--quiet] [--status] [--strict] [-w] [SUMS]…
//! ```
//!
//! What it prints on standard output is what `sha256sum` of GNU coreutils prints, byte for byte, and `sha512sum`,
//! `sha1sum` or `md5sum` with those algorithms. Several files are read at once; the lines keep their order. It ends with 0
//! if all went well, with 1 if a file could not be read or has another digest, even if nobody reads what it prints, and with
//! 2 after a wrong command line.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::Parser;
use futures::TryStreamExt;
use highwater::fs::FileWrite;
use highwater::hash::{Algorithm, Digest};
use highwater::lines::{Ending, Line};
use highwater::prelude::*;
use highwater::{BoxReadable, Destination, Error, Readable, Result, Source, fs, io, task};
use highwater_examples::{OneLine, arguments, escaped_name, is_closed_output, sum_line};
use tokio::sync::oneshot;

/// Prints and checks digests of files, in the lines of sha256sum.
#[derive(Debug, Parser)]
#[command(name = "checksum", version)]
struct Args {
    /// sha256, sha512, blake3, sha1, md5, crc32 or xxh3. The last four find mistakes, not attacks.
    #[arg(short, long, default_value = "sha256")]
    algorithm: Algorithm,
    /// Read digests from the files, and check them.
    #[arg(short, long)]
    check: bool,
    /// Print nothing for files that are right.
    #[arg(long, requires = "check")]
    quiet: bool,
    /// Print nothing: the exit code says it.
    #[arg(long, requires = "check")]
    status: bool,
    /// Fail if a line is not as it should be.
    #[arg(long, requires = "check")]
    strict: bool,
    /// Say which lines are not as they should be.
    #[arg(short, long, requires = "check")]
    warn: bool,
    /// `-` is standard input, and so is no file at all; but if that is a terminal, a sample is taken.
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if is_closed_output(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Says whether all went well.
async fn run(args: &Args) -> Result<bool> {
    let mut files = args.files.clone();
    if files.is_empty() {
        if std::io::stdin().is_terminal() && !args.check {
            return sample(args.algorithm).await;
        }
        files.push(STDIN.into());
    }
    if !args.check {
        return print(files, args.algorithm).await;
    }
    let mut good = true;
    for sums in &files {
        good &= check(sums, args).await?;
    }
    Ok(good)
}

/// For whoever tries it out.
async fn sample(algorithm: Algorithm) -> Result<bool> {
    say(format_args!("no FILE: the digest of `hello, world` (--help says more)"));
    let digest = Readable::once(Bytes::from("hello, world")).digest(algorithm).await?;
    Readable::once(sum_line(&digest, Path::new(STDIN))).pipe_to(io::stdout()).await?;
    Ok(true)
}

/// Prints a line for each file.
async fn print(files: Vec<PathBuf>, algorithm: Algorithm) -> Result<bool> {
    let mut good = true;
    let jobs = Readable::from_iter(files).map(|file| (file, ()));
    let lines = digests(jobs, algorithm).filter_map(|(file, (), digest)| match digest {
        Ok(digest) => Some(sum_line(&digest, &file)),
        Err(error) => {
            complain(&file, &error);
            good = false;
            None
        }
    });
    match lines.pipe_to(io::stdout()).run().await {
        // The reader of the output has all it wants: `checksum * | head`.
        Err(error) if !is_closed_output(&error) => Err(error),
        _ => Ok(good),
    }
}

/// Checks the files that are listed in `sums`.
async fn check(sums: &Path, args: &Args) -> Result<bool> {
    let (mut listed, mut malformed, mut unreadable, mut wrong) = (0, 0, 0, 0);
    let name = describe(sums);
    let is_stdin = sums == Path::new(STDIN);
    let jobs = read(sums).lines().filter_map(|line| match parse(&line, args.algorithm) {
        Parsed::Nothing => None,
        // A list cannot be in the file that it is for.
        Parsed::Sum(digest, file) if !(is_stdin && file == Path::new(STDIN)) => {
            listed += 1;
            Some((file, digest))
        }
        Parsed::Sum(..) | Parsed::Malformed => {
            malformed += 1;
            if args.warn && !args.status {
                let kind = tag(args.algorithm);
                let number = line.number();
                say(format_args!("{name}: {number}: improperly formatted {kind} checksum line"));
            }
            None
        }
    });
    let verdicts = digests(jobs, args.algorithm).filter_map(|(file, expected, digest)| {
        let verdict = match digest {
            Ok(digest) if digest == expected && args.quiet => return None,
            Ok(digest) if digest == expected => "OK",
            Ok(_) => {
                wrong += 1;
                "FAILED"
            }
            Err(error) => {
                complain(&file, &error);
                unreadable += 1;
                "FAILED open or read"
            }
        };
        (!args.status).then(|| verdict_line(&file, verdict))
    });
    match verdicts.pipe_to(Verdicts::new()).run().await {
        // What cannot be written is for the whole program to say; here it is the list that cannot be read.
        Err(error) if error.stage() != Some("io::stdout") => {
            complain(sums, &error);
            return Ok(false);
        }
        printed => printed?,
    };
    if listed == 0 {
        say(format_args!("{name}: no properly formatted checksum lines found"));
        return Ok(false);
    }
    if !args.status {
        warn(malformed, "line is improperly formatted", "lines are improperly formatted");
        warn(unreadable, "listed file could not be read", "listed files could not be read");
        warn(wrong, "computed checksum did NOT match", "computed checksums did NOT match");
    }
    Ok(unreadable + wrong == 0 && !(args.strict && malformed > 0))
}

/// Standard output for verdicts. When its reader has gone (`checksum -c sums | head`), the rest is checked all the same: the
/// exit code tells of it.
struct Verdicts {
    stdout: FileWrite<Vec<u8>>,
    is_closed: bool,
}

impl Verdicts {
    fn new() -> Self {
        Self { stdout: io::stdout(), is_closed: false }
    }

    fn heed(&mut self, result: Result<()>) -> Result<()> {
        match result {
            Err(error) if error.io_kind() == Some(ErrorKind::BrokenPipe) => {
                self.is_closed = true;
                Ok(())
            }
            result => result,
        }
    }
}

impl Destination for Verdicts {
    type Chunk = Vec<u8>;

    async fn open(&mut self) -> Result<()> {
        Destination::open(&mut self.stdout).await
    }

    async fn write(&mut self, line: Vec<u8>) -> Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let written = self.stdout.write(line).await;
        self.heed(written)
    }

    async fn flush(&mut self) -> Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let flushed = Destination::flush(&mut self.stdout).await;
        self.heed(flushed)
    }

    async fn finish(&mut self) -> Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let finished = Destination::finish(&mut self.stdout).await;
        self.heed(finished)
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        Destination::abort(&mut self.stdout, error).await
    }

    fn name(&self) -> &'static str {
        Destination::name(&self.stdout)
    }
}

/// Adds the digest to each file: several are read at once, each on a task of its own, and they keep their order.
fn digests<S, T>(
    files: Readable<S>,
    algorithm: Algorithm,
) -> Readable<impl Source<Chunk = (PathBuf, T, Result<Digest>)>>
where
    S: Source<Chunk = (PathBuf, T)>,
{
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut turns = Turns::default();
    let running = files.map_ok(move |(file, with)| {
        let turn = turns.next(&file);
        let digest = task::spawn(digest(file.clone(), turn, algorithm));
        async move { Ok((file, with, digest.await?)) }
    });
    Readable::from_results(running.try_buffered(at_once))
}

/// Regular files are read at once; pipes and terminals one after the other, since two readers would share the bytes.
#[derive(Debug, Default)]
struct Turns {
    last: Option<oneshot::Receiver<()>>,
}

impl Turns {
    /// Dropped when the file has been read.
    fn next(&mut self, file: &Path) -> Option<Turn> {
        let is_shared =
            file == Path::new(STDIN) || file.metadata().is_ok_and(|about| !about.is_file());
        is_shared.then(|| {
            let (over, next) = oneshot::channel();
            Turn { before: self.last.replace(next), _over: over }
        })
    }
}

#[derive(Debug)]
struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _over: oneshot::Sender<()>,
}

impl Turn {
    async fn comes(&mut self) {
        if let Some(before) = self.before.take() {
            // The one before drops its end, whatever it has read.
            drop(before.await);
        }
    }
}

async fn digest(file: PathBuf, mut turn: Option<Turn>, algorithm: Algorithm) -> Result<Digest> {
    if let Some(turn) = &mut turn {
        turn.comes().await;
    }
    read(&file).digest(algorithm).await
}

fn read(file: &Path) -> BoxReadable<Bytes> {
    if file == Path::new(STDIN) { io::stdin().boxed() } else { fs::read(file).boxed() }
}

/// The line of a file that was checked. Only a name with a newline is escaped.
fn verdict_line(file: &Path, verdict: &str) -> Vec<u8> {
    let name = file.as_os_str().as_encoded_bytes();
    let name = if name.contains(&b'\n') {
        [b"\\", &escaped_name(name)[..]].concat()
    } else {
        name.to_vec()
    };
    [&name[..], b": ", verdict.as_bytes(), b"\n"].concat()
}

/// What a line of a list says.
enum Parsed {
    /// An empty line or a comment.
    Nothing,
    Sum(Digest, PathBuf),
    Malformed,
}

/// Reads `DIGEST  FILE`, `DIGEST *FILE` and `SHA256 (FILE) = DIGEST`, with a backslash before it if the name is escaped. Of
/// what `sha256sum` reads, only the oldest form of BSD is left out, which has one space.
fn parse(line: &Line, algorithm: Algorithm) -> Parsed {
    let line = match line.strip_suffix(b"\r") {
        // The ending of a last line that has lost its newline.
        Some(rest) if line.ending() == Ending::None => rest,
        _ => line,
    };
    if line.is_empty() || line.starts_with(b"#") {
        return Parsed::Nothing;
    }
    let line = line.trim_ascii_start();
    let (is_escaped, line) = match line.strip_prefix(b"\\") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let found = tagged(line, algorithm).or_else(|| plain(line, algorithm));
    let sum = found.and_then(|(digits, name)| {
        let digest = Digest::from_hex(algorithm, std::str::from_utf8(digits).ok()?).ok()?;
        let name = if is_escaped { unescaped(name)? } else { name.to_vec() };
        (!name.is_empty() && !name.contains(&0)).then_some((digest, path(name)?))
    });
    sum.map_or(Parsed::Malformed, |(digest, file)| Parsed::Sum(digest, file))
}

/// The digits and the name of `DIGEST  FILE`.
fn plain(line: &[u8], algorithm: Algorithm) -> Option<(&[u8], &[u8])> {
    let (digits, rest) = line.split_at_checked(2 * algorithm.digest_len())?;
    let name = match rest {
        [b' ' | b'\t', b' ' | b'*', name @ ..] => name,
        _ => return None,
    };
    Some((digits, name))
}

/// The digits and the name of `SHA256 (FILE) = DIGEST`. The name may have parentheses of its own.
fn tagged(line: &[u8], algorithm: Algorithm) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(tag(algorithm).as_bytes())?.trim_ascii_start();
    let rest = rest.strip_prefix(b"(")?;
    let close = rest.iter().rposition(|byte| *byte == b')')?;
    let digits = rest[close + 1..].trim_ascii_start().strip_prefix(b"=")?;
    Some((digits.trim_ascii_start(), &rest[..close]))
}

fn unescaped(name: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = name.iter();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                _ => return None,
            },
            byte => *byte,
        });
    }
    Some(plain)
}

#[cfg(unix)]
fn path(name: Vec<u8>) -> Option<PathBuf> {
    Some(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(name).into())
}

/// Elsewhere a name is text.
#[cfg(not(unix))]
fn path(name: Vec<u8>) -> Option<PathBuf> {
    Some(OsString::from(String::from_utf8(name).ok()?).into())
}

/// What lists call the algorithm.
fn tag(algorithm: Algorithm) -> String {
    algorithm.name().to_uppercase()
}

/// How a file is called in messages.
fn describe(file: &Path) -> String {
    if file == Path::new(STDIN) {
        "'standard input'".to_owned()
    } else {
        file.display().to_string()
    }
}

fn warn(count: u64, one: &str, many: &str) {
    match count {
        0 => {}
        1 => say(format_args!("WARNING: 1 {one}")),
        _ => say(format_args!("WARNING: {count} {many}")),
    }
}

/// Says why a file could not be read, in the words of the system where it has some.
fn complain(file: &Path, error: &Error) {
    let reason = match error.downcast_ref::<std::io::Error>() {
        Some(system) => system.to_string(),
        None => OneLine(error).to_string(),
    };
    let reason = reason.split(" (os error").next().unwrap_or_default();
    say(format_args!("{}: {reason}", describe(file)));
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("checksum", what);
}

/// The name that stands for standard input.
const STDIN: &str = "-";
