//! `AsyncRead`, `AsyncWrite`, standard input and output.
//!
//! The way back, from a readable to an `AsyncRead`, is
//! [`Readable::into_async_read`](highwater_core::Readable::into_async_read).

mod copy_duplex;
mod duplex;
mod read;
mod ready;
mod stdio;
mod write;

pub use copy_duplex::{Copied, CopyDuplex, copy_duplex};
pub use duplex::{AsyncDuplex, duplex};
pub use read::{AsyncSource, read};
pub(crate) use ready::{wait_until_readable, wait_until_writable};
pub use stdio::{stdin, stdout};
pub(crate) use stdio::{stdin_file, stdout_file};
pub use write::{AsyncDestination, write};
