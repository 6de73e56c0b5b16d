//! One JSON text per line.

mod read;
mod write;

pub use read::{Ndjson, ndjson};
pub use write::{ToNdjson, to_ndjson};
