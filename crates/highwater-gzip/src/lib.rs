//! Gzip, zlib and deflate for highwater streams of [`Bytes`].
//!
//! - [`Gzip`] compresses, and [`Gunzip`] decompresses: pure machines that hold one output at a time, whatever the ratio.
//! - [`ParallelGzip`] compresses on several cores into one member that every reader understands.
//!
//! [`Format`] says what is around the data: gzip (files, HTTP), zlib (PNG, Git) or nothing at all. The engine is
//! zlib-rs, which is written in Rust; header, trailer and what may follow are read here, byte by byte if they come so.
//!
//! ```
//! use bytes::Bytes;
//! use highwater_core::{Readable, Result};
//! use highwater_gzip::GzipExt;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let pages = || Readable::from_iter(["once ", "upon ", "a time"].map(Bytes::from));
//! let packed = pages().gzip(6).to_bytes().await?;
//! assert_eq!(packed[..2], [0x1f, 0x8b]);
//! assert_eq!(Readable::once(packed).gunzip().to_bytes().await?, "once upon a time");
//! # Ok(()) }
//! ```
//!
//! # What it takes for valid
//!
//! How the input is cut into chunks makes no difference, not even to the position of an error.
//!
//! | input | [`Gunzip`] | `gzip -d` 1.12 |
//! |---|---|---|
//! | several members, empty ones, too | all of them | the same |
//! | zeros behind the last member | padding | the same |
//! | anything else behind it | an error behind the data; [`Trailing`] has other answers | a warning, exit code 2 |
//! | one byte `1f` behind it | truncated | the same, exit code 1 |
//! | cut off anywhere inside a member | truncated, behind what could be decompressed | the same |
//! | empty | truncated; [`Gunzip::allow_empty`] makes it an empty output | an error |
//! | a wrong CRC-32, length or header CRC | corrupt | an error |
//! | a reserved flag, a method other than 8 | corrupt | an error |
//! | more than 4 GiB in a member | fine: the length is modulo 2³² | the same |
//!
//! # Limits and defaults
//!
//! | | [`Gunzip::new`] | [`Gunzip::network`] | to change it |
//! |---|---|---|---|
//! | bytes held, whatever the ratio | 176 KiB and the header | the same | – |
//! | fields of a header | 64 KiB | 64 KiB | [`with_max_header`](Gunzip::with_max_header) |
//! | bytes that come out | no limit | 100 MiB | [`with_max_output`](Gunzip::with_max_output), [`unlimited_output`](Gunzip::unlimited_output) |
//! | out to in, after 1 MiB | no limit | 200 : 1 | [`with_max_ratio`](Gunzip::with_max_ratio), [`unlimited_ratio`](Gunzip::unlimited_ratio) |
//! | members | no limit: 18 bytes each, at the least | the same | [`single_member`](Gunzip::single_member) |
//!
//! A gzip header that is written has at most 64 KiB ([`Gzip::with_header`]). Without a limit on what comes out, a bomb
//! costs time and whatever stores the output, but no memory here; collectors such as [`Readable::to_bytes`] have a
//! limit of their own.
#![forbid(unsafe_code)]

mod check;
mod format;
mod gunzip;
mod gzip;
mod header;
mod input;
mod output;
mod parallel;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use highwater_core::{Buffered, HighWaterMark, Readable, Source};

pub use format::Format;
pub use gunzip::{Gunzip, GunzipInfo, Trailing, gunzip};
pub use gzip::{Flush, Gzip, gzip};
pub use header::Header;
pub use parallel::{ParallelGzip, ParallelGzipped};

/// The machines of this crate as methods of a readable of bytes.
///
/// Compression keeps a core busy, so all of these do their work on Tokio's pool for blocking calls, and read ahead
/// meanwhile: up to 1 MiB in front of the machine, and up to 512 KiB behind it. [`gunzip`](Self::gunzip) keeps up to
/// 1 MiB of the chunks that it gave, to fill them again.
///
/// To have a machine work on the task that reads, without reading ahead, give it to [`Readable::pipe`]: for many small
/// streams, or to borrow the source.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_gzip::{Format, Gunzip, Gzip, GzipExt, ParallelGzip};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let text = || Readable::once(Bytes::from("to and fro"));
/// assert_eq!(text().gzip(6).gunzip().to_bytes().await?, "to and fro");
///
/// let zlib = text().gzip_with(Gzip::new(9).with_format(Format::Zlib));
/// let back = zlib.gunzip_with(Gunzip::network().with_format(Format::Zlib));
/// assert_eq!(back.to_bytes().await?, "to and fro");
///
/// let packed = text().parallel_gzip(ParallelGzip::all_cores());
/// assert_eq!(packed.gunzip().to_bytes().await?, "to and fro");
///
/// // On this task.
/// let inline = text().pipe(Gzip::new(6)).pipe(Gunzip::new());
/// assert_eq!(inline.to_bytes().await?, "to and fro");
/// # Ok(()) }
/// ```
pub trait GzipExt<S>: Into<Readable<S>> {
    /// Compresses into a gzip member, on Tokio's pool for blocking calls: [`Gzip::new`].
    ///
    /// # Panics
    ///
    /// If the level is above 9.
    #[track_caller]
    fn gzip(self, level: u32) -> Readable<Buffered<Bytes>>
    where
        S: Source<Chunk = Bytes> + Send + 'static,
    {
        self.gzip_with(Gzip::new(level))
    }

    /// Compresses as the machine is set, on Tokio's pool for blocking calls.
    fn gzip_with(self, gzip: Gzip) -> Readable<Buffered<Bytes>>
    where
        S: Source<Chunk = Bytes> + Send + 'static,
    {
        self.into().offload(gzip, HighWaterMark::bytes(AHEAD))
    }

    /// Decompresses all members of a gzip stream, on Tokio's pool for blocking calls: [`Gunzip::new`].
    ///
    /// # Errors
    ///
    /// As [`Gunzip`].
    fn gunzip(self) -> Readable<Buffered<Bytes>>
    where
        S: Source<Chunk = Bytes> + Send + 'static,
    {
        self.gunzip_with(Gunzip::new())
    }

    /// Decompresses as the machine is set, on Tokio's pool for blocking calls.
    ///
    /// # Errors
    ///
    /// As [`Gunzip`].
    fn gunzip_with(self, gunzip: Gunzip) -> Readable<Buffered<Bytes>>
    where
        S: Source<Chunk = Bytes> + Send + 'static,
    {
        self.into().offload(gunzip.remembering(ON_THEIR_WAY), HighWaterMark::bytes(AHEAD))
    }

    /// Compresses on several cores into one gzip member, in jobs on Tokio's pool for blocking calls.
    ///
    /// # Errors
    ///
    /// A job panics ([`is_panic`](highwater_core::Error::is_panic)).
    fn parallel_gzip(self, settings: ParallelGzip) -> Readable<ParallelGzipped<S>>
    where
        S: Source<Chunk = Bytes>,
    {
        settings.behind(self.into())
    }
}

impl<S> GzipExt<S> for Readable<S> {}

/// How much is made before it is asked for, in bytes. With a quarter of it, a `gunzip` to a file stopped and started
/// again so often that it took a tenth longer.
const AHEAD: usize = 512 * 1024;
/// Chunks of 64 KiB that are remembered until they come back: most of those between the machine and a file.
const ON_THEIR_WAY: usize = 16;
