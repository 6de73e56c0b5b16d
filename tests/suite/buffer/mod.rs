//! The buffer: beside its reference, and rule by rule.

mod made;
mod model;
mod reference;
mod rules;
