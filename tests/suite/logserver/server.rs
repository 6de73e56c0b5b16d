//! A server that runs, and what it says of itself.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::{get, until};
use crate::support::program;

/// A program with as many open files as the machine allows, or as few as are asked for.
pub(super) fn with_files(name: &str, most: Option<u32>) -> Command {
    let limit = most.map_or("$(ulimit -Hn)".to_owned(), |most| most.to_string());
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {limit}; exec \"$@\"");
    command.args(["-c", &script, "sh"]).arg(program(name).get_program());
    command
}

/// A `logserver` that writes to `log` in a folder of its own; killed when it is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) folder: TempDir,
    pub(super) lines: SocketAddr,
    pub(super) page: SocketAddr,
    /// Bytes of memory that it says it takes at the most.
    pub(super) bound: u64,
}

impl Server {
    pub(super) fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), None, arguments)
    }

    /// With so many open files, in a folder where there may be something already.
    pub(super) fn start_in(folder: TempDir, files: Option<u32>, arguments: &[&str]) -> Self {
        let errors = fs::File::create(folder.path().join("stderr")).unwrap();
        let mut command = with_files("logserver", files);
        command.args(["--http", "127.0.0.1:0", "--acknowledge"]);
        let log = folder.path().join("log");
        for usual in [["--listen", "127.0.0.1:0"], ["--out", log.to_str().unwrap()]] {
            if !arguments.contains(&usual[0]) {
                command.args(usual);
            }
        }
        command.args(arguments).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut word = |before: &str| {
            let line = said.next().and_then(Result::ok).unwrap_or_default();
            let rest = line.strip_prefix(before).unwrap_or_else(|| panic!("{line:?}"));
            rest.split([' ', '/']).next().unwrap().to_owned()
        };
        let lines = word("lines at ").parse().unwrap();
        let page = word("page at http://").parse().unwrap();
        let bound = word("memory at the most ").parse::<u64>().unwrap() << 20;
        Self { child, folder, lines, page, bound }
    }

    pub(super) fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.lines).unwrap())
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// A figure of the metrics.
    pub(super) fn metric(&self, name: &str) -> f64 {
        let text = get(self.page, "/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("logserver_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// Waits until a figure of the metrics is this.
    pub(super) fn wait_for(&self, name: &str, value: f64) {
        until(|| self.metric(name) == value, || format!("{name} is {}", self.metric(name)));
    }

    /// What a file of `/proc` says of it, in the line that begins so.
    fn proc(&self, file: &str, line: &str) -> String {
        let text = fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap();
        text.lines().find_map(|found| found.strip_prefix(line)).unwrap().trim().to_owned()
    }

    /// The most memory it has had, in bytes.
    pub(super) fn peak(&self) -> u64 {
        let kib = self.proc("status", "VmHWM:");
        kib.strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }

    /// Seconds of processor that it took so far.
    pub(super) fn worked(&self) -> f64 {
        let stat = self.proc("stat", "");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
        ticks / 100.0
    }

    pub(super) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// What it has said on standard error.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    pub(super) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(super) fn ended(&mut self) -> ExitStatus {
        ended(&mut self.child)
    }

    /// Ends it as an operator does, and gives the lines it has stored, as they came.
    pub(super) fn stop(mut self) -> Vec<Vec<u8>> {
        self.signal("TERM");
        let ended = self.ended();
        assert!(ended.success(), "{ended}: {}", self.said());
        stored(self.folder.path())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be over.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a signal, such as TERM.
/// Waits for the end of a program.
pub(super) fn ended(child: &mut Child) -> ExitStatus {
    let mut ended = None;
    until(
        || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        },
        || "it does not end".to_owned(),
    );
    ended.unwrap()
}

pub(super) fn signal(child: &Child, name: &str) {
    let script = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
}

/// The lines of all files, the oldest first, without what was put before them. Every file is of whole lines.
pub(super) fn stored(folder: &Path) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for file in files(folder) {
        let text = fs::read(&file).unwrap();
        assert!(text.is_empty() || text.ends_with(b"\n"), "{} is cut", file.display());
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let mut parts = line[..line.len() - 1].splitn(4, |byte| *byte == b'\t');
            let (time, source) = (parts.next().unwrap(), parts.next().unwrap());
            assert_eq!((time.len(), time.last()), (24, Some(&b'Z')), "{line:?}");
            assert!(source.starts_with(b"127.0.0."), "{line:?}");
            lines.push(parts.nth(1).unwrap().to_vec());
        }
    }
    lines
}

/// The files that lines are stored in, the oldest first.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut numbers: Vec<u32> =
        names.filter_map(|name| name.strip_prefix("log.")?.parse().ok()).collect();
    numbers.sort_unstable();
    let full = numbers.into_iter().map(|number| folder.join(format!("log.{number}")));
    full.chain([folder.join("log")]).collect()
}

/// A client, a line at a time.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let answers = BufReader::new(stream.try_clone().unwrap());
        Self { stream, answers }
    }

    pub(super) fn send(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).unwrap();
    }

    /// Waits until so many lines are acknowledged.
    pub(super) fn acknowledged(&mut self, lines: u64) {
        let mut last = 0;
        while last < lines {
            let mut answer = String::new();
            assert!(self.answers.read_line(&mut answer).unwrap() > 0, "closed after {last}");
            last = answer.trim_end().parse().unwrap();
        }
        assert_eq!(last, lines);
    }

    /// What there is to read up to the end, if there is one.
    pub(super) fn rest(&mut self) -> std::io::Result<String> {
        let mut rest = String::new();
        self.answers.read_to_string(&mut rest).map(|_| rest)
    }
}
