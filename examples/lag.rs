//! Measures how late the runtime is while work for the processor runs on it, and while the same work runs off it.
//!
//! ```text
//! lag [--seconds N] [--limit N]
//! ```
//!
//! An item of the work is to count the primes below the limit. It prints a line for each of three: nothing to do, the work
//! on the runtime's own thread, and the work on the pool for blocking calls; with how late a timer was at the median, at
//! the 99th percentile and at worst, and how many items were done. It ends with 2 after an error, and with 130 after
//! Ctrl-C.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use highwater::meter::{Lag, LagMonitor};
use highwater::prelude::*;
use highwater::{BoxReadable, Error, Readable, Result, task};
use highwater_examples::{OneLine, arguments, interrupt, print};

/// Measures how late the runtime is while work for the processor runs on it, and while the same work runs off it.
#[derive(Debug, Parser)]
#[command(name = "lag", version)]
struct Args {
    /// How long to measure each.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Below which number primes are counted.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(2..))]
    limit: u32,
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{}", OneLine(&error)));
            ExitCode::from(if error.is_aborted() { 130 } else { 2 })
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    say(format_args!("{} s for each of three (--help says more)", args.seconds));
    let stop = interrupt();
    let limit = args.limit;
    let items = || Readable::from_iter(std::iter::repeat(limit));
    let nothing = Readable::from_stream(futures::stream::pending()).boxed();
    let on_it = items().map(primes_below).boxed();
    let off_it = items().parallel_map_cpu(1, |limit| Ok(primes_below(limit))).boxed();
    let time = Duration::from_secs(args.seconds);
    for (name, work) in [("nothing to do", nothing), ("on the runtime", on_it), ("off it", off_it)]
    {
        tokio::select! {
            measured = measure(work, time) => {
                let (lag, items) = measured?;
                print(format_args!("{name:<15} {lag}; {items} items"))?;
            }
            () = stop.cancelled() => return Err(Error::aborted()),
        }
    }
    Ok(())
}

/// How late the runtime is in this time, and how many items are done in it.
async fn measure(mut work: BoxReadable<u32>, time: Duration) -> Result<(Lag, u64)> {
    let mut lags =
        LagMonitor::new().with_resolution(Duration::from_millis(1)).with_every(time).lags();
    let mut monitor = task::spawn(async move { lags.next().await });
    let mut items = 0;
    loop {
        tokio::select! {
            lag = &mut monitor => {
                let lag = lag?.expect("the monitor has no end")?;
                return Ok((lag, items));
            }
            done = work.next() => {
                done.transpose()?;
                items += 1;
                // The best that work on the runtime can do: every other task waits for one item, and not for many.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// How many there are, by the sieve of Eratosthenes.
fn primes_below(limit: u32) -> u32 {
    let limit = limit as usize;
    let mut composite = vec![false; limit];
    let mut primes = 0;
    for n in 2..limit {
        if !composite[n] {
            primes += 1;
            (n * n..limit).step_by(n).for_each(|multiple| composite[multiple] = true);
        }
    }
    primes
}

/// One line on standard error.
fn say(what: std::fmt::Arguments<'_>) {
    highwater_examples::say("lag", what);
}
