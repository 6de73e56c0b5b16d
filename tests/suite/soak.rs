//! Random pipelines on a runtime of several threads: none hangs, none leaks a task, a chunk or a file, and what arrives is
//! what should.
//!
//! `HIGHWATER_PIPELINES` asks for another number of them, `HIGHWATER_SEED` for another start. What fails names its seed.

use std::future::Future;
use std::process::Command;
use std::time::Duration;

use highwater::mux::{MuxExt as _, merge};
use highwater::parallel_map::ParallelMapExt as _;
use highwater_core::{
    BoxReadable, CancellationToken, Error, HighWaterMark, Readable, Report, Result, Writable,
    destination_fn, pass_through,
};
use highwater_test::{Token, Tokens};
use tokio::time::Instant;

/// Pipelines in an ordinary run.
const PIPELINES: u64 = 10_000;

/// Pipelines that run at the same time.
const AT_ONCE: u64 = 20;

type Chunk = Token<u64>;

/// Shows I2, I3, I48, I51.
#[test]
fn random_pipelines_neither_hang_nor_leak() {
    // In a process of its own, whose files and tasks nobody else opens and spawns.
    if std::env::var_os(ALONE).is_some() {
        return run_all();
    }
    let name = "soak::random_pipelines_neither_hang_nor_leak";
    let mut alone = Command::new(std::env::current_exe().unwrap());
    let output = alone.args([name, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const ALONE: &str = "HIGHWATER_SOAK_ALONE";

#[expect(clippy::print_stdout, reason = "what was run belongs into the log of a run")]
fn run_all() {
    let pipelines = number("HIGHWATER_PIPELINES").unwrap_or(PIPELINES);
    let first = number("HIGHWATER_SEED").unwrap_or(0);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .max_blocking_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let files = open_files();
    let mut outcomes = Outcomes::default();
    for start in (first..first + pipelines).step_by(usize::try_from(AT_ONCE).unwrap()) {
        let batch = runtime.block_on(async {
            let all =
                (start..start + AT_ONCE).map(|seed| tokio::time::timeout(WATCHDOG, one(seed)));
            futures::future::join_all(all).await
        });
        for (seed, outcome) in (start..).zip(batch) {
            let outcome = outcome.unwrap_or_else(|_| panic!("seed {seed} hangs, or leaves chunks"));
            outcomes.count(outcome);
        }
        let left = || runtime.metrics().num_alive_tasks();
        let patience = Instant::now() + WATCHDOG;
        while left() > 0 && Instant::now() < patience {
            std::thread::yield_now();
        }
        assert_eq!(left(), 0, "tasks are left by one of the seeds {start} to {}", start + AT_ONCE);
    }
    assert_eq!(open_files(), files);
    println!("{pipelines} pipelines from seed {first}: {outcomes:?}");
    let Outcomes { whole, failed, aborted, dropped } = outcomes;
    assert!(pipelines < 1000 || [whole, failed, aborted, dropped].iter().all(|times| *times > 0));
}

const WATCHDOG: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct Outcomes {
    whole: u64,
    failed: u64,
    aborted: u64,
    dropped: u64,
}

impl Outcomes {
    fn count(&mut self, outcome: Option<Result<Report>>) {
        *match outcome {
            None => &mut self.dropped,
            Some(Ok(_)) => &mut self.whole,
            Some(Err(error)) if error.is_aborted() => &mut self.aborted,
            Some(Err(_)) => &mut self.failed,
        } += 1;
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

fn open_files() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// Random numbers that fit into a few lines (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn mark<T>(&mut self) -> HighWaterMark<T> {
        let high = [0, 1, 2, 7, 64][usize::try_from(self.below(5)).unwrap()];
        let mark = HighWaterMark::items(high);
        if self.below(2) == 0 { mark.with_low(0) } else { mark }
    }
}

/// Runs one pipeline, and sees to it that nothing of it is left. `None` if it was dropped half-way.
async fn one(seed: u64) -> Option<Result<Report>> {
    let mut random = Random(seed);
    let tokens = Tokens::new();
    let chunks = [0, 1, 2, 50, 300][usize::try_from(random.below(5)).unwrap()];
    let fails_at = (random.below(4) == 0).then(|| random.below(chunks + 1));
    let (source, mut expected) = source(&mut random, &tokens, chunks, fails_at);
    let mut readable = source;
    for _ in 0..random.below(5) {
        readable = stage(&mut random, readable, &mut expected);
    }
    let outcome = finish(seed, &mut random, readable, expected).await;
    // What was sent to the pool for blocking calls lets go of the last chunks there; the watchdog sees those that stay.
    while tokens.alive() > 0 {
        tokio::task::yield_now().await;
    }
    outcome
}

/// A source of numbers that gives way now and then, and perhaps fails or panics; and what it gives.
fn source(
    random: &mut Random,
    tokens: &Tokens,
    chunks: u64,
    fails_at: Option<u64>,
) -> (BoxReadable<Chunk>, Vec<u64>) {
    let (tokens, panics, yields) = (tokens.clone(), random.below(2) == 0, random.below(3) == 0);
    let expected = (0..fails_at.unwrap_or(chunks)).collect();
    let numbers = Readable::from_iter(0..chunks + 1).then(move |x| {
        let token = tokens.token(x);
        async move {
            if yields && x % 3 == 0 {
                tokio::task::yield_now().await;
            }
            match fails_at {
                // Past the hook: thousands of messages would only hide the one that matters.
                Some(at) if at == x && panics => std::panic::resume_unwind(Box::new("a source")),
                Some(at) if at == x => Err(Error::msg("a source")),
                _ => Ok(token),
            }
        }
    });
    let numbers = numbers.take_while(move |x| fails_at.is_some() || **x < chunks);
    (numbers.boxed(), expected)
}

/// One more stage, and what comes out of it.
fn stage(
    random: &mut Random,
    readable: BoxReadable<Chunk>,
    expected: &mut Vec<u64>,
) -> BoxReadable<Chunk> {
    match random.below(10) {
        0 => readable.map(|x| x).boxed(),
        1 => {
            expected.retain(|x| x % 3 != 0);
            readable.filter(|x| **x % 3 != 0).boxed()
        }
        2 => readable.buffer(random.mark()).boxed(),
        3 => {
            let machine = highwater_core::operators::Filter::new(|x: &Chunk| !x.is_multiple_of(5));
            expected.retain(|x| x % 5 != 0);
            readable.offload(machine, random.mark()).boxed()
        }
        4 => {
            let by_hand = random.below(2) == 0;
            let copy = move |mut input: BoxReadable<Chunk>, output: Writable<Chunk>| async move {
                while let Some(chunk) = input.next().await.transpose()? {
                    if by_hand {
                        if output.write(chunk)?.is_full() {
                            output.drain().await?;
                        }
                    } else {
                        output.send(chunk).await?;
                    }
                }
                Ok(())
            };
            readable.through(random.mark(), copy).boxed()
        }
        5 => {
            let (n, yields) = (1 + random.below(4), random.below(2) == 0);
            let wait = move |x: Chunk| async move {
                if yields && x.is_multiple_of(2) {
                    tokio::task::yield_now().await;
                }
                Ok(x)
            };
            readable.parallel_map(usize::try_from(n).unwrap(), wait).boxed()
        }
        // With one key, items wait for each other, and keep their order.
        6 => readable.parallel_map_by_key(3, |_| 0, |x| async move { Ok(x) }).boxed(),
        7 => readable.parallel_map_cpu(2, Ok).boxed(),
        8 => {
            let (all, none) = readable.route(|_| true);
            drop(none);
            merge([all]).boxed()
        }
        _ => {
            let group = 1 + random.below(5);
            let groups = readable.chunks(usize::try_from(group).unwrap());
            groups.flat_map(|group| group).boxed()
        }
    }
}

/// Runs it into one of several destinations, perhaps paused, aborted or dropped on the way.
async fn finish(
    seed: u64,
    random: &mut Random,
    readable: BoxReadable<Chunk>,
    expected: Vec<u64>,
) -> Option<Result<Report>> {
    let (slow, refuses) = (random.below(3) == 0, random.below(6) == 0);
    let mut next = 0;
    let whole = expected.len();
    let check = move |chunk: Chunk| {
        let place = expected.get(next).copied();
        assert_eq!(place, Some(*chunk), "chunk {next}, seed {seed}");
        next += 1;
        next
    };
    let token = CancellationToken::new();
    let (result, written) = if random.below(2) == 0 {
        let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let written = std::sync::Arc::clone(&count);
        let mut check = check;
        let destination = destination_fn(move |chunk: Chunk| {
            count.store(check(chunk), std::sync::atomic::Ordering::SeqCst);
            async move {
                if slow {
                    tokio::task::yield_now().await;
                }
                if refuses { Err(Error::msg("a destination")) } else { Ok(()) }
            }
        });
        let pipeline = readable.pipe_to(destination).abort_on(token.clone());
        let result = interfere(random, token, pipeline.spawn()).await;
        (result, written.load(std::sync::atomic::Ordering::SeqCst))
    } else {
        let (writable, mut out) = pass_through(random.mark());
        let running = readable.pipe_to(writable).abort_on(token.clone()).spawn();
        let mut check = check;
        let read = async move {
            let mut read = 0;
            while let Some(Ok(chunk)) = out.next().await {
                read = check(chunk);
                if refuses {
                    break;
                }
            }
            read
        };
        tokio::join!(interfere(random, token, running), read)
    };
    if let Some(Ok(_)) = &result {
        assert_eq!(written, whole, "it ended well, seed {seed}");
    }
    result
}

/// Leaves it alone, pauses and resumes it, aborts it, or drops it.
fn interfere(
    random: &mut Random,
    token: CancellationToken,
    running: highwater_core::PipelineHandle,
) -> impl Future<Output = Option<Result<Report>>> {
    let (what, yields) = (random.below(8), random.below(20));
    async move {
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        match what {
            0 => token.cancel(),
            1 => running.abort(),
            2 => {
                drop(running);
                return None;
            }
            3 => {
                running.pause();
                tokio::task::yield_now().await;
                running.resume();
            }
            _ => {}
        }
        Some(running.join().await)
    }
}
