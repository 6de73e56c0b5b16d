//! Node-style streams native to Tokio.
//!
//! Chunks flow from a source, through transforms, to a destination, in bounded memory. Nothing is read faster than it is
//! written; an error stops everything, in order, and says which stage it came from; an end is never guessed.
//!
//! ```
//! use highwater::prelude::*;
//! use highwater::{Result, fs};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let (log, found) = (folder.path().join("log"), folder.path().join("found"));
//! # std::fs::write(&log, "a\nERROR b\nc\n")?;
//! let report = fs::read(&log)             // 256 KiB at a time, read ahead off the runtime
//!     .grep("ERROR")                      // whole blocks searched, whole lines given
//!     .pipe_to(fs::replace(&found))       // the old file or the whole new one, never half
//!     .await?;
//! println!("{report}");                   // how much, how long, and what held it back
//! # assert_eq!(std::fs::read(&found)?, b"ERROR b\n");
//! # Ok(()) }
//! ```
//!
//! - [`Readable`] is a source with operators: `while let Some(chunk) = readable.next().await`, or `StreamExt`.
//! - [`Transform`] is a machine between the two: pure, so it can be tested without a runtime.
//! - [`Destination`] is where chunks go: `write`, `flush`, `finish`, `abort`.
//! - [`Pipeline`] joins them with the guarantees of Node's `pipeline()`, and gives a [`Report`].
//!
//! The guides: [from the first pipeline to an own transform](guide), [coming from Node](guide::coming_from_node),
//! [writing a transform](guide::transforms), [how it is built](guide::architecture), [why](guide::design), and
//! [what became of Node's rules](guide::semantics).
//!
//! # Features
//!
//! Each crate is a feature of its name. On by default are the light ones: `batch`, `gzip`, `io` (with `net` and
//! `process`), `lines`, `meter`, `mux`, `parallel-map`, `rate-limit` and `text`. They need Rust 1.85.
//!
//! - `csv` and `json` read and write records of any type that serde knows;
//! - `charsets` adds charsets other than UTF-8 to `text`;
//! - `hash` makes and verifies digests: SHA-2, and more with `hash-blake3`, `hash-crc32`, `hash-md5`, `hash-sha1` and
//!   `hash-xxh3`;
//! - `hex-base64` adds hexadecimal digits and base64 to `text`;
//! - `http-body` adds bodies of hyper, axum and reqwest, both ways, as `highwater::http`;
//! - `meter-indicatif` draws progress bars;
//! - `mux-framed` adds many streams over one connection to `mux`;
//! - `object` adds object storage with S3; `object-azure` and `object-gcs` add theirs;
//! - `regex` adds regular expressions to `grep`;
//! - `simd` makes `lines` faster where they are short, and needs Rust 1.89;
//! - `sqlite` and `postgres` add tables of these databases, as `highwater::sql`, and need Rust 1.89;
//! - `metrics` counts what pipelines do, for the recorders of the crate `metrics`;
//! - `anyhow` adds `From<Error> for anyhow::Error`;
//! - `test` adds the conformance suite for your own machines, sources and destinations, as `highwater::test`;
//! - `full` is all.
#![forbid(unsafe_code)]

#[doc(inline)]
pub use highwater_core::*;

#[cfg(feature = "batch")]
#[doc(inline)]
pub use highwater_batch as batch;

#[cfg(feature = "csv")]
#[doc(inline)]
pub use highwater_csv as csv;

#[cfg(feature = "gzip")]
#[doc(inline)]
pub use highwater_gzip as gzip;

#[cfg(feature = "hash")]
#[doc(inline)]
pub use highwater_hash as hash;

#[cfg(feature = "io")]
#[doc(inline)]
pub use highwater_io::{fs, io};

#[cfg(feature = "http-body")]
#[doc(inline)]
pub use highwater_io::http;

#[cfg(feature = "json")]
#[doc(inline)]
pub use highwater_json as json;

#[cfg(feature = "lines")]
#[doc(inline)]
pub use highwater_lines as lines;

#[cfg(feature = "meter")]
#[doc(inline)]
pub use highwater_meter as meter;

#[cfg(feature = "mux")]
#[doc(inline)]
pub use highwater_mux as mux;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[doc(inline)]
pub use highwater_sql as sql;

#[cfg(feature = "net")]
#[doc(inline)]
pub use highwater_io::net;

#[cfg(feature = "parallel-map")]
#[doc(inline)]
pub use highwater_parallel_map as parallel_map;

#[cfg(feature = "process")]
#[doc(inline)]
pub use highwater_io::process;

#[cfg(feature = "rate-limit")]
#[doc(inline)]
pub use highwater_rate_limit as rate_limit;

#[cfg(feature = "object")]
#[doc(inline)]
pub use highwater_object as object;

#[cfg(feature = "test")]
#[doc(inline)]
pub use highwater_test as test;

#[cfg(feature = "text")]
#[doc(inline)]
pub use highwater_text as text;

#[cfg(all(
    feature = "batch",
    feature = "gzip",
    feature = "io",
    feature = "lines",
    feature = "meter",
    feature = "rate-limit",
))]
pub mod guide;

/// The extension traits that put the methods of the other crates on [`Readable`].
pub mod prelude {
    #[cfg(feature = "batch")]
    pub use highwater_batch::BatchExt as _;
    pub use highwater_core::{
        Context as _, Destination, Error, HighWaterMark, Readable, Result, Transform,
    };
    #[cfg(feature = "csv")]
    pub use highwater_csv::CsvExt as _;
    #[cfg(feature = "gzip")]
    pub use highwater_gzip::GzipExt as _;
    #[cfg(feature = "hash")]
    pub use highwater_hash::HashExt as _;
    #[cfg(feature = "json")]
    pub use highwater_json::JsonExt as _;
    #[cfg(feature = "lines")]
    pub use highwater_lines::LinesExt as _;
    #[cfg(feature = "meter")]
    pub use highwater_meter::MeterExt as _;
    #[cfg(feature = "mux")]
    pub use highwater_mux::MuxExt as _;
    #[cfg(feature = "parallel-map")]
    pub use highwater_parallel_map::ParallelMapExt as _;
    #[cfg(feature = "rate-limit")]
    pub use highwater_rate_limit::RateLimitExt as _;
    #[cfg(feature = "text")]
    pub use highwater_text::TextExt as _;
}
