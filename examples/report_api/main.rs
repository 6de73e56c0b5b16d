//! A service that answers in time while it makes large reports: the work for the processor is done off the runtime.
//!
//! ```text
//! report-api [--listen ADDRESS] [--rows N] [--level 1..9] [--exports N] [--max-body BYTES] [--max-line BYTES]
//!            [--connections N] [--per-address N] [--head SECONDS] [--idle SECONDS] [--drain SECONDS] [--blocking]
//! report-api --load [--rows N] [--level 1..9] [--seconds N]
//! ```
//!
//! | request | answer |
//! |---|---|
//! | `GET /reports/export` | a million rows of CSV, made while they are sent, compressed for a client that accepts gzip |
//! | `POST /import` | NDJSON is read as it comes; how many orders there were, and what is wrong with which line |
//! | `POST /echo` | the body of the request |
//! | `GET /ping` | `pong`, after a millisecond |
//!
//! With `--blocking` a report is made in one go on the runtime, as it is done without thinking. `--load` shows what that
//! means: how long `/ping` takes with no report, and with a report for each processor, made in either way. Without
//! `--listen` and `--load` it asks each of the four once, and shows what came.
//!
//! After Ctrl-C and SIGTERM no connection is taken, and what is under way has `--drain` seconds to end. It ends with 0,
//! with 1 if something had to be cut off, and with 2 after another error.

mod client;
mod export;
mod import;
mod load;
mod service;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use highwater::net::{Listen, Listening, SocketOptions};
use highwater::{CancellationToken, Error, Result, task};
use highwater_examples::{OneLine, arguments, interrupt, print};

/// A service that answers in time while it makes large reports.
#[derive(Debug, Clone, Parser)]
#[command(name = "report-api", version)]
struct Args {
    /// Where to listen; port 0 picks a free one. Without it, the program asks itself for a sample of everything.
    #[arg(long, conflicts_with = "load")]
    listen: Option<String>,
    /// Rows of a report.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// How hard reports are compressed, from 1 to 9.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=9))]
    level: u32,
    /// The most reports at a time; who wants one more is told to come back.
    #[arg(long, default_value_t = 16)]
    exports: usize,
    /// The most bytes of a request's body.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    max_body: u64,
    /// The most bytes of a line of an import; a longer one is a bad line.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10)]
    max_line: usize,
    /// The most connections at a time [default: 1024, or what the limit of open files leaves].
    #[arg(long, value_name = "N")]
    connections: Option<usize>,
    /// The most connections at a time from one address.
    #[arg(long, value_name = "N", default_value_t = 64)]
    per_address: usize,
    /// Seconds that the head of a request may take, from the start of the connection or from the last answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    head: u64,
    /// Seconds for which the body of a request may be silent, and for which a client may not take what was sent to it.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    idle: u64,
    /// Seconds that requests have to end after Ctrl-C.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    drain: u64,
    /// Make reports in one go on the runtime.
    #[arg(long)]
    blocking: bool,
    /// Measure how late `/ping` is while reports are made, in both ways.
    #[arg(long)]
    load: bool,
    /// Seconds that each part of `--load` takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(code) => code,
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    let stop = interrupt();
    if args.load {
        return tokio::select! {
            measured = load::measure(args) => measured.map(|()| ExitCode::SUCCESS),
            () = stop.cancelled() => Ok(ExitCode::from(130)),
        };
    }
    let listening = listen(args).await?;
    if args.listen.is_none() {
        return sample(listening, args, stop).await;
    }
    print(format_args!("listening on {}", listening.address()))?;
    serve(listening, args, stop).await
}

async fn listen(args: &Args) -> Result<Listening> {
    let socket = SocketOptions::default().with_user_timeout(Duration::from_secs(args.idle));
    let mut limits = Listen::default().with_max_per_address(args.per_address).with_socket(socket);
    if let Some(most) = args.connections {
        limits = limits.with_max_connections(most);
    }
    limits.bind(args.listen.as_deref().unwrap_or("127.0.0.1:0")).await
}

/// Serves until it is stopped, and then what is under way.
async fn serve(listening: Listening, args: &Args, stop: CancellationToken) -> Result<ExitCode> {
    let (router, head) = (service::router(args), Duration::from_secs(args.head));
    let serving = highwater_examples::serve(listening, router, head, stop.clone());
    let too_late = async {
        stop.cancelled().await;
        tokio::time::sleep(Duration::from_secs(args.drain)).await;
    };
    tokio::select! {
        served = serving => served.map(|()| ExitCode::SUCCESS),
        () = too_late => {
            say(format_args!("cut off what was under way after {} s", args.drain));
            Ok(ExitCode::from(1))
        }
    }
}

/// Asks for a little of everything.
async fn sample(listening: Listening, args: &Args, stop: CancellationToken) -> Result<ExitCode> {
    say(format_args!("no --listen: asking itself (--help says more)"));
    let (server, asked, address) = (args.clone(), stop.clone(), listening.address());
    let served = task::spawn(async move { serve(listening, &server, asked).await });
    tokio::select! {
        shown = client::show(address) => shown?,
        () = stop.cancelled() => return Ok(ExitCode::from(130)),
    }
    stop.cancel();
    served.await?
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("report-api", what);
}
