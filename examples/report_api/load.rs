//! How late a small answer is while large ones are made.

use std::net::SocketAddr;
use std::time::Duration;

use highwater::{CancellationToken, Error, Result};
use highwater_examples::print;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::{Args, client, service};

/// Measures `/ping` alone, with reports made off the runtime, and with reports made on it.
pub(crate) async fn measure(args: &Args) -> Result<()> {
    let exports = std::thread::available_parallelism()?.get();
    print(format_args!(
        "GET /ping, every {} ms; {exports} reports of {} rows at a time, gzip -{}",
        EVERY.as_millis(),
        args.rows,
        args.level
    ))?;
    print(format_args!(
        "{:24} {:>9} {:>9} {:>9} {:>8} {:>10}",
        "", "p50", "p99", "worst", "answers", "MB sent"
    ))?;
    for (name, exports, blocking) in [
        ("no report", 0, false),
        ("reports off the runtime", exports, false),
        ("reports on the runtime", exports, true),
    ] {
        let mut args = args.clone();
        args.blocking = blocking;
        let Seen { mut took, bytes } = part(args, exports).await?;
        took.sort_unstable();
        let shown = [50, 99, 100].map(|percent| millis(took[(took.len() - 1) * percent / 100]));
        #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
        let megabytes = bytes as f64 / 1e6;
        print(format_args!("{name:24} {} {:>8} {megabytes:>10.1}", shown.join(" "), took.len()))?;
    }
    Ok(())
}

fn millis(time: Duration) -> String {
    format!("{:>6.2} ms", time.as_secs_f64() * 1e3)
}

/// What came of a part.
struct Seen {
    /// How long each answer took.
    took: Vec<Duration>,
    /// Bytes of reports, as they were sent.
    bytes: u64,
}

/// A server with threads of its own, asked from here: what it does on its runtime is not done on the clients'.
async fn part(args: Args, exports: usize) -> Result<Seen> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let (address, stop) = (listener.local_addr()?, CancellationToken::new());
    let (seconds, stopped) = (args.seconds, stop.clone());
    let server = std::thread::spawn(move || server(&args, listener, &stopped));
    let seen = clients(address, exports, Duration::from_secs(seconds)).await;
    stop.cancel();
    let ended = tokio::task::spawn_blocking(move || server.join()).await?;
    ended.map_err(|payload| Error::panic(&*payload))??;
    seen
}

fn server(args: &Args, listener: std::net::TcpListener, stop: &CancellationToken) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let serving = axum::serve(TcpListener::from_std(listener)?, service::router(args));
        tokio::select! {
            served = serving => Ok(served?),
            () = stop.cancelled() => Ok(()),
        }
    })
}

/// Asks for reports all the time, and for `/ping` again and again, whether or not the one before was answered: one that is
/// late must not hide the others.
async fn clients(address: SocketAddr, exports: usize, time: Duration) -> Result<Seen> {
    let end = Instant::now() + time;
    let mut reports = JoinSet::new();
    for _ in 0..exports {
        reports.spawn(async move { reports_until(address, end).await });
    }
    let (mut pings, mut took) = (JoinSet::new(), Vec::new());
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while Instant::now() < end {
        let due = ticks.tick().await;
        pings.spawn(async move {
            client::get(address, "/ping", false).await?.count().await?;
            Ok::<_, Error>(due.elapsed())
        });
        while let Some(answered) = pings.try_join_next() {
            took.push(answered??);
        }
    }
    while let Some(answered) = pings.join_next().await {
        took.push(answered??);
    }
    let mut bytes = 0;
    while let Some(counted) = reports.join_next().await {
        bytes += counted??;
    }
    Ok(Seen { took, bytes })
}

/// One report after the other; the last one is cut off. The bytes that came.
async fn reports_until(address: SocketAddr, end: Instant) -> Result<u64> {
    let mut bytes = 0;
    let reports = async {
        loop {
            let report = client::get(address, "/reports/export", true).await?;
            report.count_with(|length| bytes += length).await?;
        }
    };
    match timeout_at(end, reports).await {
        Ok(failed) => failed,
        Err(_) => Ok(bytes),
    }
}

/// The time between two requests for `/ping`.
const EVERY: Duration = Duration::from_millis(10);
