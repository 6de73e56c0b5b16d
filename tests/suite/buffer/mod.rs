//! The buffer: beside its reference, and rule by rule.

pub(crate) mod made;
mod model;
mod reference;
pub(crate) mod rules;
