//! The program `report-api`, asked over loopback as its clients do.

mod export;
mod import;
mod limits;
mod stopping;

use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use bytes::Bytes;
use highwater::http::{self, Body};
use highwater::{Readable, Result};
use highwater_core::task::{Task, spawn};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::support::program;

/// The server. It is killed when it is dropped.
struct Api {
    child: Child,
    address: SocketAddr,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Option<Lines<BufReader<ChildStderr>>>,
}

impl Api {
    fn start(arguments: &[&str]) -> Self {
        let mut command = report_api();
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = child.stderr.take().map(|stderr| BufReader::new(stderr).lines());
        let first = stdout.next().expect("it says where it listens").unwrap();
        let address = first.strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { child, address, stdout, stderr }
    }

    /// The next line on standard error, which may take its time.
    async fn said(&mut self) -> String {
        let mut stderr = self.stderr.take().unwrap();
        let next = tokio::task::spawn_blocking(move || (stderr.next(), stderr));
        let (line, stderr) = in_time(next).await.unwrap();
        self.stderr = Some(stderr);
        line.expect("it says something").unwrap()
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        Answer::of(TcpStream::connect(self.address).await.unwrap(), request).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(nothing()).unwrap()).await
    }

    async fn post(&self, path: &str, body: Body) -> Answer {
        self.ask(Request::post(path).body(body).unwrap()).await
    }

    #[cfg(unix)]
    fn terminate(&self) {
        self.send("-TERM");
    }

    #[cfg(unix)]
    fn send(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(killed.unwrap().success());
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer, and the connection that it comes on.
struct Answer {
    response: Response<Incoming>,
    connection: Task<hyper::Result<()>>,
}

impl Answer {
    async fn of(stream: TcpStream, mut request: Request<Body>) -> Self {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = spawn(connection);
        request.headers_mut().insert("host", "localhost".parse().unwrap());
        let response = in_time(sender.send_request(request)).await.unwrap();
        Self { response, connection }
    }

    fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    async fn bytes(self) -> Result<Bytes> {
        let bytes = in_time(http::read(self.response.into_body()).to_bytes()).await;
        drop(self.connection);
        bytes
    }

    async fn text(self) -> String {
        String::from_utf8(self.bytes().await.unwrap().to_vec()).unwrap()
    }
}

fn report_api() -> Command {
    program("report-api")
}

fn nothing() -> Body {
    http::body(Readable::empty())
}

/// The result of what must not hang.
async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(std::time::Duration::from_secs(60), future).await.expect("it hangs")
}

#[tokio::test]
async fn ping_answers() {
    let api = Api::start(&[]);
    let answer = api.get("/ping").await;
    assert_eq!((answer.status(), answer.text().await.as_str()), (200, "pong\n"));
    assert_eq!(api.get("/nowhere").await.status(), 404);
    assert_eq!(api.get("/import").await.status(), 405);
}

/// It runs at once, and shows everything.
#[test]
fn without_arguments_it_asks_itself() {
    let output = report_api().args(["--rows", "1000"]).output().unwrap();
    let (said, shown) =
        (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("asking itself"), "{said}");
    for line in ["5 bytes", "of CSV in gzip", "\"orders\":99998", "\"bad\":2", "100,000 lines"] {
        assert!(shown.contains(line), "no {line} in {shown}");
    }
}

#[test]
fn a_wrong_command_line() {
    for wrong in [&["--level", "10"][..], &["--listen", "127.0.0.1:0", "--load"], &["--rows"]] {
        assert_eq!(report_api().args(wrong).output().unwrap().status.code(), Some(2), "{wrong:?}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = report_api().args(["--listen", &address]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains(&format!("cannot listen on {address:?}")), "{said}");
}

/// Both figures are there: those of reports made off the runtime, and on it.
#[test]
fn the_load_is_measured_in_both_ways() {
    let output = report_api().args(["--load", "--rows", "20000", "--seconds", "1"]).output();
    let output = output.unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, reports) in
        [("no report", false), ("reports off the runtime", true), ("reports on the runtime", true)]
    {
        let line = shown.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {shown}"));
        let figures: Vec<f64> =
            line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [p50, p99, worst, answers, megabytes] = figures[..] else { panic!("{line}") };
        assert!(1.0 <= p50 && p50 <= p99 && p99 <= worst, "{line}");
        assert!(answers > 10.0 && (megabytes > 0.0) == reports, "{line}");
    }
}
