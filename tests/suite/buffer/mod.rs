//! The buffer: beside its reference, and rule by rule.

mod cases;
pub(crate) mod made;
mod model;
mod pieces;
mod reasons;
mod reference;
mod room;
pub(crate) mod rules;
mod writer;
