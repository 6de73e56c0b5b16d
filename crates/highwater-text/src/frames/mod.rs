//! Frames with their length before them, both ways.

mod prefix;
mod read;
mod write;

pub use prefix::Prefix;
pub use read::{Frames, frames};
pub use write::{ToFrames, to_frames};

use highwater_core::Error;

/// The default maximum of a frame, in bytes without its prefix.
const DEFAULT_MAX: usize = 1 << 20;

#[cold]
fn too_long(length: u64, most: usize) -> Error {
    Error::limit(format!("a frame of {length} bytes, where {most} are allowed"))
}
