//! The buffer: beside its reference, and rule by rule.

mod bytes;
mod cases;
mod duplexes;
mod forgotten;
mod low_mark;
pub(crate) mod made;
mod model;
mod offloaded;
mod pausing;
mod pieces;
mod reasons;
mod room;
pub(crate) mod rules;
mod sinks;
mod user_code;
mod writer;
