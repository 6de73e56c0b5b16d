//! One JSON array, element by element.

mod read;
mod scan;
mod split;
mod write;

pub use read::{JsonArray, json_array};
pub use write::{ToJsonArray, to_json_array};
