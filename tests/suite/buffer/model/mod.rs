//! Random sequences of everything that can be done to a buffer, step by step beside the [`Reference`](reference::Reference).
//!
//! In half of them several buffers share a budget. Some chunks panic when they are weighed or dropped.
//!
//! What waits is polled again only when it was woken, or to see that a poll without a reason changes nothing. After each
//! step, whatever would be ready must have been woken (I31), what writers and the reader see is as in the reference (I7,
//! I8, B1, B2), and what is used of the budget is what is held (D4). At the end, one of those who wait gets its turn though
//! nobody polls the others any more (I44); then each chunk was dropped exactly once (I3), and nothing is left of the
//! budget.

mod bench;
mod checks;
mod expect;
mod parts;
mod reading;
mod reference;
mod sequence;
mod tasks;
mod writing;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sequence::Sequence;

/// Sequences in an ordinary run; `HIGHWATER_SEQUENCES` asks for another number.
const SEQUENCES: u64 = 100_000;

/// Shows F14, F16, I1, I3, I7, I8, I21, I23, I24, I31, I32, I33, I36, I44.
#[test]
fn a_buffer_does_what_its_reference_does() {
    let sequences = number("HIGHWATER_SEQUENCES").unwrap_or(SEQUENCES);
    let first = number("HIGHWATER_SEED").unwrap_or(0);
    let mut fired = BTreeMap::from(ALL.map(|name| (name, 0)));
    for seed in first..first + sequences {
        let run = AssertUnwindSafe(|| Sequence::new(seed, false).run(&mut fired));
        if catch_unwind(run).is_err() {
            // Once more, to say what led to it.
            Sequence::new(seed, true).run(&mut fired);
        }
    }
    println!("{sequences} sequences from seed {first}:");
    for (name, times) in &fired {
        println!("{times:12} {name}");
    }
    let never: Vec<_> = fired.iter().filter(|(_, times)| **times == 0).collect();
    assert!(never.is_empty() || sequences < 1000, "never happened: {never:?}");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// What must happen somewhere.
const ALL: [&str; 56] = [
    "chunk delivered",
    "cork: begun",
    "cork: ended",
    "destroy: by control",
    "destroy: by reader",
    "destroy: by writer",
    "done",
    "drain: at once",
    "drain: failed",
    "drain: waited, woken",
    "end",
    "fail",
    "finished: failed",
    "finished: well",
    "forgotten: next",
    "forgotten: read",
    "future dropped while it waits",
    "next: destroyed",
    "next: end",
    "next: failure in order",
    "next: nothing",
    "panic: drop in a destroy",
    "panic: drop of a future",
    "panic: weigh in a task",
    "panic: weigh in a write",
    "panic: weigh in an unshift",
    "pause",
    "permit: dropped",
    "permit: granted at once",
    "permit: granted later",
    "permit: refused",
    "permit: refused its chunk",
    "permit: used",
    "poll without a reason",
    "read: chunk",
    "read: nothing",
    "readable: end",
    "readable: failure",
    "readable: nothing",
    "readable: there is",
    "reader dropped",
    "resume",
    "send: at once",
    "send: refused",
    "send: waited, woken",
    "sink: closed",
    "sink: dropped",
    "sink: failed",
    "sink: ready",
    "sink: sent",
    "try_write: refused",
    "try_write: taken",
    "unshift: taken",
    "unshift: too late",
    "waker swapped",
    "writer dropped",
];
