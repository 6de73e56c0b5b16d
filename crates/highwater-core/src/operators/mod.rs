//! The machines behind the methods of [`Readable`](crate::Readable).
//!
//! Each is a [`Transform`](crate::Transform) of its own, so that it can be put into a [`Chain`] or driven
//! without a stream.

mod each;
mod part;
mod state;
#[cfg(test)]
mod tests;
mod verdict;

pub use each::{Filter, FilterMap, FlatMap, Inspect, Map, TryMap};
pub use part::{Skip, SkipWhile, Take, TakeWhile};
pub use state::{Chunks, Enumerate, Scan};
pub use verdict::Verdict;

pub use crate::transform::{Chain, TransformFn};

use crate::error::{Error, Result};

/// Fails when more than a number of chunks has passed; what the bounded collectors are made of.
pub(crate) fn check_limit(held: usize, limit: usize, unit: &str) -> Result<()> {
    if held <= limit {
        return Ok(());
    }
    Err(Error::limit(format!("more than {limit} {unit} to collect")))
}
