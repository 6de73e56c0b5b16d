//! What the two checkers have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[cfg(hw_loom)]
pub(crate) use loom::{future::block_on, thread};
#[cfg(hw_shuttle)]
pub(crate) use shuttle::{future::block_on, thread};

/// Runs a scenario in every interleaving (or in many), and says in how many.
#[expect(clippy::print_stdout, reason = "how much was tried belongs into the log of a run")]
pub(crate) fn check(name: &str, scenario: impl Fn() + Send + Sync + 'static) {
    let executions = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&executions);
    run(move || {
        count.fetch_add(1, Relaxed);
        scenario();
    });
    println!("{name}: {} executions", executions.load(Relaxed));
}

#[cfg(hw_loom)]
fn run(scenario: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(scenario);
}

/// Half of the schedules that `HIGHWATER_SCHEDULES` asks for, or of 4000, by each of two policies.
#[cfg(hw_shuttle)]
fn run(scenario: impl Fn() + Send + Sync + 'static) {
    let asked = std::env::var("HIGHWATER_SCHEDULES").ok().and_then(|text| text.parse().ok());
    let schedules: usize = asked.unwrap_or(4000) / 2;
    let scenario = Arc::new(scenario);
    let again = Arc::clone(&scenario);
    shuttle::check_pct(move || scenario(), schedules, 3);
    shuttle::check_random(move || again(), schedules);
}
