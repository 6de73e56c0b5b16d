//! The core of highwater: [`Transform`], [`Readable`], [`Destination`], [`Pipeline`] and [`Error`].
//!
//! Chunks flow from a source, through transforms, to a destination, on Tokio, in bounded memory. Most programs use it
//! through the facade, the crate `highwater`; crates with machines of their own depend on this one.
//!
//! ```
//! use highwater_core::{Readable, Result, destination_fn};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let report = Readable::from_iter(1..=1000_u32)
//!     .filter(|x| x % 2 == 0)
//!     .map(|x| x * x)
//!     .pipe_to(destination_fn(|x: u32| async move { assert!(x % 4 == 0); Ok(()) }))
//!     .await?;
//! assert_eq!((report.chunks_in(), report.chunks_out()), (1000, 500));
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

#[macro_use]
mod debug;

mod buffer;
mod coop;
mod destination;
mod error;
pub mod observe;
pub mod operators;
mod pace;
mod pipe;
mod pipeline;
mod readable;
mod reason;
pub mod record;
pub mod stage;
#[doc(hidden)]
pub mod sync;
pub mod task;
mod transform;

pub use buffer::{
    Budget, Buffered, Cork, Duplex, HighWaterMark, Permit, Room, Writable, WriteError, duplex_pair,
    pass_through,
};
pub use destination::{
    BoxDestination, Destination, DestinationFn, FromSink, destination_fn, from_sink,
};
pub use error::{Context, Error, ErrorKind, Result, StandardError};
pub use observe::report::{Bottleneck, Report};
pub use pipeline::{Joint, Pipeline, PipelineFuture, PipelineHandle, Takes};
pub use readable::{BoxReadable, Readable, Source};
pub use stage::control::Control;
pub use tokio_util::sync::CancellationToken;
pub use transform::{BoxTransform, TimedTransform, Transform, transform_fn};

/// The sources that the functions and methods of [`Readable`] make, for those who name their types.
pub mod source {
    pub use crate::buffer::{BufferedDuplex, TiedReadable};
    pub use crate::pipe::{Answer, Engine, Pipe, Piped, PipedTimed, Plain, Timed};
    pub use crate::readable::{
        AbortOn, CatchUnwind, Concat, Flatten, FromIter, FromResults, FromStream, Movable, Next,
        Once, TakeUntil, Then, Timeout, UntilError, Zip,
    };
}
