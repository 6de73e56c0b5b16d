//! The guide, as in the folder `docs`: every example of it is compiled and run.
#![doc = include_str!("../docs/GUIDE.md")]

#[doc = include_str!("../docs/WRITING_A_TRANSFORM.md")]
pub mod transforms {}

#[doc = include_str!("../docs/ARCHITECTURE.md")]
pub mod architecture {}

#[doc = include_str!("../docs/DESIGN.md")]
pub mod design {}

#[cfg(all(feature = "net", feature = "parallel-map", feature = "process", feature = "text"))]
#[doc = include_str!("../docs/COMING_FROM_NODE.md")]
pub mod coming_from_node {}

#[doc = include_str!("../docs/SEMANTICS.md")]
pub mod semantics {}

/// The program of the README, which needs a log: it is compiled here, and the same runs in the documentation of the crate.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub mod readme {}
