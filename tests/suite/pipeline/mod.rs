//! Pipelines as they are used: ways to run one, where chunks go, and what is reported.

mod destinations;
mod reports;
mod running;
