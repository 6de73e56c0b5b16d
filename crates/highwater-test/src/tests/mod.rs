//! The kit rejects what is broken: for each suite a part that works, which passes, and the same part with one bug, which
//! does not.

mod cuts;
mod destinations;
mod executor;
mod groups;
mod script;
mod sources;
mod stops;
mod timed;
mod words;

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use highwater_core::Error;

/// Runs a suite over something with this bug: it must fail, and say this.
fn rejects(bug: impl Debug, says: &str, suite: impl FnOnce()) {
    match catch_unwind(AssertUnwindSafe(suite)) {
        Ok(()) => panic!("{bug:?} passes"),
        Err(payload) => {
            let why = Error::panic(&*payload).to_string();
            assert!(why.contains("not conforming") && why.contains(says), "{bug:?}: {why}");
        }
    }
}
