//! The buffer: beside its reference, and rule by rule.

mod model;
mod reference;
mod rules;
