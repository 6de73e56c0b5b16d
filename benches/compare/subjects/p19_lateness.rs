//! P19: how late a timer is while a log is compressed with gzip -9 and rows are exported as CSV, in the same process.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use highwater::csv::ToCsv;
use highwater::gzip::Gzip;
use highwater::operators::Chain;
use highwater::operators::FlatMap;
use highwater::prelude::*;
use highwater::task::{Task, spawn};
use highwater::{HighWaterMark, Readable, Source, Transform};
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::{Instant, sleep};

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P19",
    title: "lateness of a timer, p99, beside gzip -9 and a CSV export",
    work: Work::Late,
    contestants: &[
        Contestant::late(Role::Ours, OFFLOADED, |time| measure(time, Some(offloaded))),
        Contestant::late(Role::Limit, IDLE, |time| measure(time, None)),
        Contestant::late(Role::Peer, BY_HAND, |time| measure(time, Some(by_hand))),
        Contestant::late(Role::Aside, INLINE, |time| measure(time, Some(inline))),
    ],
    goals: &[Goal::Cost { ours: OFFLOADED, at_most: 2.0, of_best: &[IDLE] }],
};

const OFFLOADED: &str = "highwater, offloaded";
const IDLE: &str = "nothing beside it";
const BY_HAND: &str = "loops in spawn_blocking";
const INLINE: &str = "inline, giving way each chunk";

/// Starts what runs beside the timer, on the same runtime, until the tasks are dropped or it is over.
type Beside = fn(&Arc<Made>) -> Vec<Task<()>>;

/// Bytes made beside the timer.
#[derive(Debug, Default)]
struct Made {
    packed: AtomicU64,
    rows: AtomicU64,
    over: AtomicBool,
}

/// The lateness that 99 of 100 timers do not exceed.
fn measure(time: Duration, beside: Option<Beside>) -> Result<Answer> {
    let made = Arc::<Made>::default();
    let mut late = block_on(async {
        let _beside = beside.map(|beside| beside(&made));
        let (end, mut late) = (Instant::now() + time, Vec::new());
        while Instant::now() < end {
            let due = Instant::now() + TIMER;
            sleep(TIMER).await;
            late.push(due.elapsed());
        }
        made.over.store(true, Relaxed);
        late
    });
    let busy = [&made.packed, &made.rows].map(|bytes| bytes.load(Relaxed) > 0);
    ensure!(busy == [beside.is_some(); 2], "what was made beside the timer: {made:?}");
    late.sort_unstable();
    Ok(Answer::timed("late", late[(late.len() * 99).div_ceil(100) - 1]))
}

fn offloaded(made: &Arc<Made>) -> Vec<Task<()>> {
    let export = blocks().offload(csv(), HighWaterMark::bytes(CHUNK));
    vec![drain(log().gzip(9), made, |made| &made.packed), drain(export, made, |made| &made.rows)]
}

/// At its best: without that, a chunk counts little, and thousands of them are worked on before others have their turn.
fn inline(made: &Arc<Made>) -> Vec<Task<()>> {
    let packed = log().pipe(Gzip::new(9));
    let (packed, export) = (giving_way(packed), giving_way(blocks().pipe(csv())));
    vec![drain(packed, made, |made| &made.packed), drain(export, made, |made| &made.rows)]
}

/// Lets the others have their turn after every chunk.
fn giving_way(
    readable: Readable<impl Source<Chunk = Bytes> + Unpin + Send + 'static>,
) -> Readable<impl Source<Chunk = Bytes> + Unpin + Send + 'static> {
    readable.then(|chunk| async {
        yield_now().await;
        Ok(chunk)
    })
}

/// A log without an end, in chunks like those of a file.
fn log() -> Readable<impl Source<Chunk = Bytes> + Unpin + Send + 'static> {
    let text = text();
    Readable::from_iter((0..).map(move |n| {
        let start = n % (text.len() / CHUNK) * CHUNK;
        text.slice(start..start + CHUNK)
    }))
}

/// The first row of each block of rows, without an end.
fn blocks() -> Readable<impl Source<Chunk = u64> + Unpin + Send + 'static> {
    Readable::from_iter((0..).step_by(BLOCK))
}

fn csv() -> impl Transform<Input = u64, Output = Bytes> + Send + 'static {
    Chain::new(FlatMap::new(|first| (first..).take(BLOCK).map(row)), ToCsv::new())
}

fn row(id: u64) -> (u64, &'static str, u64) {
    (id, CITIES[usize::from(id.to_le_bytes()[0]) % CITIES.len()], id * 104_729 % 1_000_000)
}

fn drain(
    mut readable: Readable<impl Source<Chunk = Bytes> + Unpin + Send + 'static>,
    made: &Arc<Made>,
    count: fn(&Made) -> &AtomicU64,
) -> Task<()> {
    let made = Arc::clone(made);
    spawn(async move {
        while let Some(chunk) = readable.next().await {
            let chunk = chunk.expect("numbers and texts do not fail");
            count(&made).fetch_add(chunk.len() as u64, Relaxed);
        }
    })
}

/// The same work without a library for streams, each on a thread of the pool for blocking calls.
fn by_hand(made: &Arc<Made>) -> Vec<Task<()>> {
    let (text, gzip, export) = (text(), Arc::clone(made), Arc::clone(made));
    drop(spawn_blocking(move || {
        let mut packed = GzEncoder::new(Count(&gzip.packed), Compression::new(9));
        for chunk in text.chunks(CHUNK).cycle().take_while(|_| !gzip.over.load(Relaxed)) {
            packed.write_all(chunk).expect("who counts takes everything");
        }
    }));
    drop(spawn_blocking(move || {
        let mut rows = csv::Writer::from_writer(Count(&export.rows));
        for id in (0..).take_while(|_| !export.over.load(Relaxed)) {
            rows.serialize(row(id)).expect("who counts takes everything");
        }
    }));
    Vec::new()
}

/// Counts what is written.
#[derive(Debug)]
struct Count<'a>(&'a AtomicU64);

impl io::Write for Count<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len() as u64, Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// 4 MiB of a log.
fn text() -> Bytes {
    let line = |n: u64| {
        let (took, user) = (n * 7919 % 2003, n * 104_729 % 1_000_003);
        format!("2026-03-01T00:00:{:02} INFO user {user} took {took} ms for /api/{n}\n", n % 60)
    };
    let mut text: String = (0..60_000).map(line).collect();
    text.truncate(text.len() / CHUNK * CHUNK);
    Bytes::from(text)
}

const CITIES: [&str; 4] = ["Ulm", "Ys, the lost", "Köln", "Århus"];
/// Rows that are made for one look at whether to go on.
const BLOCK: usize = 1024;
/// For how long the timer is set.
const TIMER: Duration = Duration::from_millis(2);
