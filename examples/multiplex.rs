//! Sends files over one TCP connection, each on a stream of its own, to a server that sends them back.
//!
//! ```text
//! multiplex [FILE]... [--to ADDRESS]
//! multiplex --listen ADDRESS
//! ```
//!
//! For each file it prints the SHA-256 of what came back, the bytes there, the bytes back, and the name. Without `--to` it is
//! the server, too. With `--listen` it is only the server: it prints the address it listens on, and ends with 0 after
//! Ctrl-C. It ends with 1 if something else came back than was sent, with 2 after another error, and with 130 after Ctrl-C.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::Parser;
use highwater::hash::{Algorithm, Digest, Hash};
use highwater::mux::session::{FramedStream, Opener, SessionConfig};
use highwater::net::{Listen, Listening, Socket};
use highwater::prelude::*;
use highwater::task::{self, Task};
use highwater::{BoxReadable, Error, Readable, Result, fs, io};
use highwater_examples::{OneLine, arguments, escaped, interrupt, print};
use tokio::task::JoinSet;

/// Sends files over one TCP connection, each on a stream of its own, to a server that sends them back.
#[derive(Debug, Parser)]
#[command(name = "multiplex", version)]
struct Args {
    /// What to send; `-` is standard input. Without it, three samples of different lengths.
    files: Vec<PathBuf>,
    /// Where the server is. Without it, there is one in this program.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "listen")]
    to: Option<String>,
    /// Only be the server, there; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "files")]
    listen: Option<String>,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let result = runtime.block_on(async {
        let stop = interrupt();
        tokio::select! {
            result = run(&args) => result,
            () = stop.cancelled() => args.listen.as_ref().map(drop).ok_or_else(Error::aborted),
        }
    });
    // A read of standard input that waits for somebody to type cannot be stopped: it is not waited for.
    runtime.shutdown_background();
    result.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

async fn run(args: &Args) -> Result<()> {
    if let Some(address) = &args.listen {
        let listening = Listen::default().bind(address.as_str()).await?;
        print(format_args!("listening on {}", listening.address()))?;
        return serve(listening).await;
    }
    let inputs = inputs(&args.files)?;
    if let Some(to) = &args.to {
        return send_all(to, inputs).await;
    }
    let listening = Listen::default().bind("127.0.0.1:0").await?;
    let address = listening.address().to_string();
    let _server = task::spawn(serve(listening));
    send_all(&address, inputs).await
}

/// Serves every connection on a task of its own.
async fn serve(mut listening: Listening) -> Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            socket = listening.accept() => {
                let socket = socket?;
                let peer = socket.peer();
                connections.spawn(async move {
                    if let Err(error) = echo(socket).await {
                        say(format_args!("{peer}: {}", OneLine(&error)));
                    }
                });
            }
            // So that what is over does not pile up.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Sends back what comes on every stream, until the client goes away.
async fn echo(socket: Socket) -> Result<()> {
    let mut session = SessionConfig::new().server(socket);
    let mut streams = JoinSet::new();
    while let Some(stream) = session.next().await {
        let (request, answer) = stream?.split();
        streams.spawn(request.pipe_to(answer).run());
        while streams.try_join_next().is_some() {}
    }
    // A stream that failed is the client's to tell.
    while streams.join_next().await.is_some() {}
    session.finish().await
}

/// What is sent under which name.
type Input = (String, BoxReadable<Bytes>);

fn inputs(files: &[PathBuf]) -> Result<Vec<Input>> {
    if files.is_empty() {
        say(format_args!("no FILE: sending three samples (--help says more)"));
        return Ok(SAMPLES.map(|(name, lines)| (name.to_owned(), sample(name, lines))).into());
    }
    let is_stdin = |path: &PathBuf| path.as_path() == Path::new("-");
    if files.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(Error::msg("standard input can be sent only once"));
    }
    let open = |path: &PathBuf| match is_stdin(path) {
        true => io::stdin().boxed(),
        false => fs::read(path).boxed(),
    };
    Ok(files.iter().map(|path| (path.display().to_string(), open(path))).collect())
}

/// Sends all at once over one connection, and prints what came back, in the order of the inputs.
async fn send_all(address: &str, inputs: Vec<Input>) -> Result<()> {
    let session = SessionConfig::new().client(Socket::connect(address).await?);
    let send = |(name, source)| (name, task::spawn(send(session.opener(), source)));
    let sent: Vec<(String, Task<Result<Echo>>)> = inputs.into_iter().map(send).collect();
    for (name, echo) in sent {
        let Echo { digest, there, back } = echo.await??;
        print(format_args!("{digest:x} {there:>12} {back:>12}  {}", escaped(name)))?;
    }
    session.finish().await
}

/// What came back.
struct Echo {
    digest: Digest,
    there: u64,
    back: u64,
}

/// Sends one input on a stream of its own.
async fn send(opener: Opener, source: BoxReadable<Bytes>) -> Result<Echo> {
    let FramedStream { readable, writable, .. } = opener.open().await?;
    let (mut there, mut back) = (Hash::new(), Hash::new());
    let (sent, came) = (there.digest(Algorithm::Sha256), back.digest(Algorithm::Sha256));
    let (there, back) = tokio::try_join!(
        source.hash(there).pipe_to(writable).run(),
        readable.hash(back).fold(0, |bytes, chunk| bytes + chunk.len() as u64),
    )?;
    let digest = came.await?;
    if sent.await? != digest {
        return Err(Error::corrupt("what came back is not what was sent").in_stage("echo"));
    }
    Ok(Echo { digest, there: there.weight_out(), back })
}

/// Says what went wrong, and gives the code for it.
fn failed(error: &Error) -> ExitCode {
    say(format_args!("{}", OneLine(error)));
    ExitCode::from(match error.stage() {
        Some("echo") => 1,
        _ if error.is_aborted() => 130,
        _ => 2,
    })
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("multiplex", what);
}

fn sample(name: &'static str, lines: u32) -> BoxReadable<Bytes> {
    let lines = Readable::from_iter(0..lines);
    lines.map(move |n| Bytes::from(format!("{name}: line {n}\n"))).boxed()
}

/// Their names and lengths: some 20 bytes, 200 KB and 2 MB.
const SAMPLES: [(&str, u32); 3] = [("short", 1), ("middling", 10_000), ("long", 100_000)];
