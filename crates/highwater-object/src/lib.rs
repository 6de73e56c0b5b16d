//! Object storage as highwater streams: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage, folders,
//! memory.
//!
//! - [`Store::get`] reads an object of any size, in ranges that are fetched at once; [`Store::put`] writes one.
//! - A [`Resource`] is a set of records under a prefix: [`reader`](Resource::reader), [`ids`](Resource::ids) and
//!   [`writer`](Resource::writer) work on many of them at once.
//!
//! Nothing is passed on before it was checked: its length, that it is the range that was asked for, and that it is of the
//! same version as what came before. Nothing that was begun is left behind. Requests that fail for now are sent again, as
//! [`StoreOptions`] says.
//!
//! ```
//! use highwater_core::Result;
//! use highwater_object::{Record, Store};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! let (here, there) = (Store::memory(), Store::folder(folder.path())?);
//! let (from, to) = (here.resource::<u32>("counts")?, there.resource::<u64>("totals")?);
//! # highwater_core::Readable::from_iter([Record::new("a", 1), Record::new("b", 2)]).pipe_to(from.writer()).await?;
//! let moved = from
//!     .reader()
//!     .map(|record| Record::new(record.id, u64::from(record.value) * 10))
//!     .pipe_to(to.writer())
//!     .await?;
//! assert_eq!(moved.chunks_out(), 2);
//! assert_eq!(std::fs::read(folder.path().join("totals/b.json"))?, b"20");
//! # Ok(()) }
//! ```
//!
//! # Tasks
//!
//! Reading and writing go on while the other side is busy: the requests are on tasks of their own. They are spawned when
//! the readable is first read, or by a write, and end with it. The one exception is what undoes an upload that was
//! dropped: see [`ObjectWrite`].
//!
//! # Features
//!
//! Folders and memory are always there. `s3`, `gcs` and `azure` add the stores behind a network; TLS is rustls,
//! as reqwest has it by default: with the certificates that the system trusts, and with the provider of cryptography that
//! the process has installed, otherwise with aws-lc-rs. An application that uses rustls itself with another provider names
//! or installs that one.
#![forbid(unsafe_code)]

mod error;
mod fetch;
mod get;
mod key;
mod list;
mod put;
mod record;
mod resource;
mod store;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use get::{GetOptions, ObjectRead};
pub use object_store;
pub use put::ObjectWrite;
pub use record::{Decode, Encode, Format, Json, Raw, Record};
pub use resource::{IdOptions, IdRead, ReaderOptions, RecordRead, RecordWrite, Resource};
pub use store::{ObjectInfo, RequestCounts, Store, StoreOptions};
