//! The suites: everything that must hold for any machine, any source and any destination.

mod bytes;
mod check;
mod destination;
mod gauged;
mod judge;
mod piped;
mod reading;
mod simulation;
mod source;
mod timed;
mod transform;

pub use self::bytes::conformance_bytes;
pub use destination::{Moment, conformance_destination, conformance_destination_bytes};
pub use source::{conformance_source, conformance_source_fed};
pub use timed::conformance_timed;
pub use transform::conformance;
