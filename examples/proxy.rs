//! Passes TCP connections on to another address, and says how much went in each direction.
//!
//! ```text
//! proxy --listen ADDRESS --to ADDRESS [--connections N] [--per-address N] [--idle SECONDS] [--linger SECONDS]
//!       [--rate BYTES/s]
//! ```
//!
//! It prints the address it listens on, and one line for each connection when that is over. The end of one direction is
//! passed on, and the other goes on; a connection that breaks on one side is reset on the other, so that nobody takes a
//! part for the whole. Without `--to` it shows itself with a client and a server of its own. It ends with 0 after Ctrl-C,
//! and with 2 if it cannot listen.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use highwater::io::{self, Copied, copy_duplex};
use highwater::net::{self, Listen, Listening, Socket};
use highwater::prelude::*;
use highwater::rate_limit::Rate;
use highwater::{CancellationToken, Error, Readable, Result, task};
use highwater_examples::{OneLine, arguments, interrupt, print};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// Passes TCP connections on to another address, and says how much went in each direction.
#[derive(Debug, Parser)]
#[command(name = "proxy", version)]
struct Args {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// Where to pass connections on to. Without it, a sample is sent through to a server that sends it back.
    #[arg(long)]
    to: Option<String>,
    /// The most connections at a time [default: 1024, or what the limit of open files leaves: each takes two].
    #[arg(long)]
    connections: Option<usize>,
    /// The most connections at a time from one address [default: 64].
    #[arg(long)]
    per_address: Option<usize>,
    /// Seconds after which a connection is cut in which nothing moves.
    #[arg(long, value_name = "SECONDS")]
    idle: Option<u64>,
    /// Seconds that one direction may be silent after the other has ended.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    linger: u64,
    /// The most bytes per second, for each direction of a connection.
    #[arg(long, value_name = "BYTES/s", value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    let stop = interrupt();
    let listening = listen(args).await?;
    let address = listening.address();
    match &args.to {
        Some(to) => {
            print(format_args!("listening on {address}"))?;
            serve(listening, to.clone(), args, &stop).await
        }
        None => tokio::select! {
            shown = sample(listening, args) => shown,
            () = stop.cancelled() => Ok(()),
        },
    }
}

async fn listen(args: &Args) -> Result<Listening> {
    let mut limits = Listen::proxy();
    if let Some(most) = args.connections {
        limits = limits.with_max_connections(most);
    }
    if let Some(most) = args.per_address {
        limits = limits.with_max_per_address(most);
    }
    limits.bind(args.listen.as_str()).await
}

/// Each connection on a task of its own, until Ctrl-C: then those that are left are reset.
async fn serve(
    mut listening: Listening,
    to: String,
    args: &Args,
    stop: &CancellationToken,
) -> Result<()> {
    let mut connections = JoinSet::new();
    let limits = Limits::of(args);
    loop {
        tokio::select! {
            client = listening.accept() => {
                let (client, to) = (client?, to.clone());
                connections.spawn(async move { pass_on(client, &to, limits).await });
            }
            // So that what is over does not pile up.
            Some(_) = connections.join_next() => {}
            () = stop.cancelled() => break,
        }
    }
    match listening.refused().total() {
        0 => {}
        refused => say(format_args!("{refused} connections were refused")),
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    idle: Option<Duration>,
    linger: Duration,
    rate: Option<Rate>,
}

impl Limits {
    fn of(args: &Args) -> Self {
        let (idle, rate) = (args.idle.map(Duration::from_secs), args.rate.map(Rate::per_second));
        Self { idle, linger: Duration::from_secs(args.linger), rate }
    }
}

/// Ties a client to the server, and says what came of it.
async fn pass_on(client: Socket, to: &str, limits: Limits) {
    let peer = client.peer();
    let server = match Socket::connect(to).await {
        Ok(server) => server,
        Err(error) => return say(format_args!("{peer}: {}", OneLine(&error))),
    };
    match limits.rate {
        Some(rate) => copy(slowed(client, rate), slowed(server, rate), peer, limits).await,
        None => copy(client, server, peer, limits).await,
    }
}

/// A connection from which no more is read than the rate says.
fn slowed(socket: Socket, rate: Rate) -> impl Both {
    let (reader, writer) = tokio::io::split(socket);
    tokio::io::join(io::read(reader).rate_limit_bytes(rate).into_async_read(), writer)
}

/// Something that is read and written.
trait Both: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Both for C {}

async fn copy(client: impl Both, server: impl Both, peer: SocketAddr, limits: Limits) {
    let mut copy = copy_duplex(client, server).with_linger(limits.linger);
    if let Some(idle) = limits.idle {
        copy = copy.with_idle_timeout(idle);
    }
    let ended = copy.run().await;
    let Copied { a_to_b, b_to_a, .. } = copy.copied();
    match ended {
        Ok(_) => say(format_args!("{peer}: {a_to_b} bytes there, {b_to_a} bytes back")),
        Err(error) => say(format_args!(
            "{peer}: {a_to_b} bytes there, {b_to_a} bytes back, then {}",
            OneLine(&error)
        )),
    }
}

/// A client sends a text through the proxy to a server that sends it back.
async fn sample(mut listening: Listening, args: &Args) -> Result<()> {
    say(format_args!("no --to: sending a sample to a server of its own (--help says more)"));
    let mut server = net::listen("127.0.0.1:0").await?;
    let (here, there) = (listening.address(), server.address());
    let limits = Limits::of(args);
    let echo = task::spawn(async move {
        let (request, answer) = server.accept().await?.into_duplex().split();
        request.pipe_to(answer).run().await
    });
    let proxy = async {
        let client = listening.accept().await?;
        pass_on(client, &there.to_string(), limits).await;
        Ok(())
    };
    let (answer, ()) = tokio::try_join!(ask(here), proxy)?;
    echo.await??;
    print(format_args!("{answer} bytes came back"))
}

/// Sends the sample, and counts what comes back.
async fn ask(address: SocketAddr) -> Result<usize> {
    let (answer, request) = net::connect(address).await?.split();
    let lines = Readable::from_iter((0..SAMPLE_LINES).map(|n| Bytes::from(format!("line {n}\n"))));
    let (_, answer) = tokio::try_join!(lines.pipe_to(request).run(), answer.to_bytes())?;
    Ok(answer.len())
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("proxy", what);
}

/// Lines of the sample: some 1.1 MB.
const SAMPLE_LINES: usize = 100_000;
