//! The small parts of the model test: chunks, random numbers, wakers, and errors as numbers.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake};

use highwater_core::{Error, WriteError};

use super::reference::Trouble;

/// When a chunk panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temper {
    Calm,
    /// When it is weighed.
    Heavy,
    /// When the buffer drops it.
    Sore,
}

pub(super) struct Chunk {
    pub(super) id: u32,
    pub(super) weight: usize,
    pub(super) temper: Temper,
    pub(super) fates: Arc<Mutex<Vec<u8>>>,
}

impl Chunk {
    pub(super) fn weigh(&self) -> usize {
        if self.temper == Temper::Heavy {
            panic_as_planned();
        }
        self.weight
    }

    /// Drops the chunk without a panic: it is the caller's.
    pub(super) fn into_id(mut self) -> u32 {
        self.temper = Temper::Calm;
        self.id
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.fates.lock().unwrap()[self.id as usize] += 1;
        if self.temper == Temper::Sore && !std::thread::panicking() {
            panic_as_planned();
        }
    }
}

/// The payload of a panic that a chunk was made for.
struct Planned;

/// Without the hook, which would print each of them.
fn panic_as_planned() {
    resume_unwind(Box::new(Planned));
}

/// What `work` returns, or `None` if it panicked as planned.
pub(super) fn unless_planned<T>(work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Some(done),
        Err(payload) if payload.is::<Planned>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

/// Random numbers that fit into a few lines (SplitMix64).
#[derive(Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

#[derive(Default)]
pub(super) struct Flag {
    pub(super) up: AtomicBool,
    /// The step at which it went up.
    pub(super) at: AtomicU64,
    clock: Arc<AtomicU64>,
}

impl Flag {
    pub(super) fn of(clock: &Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self { clock: Arc::clone(clock), ..Self::default() })
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        if !self.up.swap(true, SeqCst) {
            self.at.store(self.clock.load(SeqCst), SeqCst);
        }
    }
}

/// Why, and the chunk that came back.
pub(super) type Refused = (Trouble, Option<u32>);

pub(super) fn refused(refused: WriteError<Chunk>) -> Refused {
    let (error, chunk) = refused.into_parts();
    (trouble(&error), Some(chunk.into_id()))
}

pub(super) fn told(n: u32) -> Error {
    Error::msg(format!("told {n}"))
}

pub(super) fn trouble(error: &Error) -> Trouble {
    if error.is_overflow() {
        Trouble::Overflow
    } else if error.is_write_after_end() {
        Trouble::WriteAfterEnd
    } else if error.is_premature_close() {
        Trouble::PrematureClose
    } else {
        let text = error.to_string();
        let number = text.trim_start_matches("told ").split(' ').next();
        Trouble::Told(number.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{text}")))
    }
}

/// Pending once, and not woken.
pub(super) async fn pause_once() {
    let mut paused = false;
    poll_fn(|_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}
