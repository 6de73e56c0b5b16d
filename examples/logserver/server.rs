//! The server: what is joined to what, from the start to the end.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use highwater::mux::merge_with_handle;
use highwater::net::{Listen, Listening, Refused, SocketOptions};
use highwater::task::{self, Task};
use highwater::{CancellationToken, Error, HighWaterMark, PipelineHandle, Result, destination_fn};
use highwater_examples::{OneLine, interrupt_unless_hangup, print};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::args::Args;
use crate::demo::Demo;
use crate::intake::{Intake, Lines};
use crate::lines::{Batch, Parse};
use crate::log::SharedLog;
use crate::place::Place;
use crate::stats::Stats;
use crate::store::Store;
use crate::view::{Figures, View, Viewer};
use crate::watch::{Change, Look, looks};
use crate::web::{Site, serve};

/// Serves until Ctrl-C or SIGTERM, then stores what was read.
pub(crate) async fn run(args: &Args) -> Result<()> {
    let stop = interrupt_unless_hangup();
    let demo = args.out.is_none().then(Demo::new).transpose()?;
    let path = args.out.clone().or_else(|| demo.as_ref().map(Demo::path)).unwrap_or_default();
    let stats = Arc::new(Stats::default());
    // A pipe is opened when somebody reads it, which may be never.
    let log = stop.run_until_cancelled(SharedLog::open(place(args, path)));
    let Some(log) = log.await.transpose()? else { return Ok(()) };
    let reopening = task::spawn(reopen_on_hangup(log.clone())?);
    let store = Store::new(log, Arc::clone(&stats));
    let listening = listen(args).await?;
    let socket = SocketOptions::default().with_user_timeout(args.limits().write);
    let pages = Listen::default().with_max_connections(PAGES).with_socket(socket);
    let pages = pages.bind(args.http.as_str()).await?;
    let (merge, received) = merge_with_handle::<Lines>(usize::MAX);

    let pipeline = received
        .pipe(Parse)
        .buffer(HighWaterMark::items(BUFFER).with_weight(|batch: &Batch| batch.text.len()))
        .pipe_to(store)
        .with_name("logserver")
        .with_stage_timing();
    let pipeline = Arc::new(pipeline.spawn());
    announce(args, &listening, &pages)?;

    let refused = listening.refused().clone();
    let (site, watching) = watch_it(args, &stats, &refused, &pipeline);
    let serving = task::spawn(beside("the page", serve(pages, site, stop.clone())));
    let demo = demo.map(|demo| demo.start(listening.address()));
    let intake = Intake { merge, limits: args.limits(), stats: Arc::clone(&stats) };
    let taking = task::spawn(intake.run(listening, stop.clone()));
    let ended = until_drained(args, taking, &pipeline, &stop).await;
    drop((demo, watching, serving, reopening));
    summary(&stats, &refused, &pipeline);
    ended
}

fn place(args: &Args, path: PathBuf) -> Place {
    Place { path, full: args.rotate, keep: args.keep }
}

async fn listen(args: &Args) -> Result<Listening> {
    let socket = SocketOptions::default().with_user_timeout(args.limits().write);
    let mut limits = Listen::default().with_max_per_address(args.per_address).with_socket(socket);
    if let Some(most) = args.connections {
        limits = limits.with_max_connections(most);
    }
    limits.bind(args.listen.as_str()).await
}

/// Opens the log anew at SIGHUP: its file was moved.
#[cfg(unix)]
fn reopen_on_hangup(log: SharedLog) -> Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            match log.reopen().await {
                Ok(()) => crate::text::say(format_args!("reopened the log")),
                Err(error) => crate::text::say(format_args!("{}", OneLine(&error))),
            }
        }
    })
}

#[cfg(not(unix))]
fn reopen_on_hangup(_: SharedLog) -> Result<impl Future<Output = ()> + Send> {
    Ok(std::future::ready(()))
}

