//! Merging and splitting under delays, errors, panics and drops.

mod branches;
mod demux;
mod merge;
mod panics;
mod policies;
#[cfg(feature = "framed")]
mod session;
mod wakes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use futures::stream;
use highwater_core::{BoxReadable, Error, Readable};
use tokio::time::sleep;

const MS: Duration = Duration::from_millis(1);

/// Numbers that look random: splitmix64.
struct Random(u64);

impl Random {
    /// Prints the seed, which a failing test then shows.
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % end
    }

    fn pause(&mut self) -> Duration {
        MS * u32::try_from(self.below(20)).expect("it is below 20")
    }
}

/// Numbers from 0, each after a pause that looks random.
fn slow(numbers: u64, seed: u64) -> BoxReadable<u64> {
    let random = Random(seed);
    let slow = stream::unfold((0, random), move |(n, mut random)| async move {
        sleep(random.pause()).await;
        (n < numbers).then_some((n, (n + 1, random)))
    });
    Readable::from_stream(slow).boxed()
}

/// Some numbers, then an error.
fn failing(numbers: u64) -> BoxReadable<u64> {
    Readable::from_iter(0..=numbers)
        .try_map(move |n| if n < numbers { Ok(n) } else { Err(Error::msg("broken")) })
        .boxed()
}

/// Counts what is read, and tells when it was dropped.
#[derive(Clone, Default)]
struct Watch(Arc<(AtomicUsize, AtomicBool)>);

impl Watch {
    fn source(&self) -> BoxReadable<usize> {
        let guard = Guard(self.clone());
        Readable::from_iter((0..).inspect(move |_| {
            guard.0.0.0.fetch_add(1, SeqCst);
        }))
        .boxed()
    }

    fn pulled(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    fn is_dropped(&self) -> bool {
        self.0.1.load(SeqCst)
    }
}

struct Guard(Watch);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.1.store(true, SeqCst);
    }
}

/// The result of what must not hang. With a paused clock, what hangs fails at once.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(MS * 86_400_000, future).await.expect("it hangs")
}

/// Lets every other task do what it can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
