//! Tests for your own machines, sources and destinations of highwater: one call runs everything that a pipeline may do to them.
//!
//! | what you wrote | what tests it |
//! |---|---|
//! | a `Transform` | [`conformance`] |
//! | a `Transform` of `Bytes` | [`conformance_bytes`], which cuts the input in every way |
//! | a `TimedTransform` | [`conformance_timed`], where no time passes |
//! | a `Source` | [`conformance_source`] |
//! | a `Source` that somebody feeds | [`conformance_source_fed`] |
//! | a `Destination` | [`conformance_destination`] |
//! | a `Destination` of `Bytes` | [`conformance_destination_bytes`] |
//!
//! The parts they are made of are there for tests of your own: a source that follows a [`Script`], a destination that
//! records its calls ([`Recorder`]) in a [`Log`] and takes chunks on [`Demand`], an executor that polls only what was
//! woken ([`Woken`]), the ways to [cut](cuts()) bytes, and a machine driven [by hand](drive()).
//!
//! All of it panics when something does not hold, and the message says which check failed, for which case. It belongs
//! into `[dev-dependencies]`.
//!
//! ```
//! use highwater_core::operators::Filter;
//! use highwater_test::{Case, conformance};
//!
//! conformance(|| Filter::new(|x: &u32| x % 2 == 0), [Case::new([1, 2, 3, 4]).gives([2, 4])]);
//! ```
#![forbid(unsafe_code)]

mod case;
mod conformance;
mod cuts;
mod drive;
mod executor;
mod hostile;
pub mod io;
mod log;
mod recorder;
mod script;
#[cfg(test)]
mod tests;
mod tokens;

pub use case::Case;
pub use conformance::{
    Moment, conformance, conformance_bytes, conformance_destination, conformance_destination_bytes,
    conformance_source, conformance_source_fed, conformance_timed,
};
pub use cuts::{Cut, Seed, cuts};
pub use drive::{Outcome, drive};
pub use executor::{
    Handle, Ran, Stall, Stalled, Wakes, Woken, drop_at_poll, pend, poll_once, run_spurious,
    run_woken,
};
pub use hostile::{Behaviour, Hostile, Point};
pub use log::{Event, Log};
pub use recorder::{Demand, Op, Recorder, Trouble, When};
pub use script::{Cue, Script};
pub use tokens::{Token, Tokens};
