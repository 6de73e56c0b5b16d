//! A fast source and a slow destination: shows how full the buffer between them is.
//!
//! ```text
//! backpressure [--total BYTES] [--chunk BYTES] [--speed BYTES/s] [--high BYTES] [--low BYTES] [--every MS]
//! ```
//!
//! It copies twice. First by hand, with the words of Node: `write` until it says that the buffer is full, `pause`, wait for
//! `drain`, `resume`. Then with one `pipe_to`, which does the same. Each line of the plot is a moment; `|` is the low mark
//! and the high mark. What is on the way is never more than the high mark, the chunk that reached it, and the one that is
//! being written. It ends with 0, with 130 after Ctrl-C, and with 2 after another error.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use highwater::{
    Destination, Error, HighWaterMark, Readable, Result, Writable, destination_fn, pass_through,
};
use highwater_examples::{OneLine, arguments, interrupt};
use tokio::time::{interval, sleep};

/// A fast source and a slow destination: shows how full the buffer between them is.
#[derive(Debug, Parser)]
#[command(name = "backpressure", version)]
struct Args {
    /// How much to copy, in bytes.
    #[arg(long, default_value_t = 1 << 20)]
    total: usize,
    /// Bytes of a chunk.
    #[arg(long, default_value_t = 16 << 10, value_parser = positive)]
    chunk: usize,
    /// What the destination takes, in bytes per second.
    #[arg(long, default_value_t = 1 << 20, value_parser = positive)]
    speed: usize,
    /// The high-water mark: at so many bytes the source has to wait.
    #[arg(long, default_value_t = 256 << 10, value_parser = positive)]
    high: usize,
    /// It goes on when only so many bytes are left [default: half of the high mark].
    #[arg(long)]
    low: Option<usize>,
    /// Milliseconds between two lines of the plot.
    #[arg(long, default_value_t = 50, value_parser = positive)]
    every: usize,
}

fn positive(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be more than 0".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

fn main() -> ExitCode {
    let args: Args = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_aborted() => ExitCode::from(130),
        // The reader of the plot has seen enough: `backpressure | head`.
        Err(error) if error.io_kind() == Some(std::io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            highwater_examples::say("backpressure", OneLine(&error));
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    let low = args.low.unwrap_or(args.high / 2);
    if low >= args.high {
        return Err(Error::msg(format!("--low {low} is not below --high {}", args.high)));
    }
    let stop = interrupt();
    let mark = || HighWaterMark::bytes(args.high).with_low(low);

    say(format_args!("by hand: write, pause, drain, resume"))?;
    let level = Level::default();
    let (writable, buffer) = pass_through(mark());
    let emptied = buffer.pipe_to(slow(args.speed, &level)).abort_on(stop.clone()).spawn();
    let copied = async {
        let drained = by_hand(args, writable, &level).await;
        // Why the destination has ended is the better error.
        emptied.join().await?;
        say(format_args!("waited for drain {} times", drained?))
    };
    Plot::new(args, low, &level).beside(copied).await?;

    say(format_args!("\nwith pipe_to"))?;
    let level = Level::default();
    let copied = async {
        let source = Readable::from_iter(chunks(args)).inspect(level.rises());
        let slow = slow(args.speed, &level);
        let report = source.buffer(mark()).pipe_to(slow).abort_on(stop).run().await?;
        say(format_args!("{} chunks, held back by {}", report.chunks_out(), report.bottleneck()))
    };
    Plot::new(args, low, &level).beside(copied).await
}

/// What Node does in `pipe`, step by step. Gives how often the buffer was full.
async fn by_hand(args: &Args, writable: Writable<Bytes>, level: &Level) -> Result<usize> {
    let mut source = Readable::from_iter(chunks(args)).buffer(HighWaterMark::bytes(args.chunk));
    let (mut rises, mut full) = (level.rises(), 0);
    while let Some(chunk) = source.next().await.transpose()? {
        rises(&chunk);
        if writable.write(chunk)?.is_full() {
            full += 1;
            source.pause();
            writable.drain().await?;
            source.resume();
        }
    }
    writable.end();
    Ok(full)
}

/// Made as fast as it is asked for.
fn chunks(args: &Args) -> impl Iterator<Item = Bytes> + Send + 'static {
    let (total, size) = (args.total, args.chunk);
    let chunk = Bytes::from(vec![b'.'; size.min(total)]);
    (0..total).step_by(size).map(move |start| chunk.slice(..size.min(total - start)))
}

/// Takes so many bytes per second, and forgets them.
fn slow(speed: usize, level: &Level) -> impl Destination<Chunk = Bytes> + 'static {
    let level = level.clone();
    destination_fn(move |chunk: Bytes| {
        let level = level.clone();
        async move {
            #[expect(clippy::cast_precision_loss, reason = "a demonstration need not be exact")]
            sleep(Duration::from_secs_f64(chunk.len() as f64 / speed as f64)).await;
            level.0.now.fetch_sub(chunk.len(), Relaxed);
            Ok(())
        }
    })
}

/// Bytes that have come from the source and are not written.
#[derive(Debug, Clone, Default)]
struct Level(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Level {
    /// Counts a chunk in.
    fn rises(&self) -> impl FnMut(&Bytes) + Send + 'static {
        let level = self.clone();
        move |chunk| {
            let before = level.0.now.fetch_add(chunk.len(), Relaxed);
            level.0.peak.fetch_max(before + chunk.len(), Relaxed);
        }
    }
}

/// Draws the level over time.
struct Plot {
    level: Level,
    low: usize,
    high: usize,
    every: Duration,
}

impl Plot {
    fn new(args: &Args, low: usize, level: &Level) -> Self {
        let every = Duration::from_millis(args.every as u64);
        Self { level: level.clone(), low, high: args.high, every }
    }

    /// Draws as long as `work` goes on.
    async fn beside(self, work: impl Future<Output = Result<()>>) -> Result<()> {
        let draw = async {
            let mut ticks = interval(self.every);
            for n in 0.. {
                ticks.tick().await;
                say(format_args!("{:6} ms {}", self.every.as_millis() * n, self.line()))?;
            }
            Ok(())
        };
        tokio::select! {
            done = work => done?,
            stopped = draw => return stopped,
        }
        say(format_args!("peak {} bytes of {}", self.level.0.peak.load(Relaxed), self.high))
    }

    /// One line: a bar as long as the buffer is full, and both marks. A bar that is cut ends with `>`.
    fn line(&self) -> String {
        let level = self.level.0.now.load(Relaxed);
        let place = |bytes: usize| bytes.saturating_mul(WIDTH) / self.high;
        let filled = place(level);
        let cell = |at: usize| match at {
            LAST if filled > LAST => '>',
            _ if at == place(self.low) || at == WIDTH => '|',
            _ if at < filled => '#',
            _ => ' ',
        };
        let bar: String = (0..=filled.clamp(WIDTH, LAST)).map(cell).collect();
        format!("{bar} {:4} KiB", level.div_ceil(1024))
    }
}

fn say(line: std::fmt::Arguments<'_>) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Columns up to the high-water mark.
const WIDTH: usize = 48;
/// The last column: one chunk may be far above the mark.
const LAST: usize = 64;
