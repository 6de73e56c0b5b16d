//! What stages that work record by record have in common: the policy for failures, counts, and written records.

mod counts;
mod failure;
mod gather;
mod place;

pub use counts::ItemCounts;
pub use failure::{Failed, FailurePolicy, OnFailure};
pub use gather::ChunkWriter;
#[doc(hidden)]
pub use place::Place;

/// The default maximum of a record, in bytes: 1 MiB.
pub const MAX_RECORD: usize = 1 << 20;
