//! Files, `AsyncRead` and `AsyncWrite`, standard input and output as streams of [`Bytes`](bytes::Bytes).
//!
//! - [`fs::read`], [`fs::read_range`]: files, read ahead in bursts on Tokio's blocking pool;
//! - [`fs::write`], [`fs::append`], [`fs::replace`]: destinations that are files;
//! - [`io::read`], [`io::write`]: any `AsyncRead` and `AsyncWrite`;
//! - [`io::stdin`], [`io::stdout`].
//!
//! ```
//! use highwater_io::fs;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let (from, to) = (folder.path().join("a"), folder.path().join("b"));
//! std::fs::write(&from, "hello")?;
//! let report = fs::read(&from).pipe_to(fs::replace(&to)).await?;
//! assert_eq!(report.weight_out(), 5);
//! assert_eq!(std::fs::read(&to)?, b"hello");
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod batch;
pub mod fs;
#[cfg(feature = "http-body")]
pub mod http;
pub mod io;
#[cfg(feature = "net")]
pub mod net;
mod pool;
#[cfg(feature = "process")]
pub mod process;
