//! A place for objects.

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod answer;
mod folder;
mod options;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod remote;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use highwater_core::Result;
use object_store::list::PaginatedListStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio_util::task::TaskTracker;

pub(crate) use folder::Entries;
pub use options::StoreOptions;

use crate::error::failed;
use crate::key;

/// A bucket, a folder or a piece of memory, and a prefix in it. Cheap to clone.
///
/// Every key is below the prefix. A key that is named ([`get`](Self::get), [`put`](Self::put), [`resource`](Self::resource))
/// is taken exactly as it is: segments with `/` between them, none of them empty, `.` or `..`, without control characters,
/// at most 1024 bytes together with the prefix. Any other key is refused. The ids of records may be any text: see
/// [`Resource`](crate::Resource).
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_object::Store;
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let store = Store::memory().within("2026")?;
/// Readable::from_iter(["some ", "bytes"]).pipe_to(store.put("a/file")?).await?;
/// assert_eq!(store.get("a/file")?.to_bytes().await?, "some bytes");
/// assert!(store.put::<Bytes>("../2025/a").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Store {
    pub(crate) place: Arc<Place>,
    root: Path,
}

/// What all clones and all prefixes of a store share.
pub(crate) struct Place {
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) listing: Listing,
    /// As it is shown: without credentials.
    name: String,
    requests: Requests,
    /// Uploads that were dropped, and are being undone.
    pub(crate) cleanups: TaskTracker,
}

/// How keys are listed.
pub(crate) enum Listing {
    /// By an interface that gives page after page.
    Pages(Arc<dyn PaginatedListStore>),
    /// By reading the folder at this path.
    Folder(PathBuf),
    /// By the stream that every store has.
    Stream,
}

/// Constructors.
impl Store {
    /// Any other store of the crate `object_store`.
    ///
    /// Its own settings decide about retries, time-outs and how much of an answer it reads; the limits of
    /// [`StoreOptions`] are not applied to it.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        let name = objects.to_string();
        Self::of(Place::new(objects, Listing::Stream, name, Requests::default()))
    }

    /// The same for a store that gives its listings page by page: no more than a page is asked for ahead, and a listing
    /// that goes round in circles is an error.
    pub fn paged<S: ObjectStore + PaginatedListStore>(objects: Arc<S>) -> Self {
        let name = objects.to_string();
        let listing = Listing::Pages(Arc::clone(&objects) as _);
        Self::of(Place::new(objects, listing, name, Requests::default()))
    }

    /// A new piece of memory, which is gone with its last clone.
    pub fn memory() -> Self {
        let name = "memory:///".to_owned();
        Self::of(Place::new(Arc::new(InMemory::new()), Listing::Stream, name, Requests::default()))
    }

    /// A folder that is there already, for this process and others.
    ///
    /// An object is written to a temporary file beside its place, synced, and renamed: there is the old object or the
    /// whole new one, also after a crash. [`StoreOptions::unsynced`] leaves out the syncing. No symbolic link below the
    /// folder is followed, also none at the name of a temporary file. Another user who may write to the folder can put one
    /// there between the check and the use, which is followed: share it only with users you trust.
    ///
    /// Files and folders get the mode that the umask allows, also while they are written, and also where an object replaces
    /// one with a narrower mode. Objects that others must not read belong in a folder that only its owner may enter (0700).
    /// A process that is killed leaves the temporary file, `KEY#1`; it is no object, and in the way of none.
    ///
    /// # Errors
    ///
    /// It is not there, or not a folder.
    pub fn folder(path: impl AsRef<std::path::Path>) -> Result<Self> {
        StoreOptions::new().folder(path)
    }

    /// What the URL says, with the credentials and settings of the environment: [`StoreOptions::from_env`].
    ///
    /// | URL | place | feature |
    /// |---|---|---|
    /// | `s3://bucket/prefix` | S3 and what speaks its protocol | `s3` |
    /// | `gs://bucket/prefix` | Google Cloud Storage | `gcs` |
    /// | `az://container/prefix`, `abfss://…` | Azure Blob Storage | `azure` |
    /// | `file:///path`, or a path | [`folder`](Self::folder) | |
    /// | `memory:///` | [`memory`](Self::memory) | |
    ///
    /// Nothing is asked of the store yet.
    ///
    /// # Errors
    ///
    /// It is none of these, its feature is off, a setting is missing or wrong, or there are credentials or a query in it.
    pub fn open(url: &str) -> Result<Self> {
        StoreOptions::from_env().open(url)
    }

    pub(crate) fn of(place: Place) -> Self {
        Self { place: Arc::new(place), root: Path::ROOT }
    }
}

/// Parts.
impl Store {
    /// The same place, with a further prefix.
    ///
    /// # Errors
    ///
    /// The prefix is not a key.
    pub fn within(&self, prefix: &str) -> Result<Self> {
        let root = self.path(prefix)?;
        Ok(Self { place: Arc::clone(&self.place), root })
    }

    /// Size and version of an object; `None` if it is not there.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: nothing is changed.
    ///
    /// # Errors
    ///
    /// It is not a key, or the store fails.
    pub async fn info(&self, key: &str) -> Result<Option<ObjectInfo>> {
        let path = self.path(key)?;
        self.guard(&path).await?;
        match self.place.objects.head(&path).await {
            Ok(meta) => Ok(Some(ObjectInfo { size: meta.size, e_tag: meta.e_tag })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(format_args!("look at `{path}`"), error)),
        }
    }

    /// How many requests were sent so far by all clones, retries included.
    ///
    /// It counts for stores behind a network that were made by [`StoreOptions`] and [`open`](Self::open); for others it
    /// stays 0.
    pub fn requests(&self) -> RequestCounts {
        self.place.requests.now()
    }

    /// Waits until every upload that was dropped half-way is undone: see [`ObjectWrite`](crate::ObjectWrite).
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: the undoing goes on.
    pub async fn settled(&self) {
        self.place.cleanups.close();
        self.place.cleanups.wait().await;
    }

    /// The key with the prefix of this store in front.
    pub(crate) fn path(&self, key: &str) -> Result<Path> {
        key::join(&self.root, &key::parse(key)?)
    }

    /// Refuses a path that leaves the store. Only in a folder there is such a thing.
    pub(crate) async fn guard(&self, path: &Path) -> Result<()> {
        match &self.place.listing {
            Listing::Folder(root) => folder::refuse_links(root, path).await,
            Listing::Pages(_) | Listing::Stream => Ok(()),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("place", &self.place.name)
            .field("prefix", &self.root.as_ref())
            .finish_non_exhaustive()
    }
}

impl Place {
    pub(crate) fn new(
        objects: Arc<dyn ObjectStore>,
        listing: Listing,
        name: String,
        requests: Requests,
    ) -> Self {
        Self { objects, listing, name, requests, cleanups: TaskTracker::new() }
    }
}

/// What a store says about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Its length in bytes.
    pub size: u64,
    /// What changes when it changes, if the store says it.
    pub e_tag: Option<String>,
}

/// What was asked of a store so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestCounts {
    /// Requests sent, retries included.
    pub sent: u64,
    /// Those that got no answer, or one that says to try again: 408, 429, and 500 to 599.
    pub failed: u64,
}

/// The same while it is counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(Arc<[AtomicU64; 2]>);

impl Requests {
    fn now(&self) -> RequestCounts {
        RequestCounts { sent: self.0[0].load(Relaxed), failed: self.0[1].load(Relaxed) }
    }
}
