//! Races of the parts that threads share: short scenarios of two or three threads, run by a model checker in place of the system.
//!
//! With `--cfg hw_loom` [loom](https://docs.rs/loom) runs every interleaving with at most three preemptions; with
//! `--cfg hw_shuttle` [shuttle](https://docs.rs/shuttle) runs many random schedules of more threads. Without either there
//! is nothing here. `.ci/races` runs both.
#![forbid(unsafe_code)]

#[cfg(all(test, hw_shuttle))]
mod abort;
#[cfg(all(test, any(hw_loom, hw_shuttle)))]
mod checker;
#[cfg(all(test, hw_shuttle))]
mod hub;
#[cfg(all(test, any(hw_loom, hw_shuttle)))]
mod limiter;
#[cfg(all(test, any(hw_loom, hw_shuttle)))]
mod merge;
#[cfg(all(test, hw_shuttle))]
mod parallel;
#[cfg(all(test, any(hw_loom, hw_shuttle)))]
mod scenarios;
#[cfg(all(test, hw_shuttle))]
mod workers;
