//! The buffer: beside its reference, and rule by rule.

mod cases;
mod forgotten;
pub(crate) mod made;
mod model;
mod reasons;
mod room;
pub(crate) mod rules;
mod writer;