/// Says where it is, and what it will take.
fn announce(args: &Args, lines: &Listening, pages: &Listening) -> Result<()> {
    let most = lines.most();
    let bound = FIXED + most * (args.max_line as usize + PER_CONNECTION);
    print(format_args!("lines at {}", lines.address()))?;
    print(format_args!("page at http://{}/", pages.address()))?;
    print(format_args!(
        "memory at the most {} MiB, with {most} connections and lines of {} bytes",
        bound.div_ceil(1024 * 1024),
        args.max_line
    ))
}

/// Looks at what is stored every second, and says what the alerts say.
fn watch_it(
    args: &Args,
    stats: &Arc<Stats>,
    refused: &Refused,
    pipeline: &Arc<PipelineHandle>,
) -> (Site, Task<()>) {
    let window = Duration::from_secs(args.window);
    let (shown, view) = watch::channel(View::default());
    let mut viewer = Viewer {
        stats: Arc::clone(stats),
        refused: refused.clone(),
        pipeline: Arc::clone(pipeline),
        window,
        before: None,
        past: VecDeque::new(),
    };
    let site = Site {
        stats: Arc::clone(stats),
        refused: refused.clone(),
        view,
        figures: Arc::new(Figures::new()),
    };
    let looks = looks(Arc::clone(stats), window, args.thresholds().alerts());
    let show = destination_fn(move |look: Look| {
        for change in &look.changes {
            tell(change, &viewer.stats);
        }
        shown.send_replace(viewer.view(look));
        async { Ok(()) }
    });
    let watching = async move { looks.pipe_to(show).run().await.map(drop) };
    let watching = task::spawn(beside("watching", watching));
    (site, watching)
}

/// Runs a part without which lines are stored all the same.
async fn beside(name: &str, part: impl Future<Output = Result<()>>) {
    if let Err(error) = part.await {
        crate::text::say(format_args!("{name} has failed: {}", OneLine(&error)));
    }
}

fn tell(change: &Change, stats: &Stats) {
    match change {
        Change::Raised { what, count, threshold } => {
            let last = stats.errors().into_iter().next().unwrap_or_default();
            crate::text::say(format_args!(
                "alert: {count} {what}, the limit is {threshold}; last error: {last}"
            ));
        }
        Change::Recovered { what, count } => {
            crate::text::say(format_args!("recovered: {count} {what}"))
        }
    }
}

/// Waits for the end: that of the pipeline if it fails, else the one that was asked for, which may take so long and no
/// longer.
async fn until_drained(
    args: &Args,
    taking: Task<Result<()>>,
    pipeline: &PipelineHandle,
    stop: &CancellationToken,
) -> Result<()> {
    let all = async {
        tokio::try_join!(async { taking.await? }, pipeline.finished())?;
        Ok(())
    };
    tokio::pin!(all);
    tokio::select! {
        ended = &mut all => return ended,
        () = stop.cancelled() => {}
    }
    let limit = Duration::from_secs_f64(args.drain);
    timeout(limit, all).await.unwrap_or_else(|_| {
        pipeline.abort();
        let text = format!("what was read could not be stored within {limit:?}");
        Err(Error::timeout(text))
    })
}

fn summary(stats: &Stats, refused: &Refused, pipeline: &PipelineHandle) {
    let totals = stats.totals();
    crate::text::say(format_args!(
        "{} lines stored, {} unparsed, {} truncated; {} connections refused, {} given up; held back by {}",
        totals.stored.lines(),
        totals.stored.of(crate::record::Level::Unparsed),
        totals.truncated,
        refused.total(),
        totals.idle + totals.slow + totals.broken + totals.unanswered,
        pipeline.stats().bottleneck()
    ));
}

/// Browsers at a time.
const PAGES: usize = 64;
/// Bytes of stored lines that wait while others are written.
const BUFFER: usize = 1024 * 1024;
/// Bytes that the program takes without connections: itself, its buffers, what is being stored, and the page.
const FIXED: usize = 48 * 1024 * 1024;
/// Bytes that a connection takes beside the start of a line.
const PER_CONNECTION: usize = 8 * 1024;
