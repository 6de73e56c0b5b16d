//! Turns orders from CSV into NDJSON, or back, checks them on the way, and puts the bad ones aside.
//!
//! ```text
//! orders [INPUT] [-o OUTPUT] [-b BAD]
//! ```
//!
//! INPUT is a file of any size whose name ends with `.csv` or `.ndjson`. It takes a few MiB of memory, and ends with 0,
//! also if there were bad orders, with 130 after Ctrl-C, and with 2 after another error.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::Parser;
use highwater::csv::Csv;
use highwater::json::Ndjson;
use highwater::prelude::*;
use highwater::record::{Failed, ItemCounts, OnFailure};
use highwater::{
    BoxReadable, CancellationToken, Error, HighWaterMark, Readable, Report, Result, Writable, fs,
};
use highwater_examples::{
    Descriptor, OneLine, arguments, interrupt, is_closed_output, output, peak_memory,
};
use serde::{Deserialize, Serialize};

/// Turns orders from CSV into NDJSON, or back, and puts the bad ones aside.
#[derive(Debug, Parser)]
#[command(name = "orders", version)]
struct Args {
    /// A file that ends with `.csv` or `.ndjson`. Without it, sample orders are made.
    input: Option<PathBuf>,
    /// Write to this file instead of standard output: all orders, or none after an error.
    #[arg(short, long, value_name = "OUTPUT")]
    output: Option<PathBuf>,
    /// Write the bad orders to this file, as they stood in the input. Without it they are only counted.
    #[arg(short, long, value_name = "BAD")]
    bad: Option<PathBuf>,
}

/// The columns of the CSV, and the keys of the NDJSON.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
    cents: u32,
    note: Option<String>,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has all it wants: `orders | head`. A file of bad orders would be missing.
        Err(error) if is_closed_output(&error) && args.bad.is_none() => ExitCode::SUCCESS,
        Err(error) if error.is_aborted() => ExitCode::from(130),
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    if let (Some(output), Some(bad)) = (&args.output, &args.bad)
        && is_same_file(output, bad)
    {
        return Err(Error::msg("OUTPUT and BAD are the same file: one would replace the other"));
    }
    let bad = args.bad.as_ref().map(|path| {
        // A task of its own writes them, so that the machine that finds one need not wait.
        Writable::new(output(Some(path)), HighWaterMark::bytes(1024 * 1024))
    });
    let converted = convert(args, policy(bad.as_ref()), interrupt()).await;
    if let Some(bad) = bad {
        match &converted {
            Ok(_) => bad.finish().await?,
            Err(error) => {
                bad.destroy(error.clone());
                // Nothing of it is left when the program ends.
                drop(bad.finished().await);
            }
        }
    }
    let (counts, report) = converted?;
    say(format_args!("{}", summary(&counts, &report)));
    Ok(())
}

/// An open descriptor takes both.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let same = |one: &Path, other| one.canonicalize().is_ok_and(|path| path == other);
    let is_same = one == other || other.canonicalize().is_ok_and(|other| same(one, other));
    is_same && Descriptor::of(one).is_none() && Descriptor::of(other).is_none()
}

/// What becomes of a bad order.
fn policy(bad: Option<&Writable<Bytes>>) -> OnFailure<Bytes> {
    let Some(bad) = bad.cloned() else { return OnFailure::Skip };
    OnFailure::handle(move |record: Failed<Bytes>| {
        // At the mark it refuses: then the program fails, and forgets nothing.
        Ok(bad.try_write([&record.item()[..], &b"\n"[..]].concat().into())?)
    })
}

async fn convert(
    args: &Args,
    policy: OnFailure<Bytes>,
    stop: CancellationToken,
) -> Result<(ItemCounts, Report)> {
    let source = source(args.input.as_deref());
    let destination = output(args.output.as_deref());
    let extension = args.input.as_ref().map(|path| path.extension().unwrap_or_default());
    let (counts, pipeline) = match extension.map(|extension| extension.to_str()) {
        None | Some(Some("csv")) => {
            let machine = Csv::<Order>::new().on_failure(policy);
            (machine.counts(), source.pipe(machine).to_ndjson().boxed().pipe_to(destination))
        }
        Some(Some("ndjson")) => {
            let machine = Ndjson::<Order>::new().on_failure(policy);
            (machine.counts(), source.pipe(machine).to_csv().boxed().pipe_to(destination))
        }
        Some(_) => return Err(Error::msg("the name of INPUT ends neither with .csv nor .ndjson")),
    };
    Ok((counts, pipeline.abort_on(stop).await?))
}

fn source(input: Option<&Path>) -> BoxReadable<Bytes> {
    match input {
        Some(path) => fs::read(path).boxed(),
        None => {
            say(format_args!("no INPUT: {SAMPLE} sample orders in CSV (--help says more)"));
            Readable::from_iter(sample()).boxed()
        }
    }
}

fn summary(counts: &ItemCounts, report: &Report) -> String {
    let memory = peak_memory().map_or(0, |bytes| bytes / 1024);
    format!(
        "{} orders, {} bad ones left out, in {:.3} s; peak memory {memory} KiB",
        counts.succeeded(),
        counts.failed(),
        report.elapsed().as_secs_f64()
    )
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("orders", what);
}

/// Orders, of which one in a thousand has no sum.
fn sample() -> impl Iterator<Item = Bytes> + Send {
    let orders = (0..SAMPLE).map(|n| match n % 1000 {
        999 => format!("{n},\"Doe, Jane\",unknown,\n"),
        _ => format!("{n},\"Doe, John\",{},\"{n}th\norder\"\n", n * 7919 % 100_000),
    });
    std::iter::once("id,customer,cents,note\n".to_owned()).chain(orders).map(Bytes::from)
}

/// How many sample orders there are.
const SAMPLE: u64 = 10_000;
