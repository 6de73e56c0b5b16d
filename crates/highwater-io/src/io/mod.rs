//! `AsyncRead`, `AsyncWrite`, standard input and output.
//!
//! The way back, from a readable to an `AsyncRead`, is
//! [`Readable::into_async_read`](highwater_core::Readable::into_async_read).

mod read;
mod stdio;
mod write;

pub use read::{AsyncSource, read};
pub use stdio::{stdin, stdout};
pub(crate) use stdio::{stdin_file, stdout_file};
pub use write::{AsyncDestination, write};
