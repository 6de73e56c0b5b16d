//! Sends log lines to a `logserver` from many connections, and says how fast they are taken and acknowledged.
//!
//! ```text
//! logload [ADDRESS] [--connections N] [--lines N] [--rate N] [--malformed SHARE] [--drippers N] [--acknowledged FILE]
//! ```
//!
//! Every line has the number of its connection and its own in it (` c3 n17 `), so that what is stored can be compared with
//! what was acknowledged, which `--acknowledged` writes into a file. It ends when all connections are over, or after Ctrl-C:
//! with 0 if every line that was sent was acknowledged, with 1 if not, and with 2 if it cannot connect.

mod client;
mod latency;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use highwater::rate_limit::{Limiter, Rate};
use highwater::{Error, Result};
use highwater_examples::{OneLine, arguments, interrupt, print};
use tokio::task::JoinSet;
use tokio::time::Instant;

use client::{Client, Dripper, Outcome};
use latency::Latencies;

/// Sends log lines to a `logserver`, and says how fast they are taken and acknowledged.
#[derive(Debug, Parser)]
#[command(name = "logload", version)]
struct Args {
    /// The server.
    #[arg(default_value = "127.0.0.1:9000")]
    address: String,
    /// Connections that send lines.
    #[arg(short, long, default_value_t = 16)]
    connections: usize,
    /// Lines of each connection.
    #[arg(short, long, default_value_t = 10_000)]
    lines: u64,
    /// Lines per second of all connections together; without it, as fast as they are taken.
    #[arg(short, long)]
    rate: Option<u64>,
    /// The part of the lines that is not `[time] LEVEL: message`, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    malformed: f64,
    /// The part of the lines that are errors, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    errors: f64,
    /// More connections, which send a line that never ends, a byte every second.
    #[arg(long, value_name = "N", default_value_t = 0)]
    drippers: usize,
    /// Connect from so many addresses: 127.0.0.1, 127.0.0.2 and so on.
    #[arg(long, value_name = "N", default_value_t = 1)]
    addresses: u8,
    /// Write how many lines of each connection were acknowledged: its number, a space, and the lines.
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(args))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            highwater_examples::say("logload", OneLine(&error));
            ExitCode::from(2)
        }
    }
}

/// Whether every line was acknowledged.
async fn run(args: Args) -> Result<bool> {
    let stop = interrupt();
    let clients = clients(&args).await?;
    let drippers = drippers(&args).await?;
    let begin = Instant::now();
    let mut dripping = JoinSet::new();
    for dripper in drippers {
        dripping.spawn(dripper.run(stop.clone()));
    }
    let mut sending = JoinSet::new();
    for client in clients {
        sending.spawn(client.run(stop.clone()));
    }
    let mut outcomes = sending.join_all().await;
    let elapsed = begin.elapsed();
    let cut_off = dripping.join_all().await.into_iter().filter(|cut_off| *cut_off).count();
    outcomes.sort_unstable_by_key(|outcome| outcome.number);
    if let Some(path) = &args.acknowledged {
        std::fs::write(path, list(&outcomes))?;
    }
    let sent: u64 = outcomes.iter().map(|outcome| outcome.sent).sum();
    let acknowledged: u64 = outcomes.iter().map(|outcome| outcome.acknowledged).sum();
    let broken = outcomes.iter().filter(|outcome| outcome.broken).count();
    let mut latencies = Latencies::default();
    outcomes.iter().for_each(|outcome| latencies.add(&outcome.latencies));
    let seconds = elapsed.as_secs_f64();
    print(format_args!(
        "{sent} lines sent, {acknowledged} acknowledged in {seconds:.3} s, {:.0} per second\n\
         acknowledged after {:.1} ms (median), {:.1} ms (99 of 100)\n\
         {broken} of {} connections broke, {cut_off} of {} drippers were cut off",
        acknowledged as f64 / seconds,
        latencies.quantile(0.5).as_secs_f64() * 1000.0,
        latencies.quantile(0.99).as_secs_f64() * 1000.0,
        args.connections,
        args.drippers,
    ))?;
    Ok(sent == acknowledged && broken == 0)
}

/// All of them connected, before the first sends.
async fn clients(args: &Args) -> Result<Vec<Client>> {
    let limiter = args.rate.map(|rate| Limiter::new(Rate::per_second(rate)));
    let settings = Arc::new(client::Settings {
        lines: args.lines,
        malformed: args.malformed,
        errors: args.errors,
        limiter,
    });
    let mut clients = Vec::new();
    for number in 0..args.connections {
        let stream = client::connect(&args.address, local(args, number)).await?;
        clients.push(Client { number, stream, settings: Arc::clone(&settings) });
    }
    Ok(clients)
}

async fn drippers(args: &Args) -> Result<Vec<Dripper>> {
    let mut drippers = Vec::new();
    for number in 0..args.drippers {
        drippers.push(Dripper(client::connect(&args.address, local(args, number)).await?));
    }
    Ok(drippers)
}

/// The last number of the address to connect from, if that matters.
fn local(args: &Args, number: usize) -> Option<u8> {
    let of = usize::from(args.addresses);
    if of < 2 { None } else { u8::try_from(number % of + 1).ok() }
}

fn list(outcomes: &[Outcome]) -> String {
    outcomes.iter().fold(String::new(), |mut list, outcome| {
        // A string takes all that is written to it.
        writeln!(list, "{} {}", outcome.number, outcome.acknowledged).expect("a string grows");
        list
    })
}
