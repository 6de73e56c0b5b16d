//! A set of records under a prefix.

mod ids;
mod reader;
mod writer;

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZero;
use std::sync::Arc;

use highwater_core::Result;
use object_store::path::Path;

pub use ids::{IdOptions, IdRead};
pub use reader::{ReaderOptions, RecordRead};
pub use writer::RecordWrite;

use crate::key;
use crate::record::{Json, Raw};
use crate::store::Store;

/// A set of records under a prefix of a [`Store`]: the object `prefix/<id>.json` is the record with this id.
///
/// An id is any text but the empty one. In its key, `/`, `\`, `%`, `#`, spaces and control characters are
/// percent-encoded byte by byte, and so are the dots of the ids `.` and `..`; so no id leaves the prefix, and two ids
/// never have one key. What is below the prefix and not the key of an id in exactly this way is not part of the
/// resource: objects with another ending, and those further down.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_object::{Record, Store};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let users = Store::memory().resource::<User>("users")?;
/// let record = |n: u32| Record::new(format!("u-{n}"), User { name: format!("User {n}") });
/// Readable::from_iter((0..100).map(record)).pipe_to(users.writer()).await?;
///
/// let mut reader = users.reader();
/// assert_eq!(reader.next().await.expect("a record")?, record(0));
/// assert_eq!(users.ids().to_vec().await?.concat().len(), 100);
/// # Ok(()) }
/// ```
pub struct Resource<F> {
    address: Arc<Address>,
    limit: u64,
    format: PhantomData<fn() -> F>,
}

/// Where the records of a resource are.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) store: Store,
    pub(crate) prefix: Path,
    pub(crate) suffix: String,
}

impl Address {
    pub(crate) fn key(&self, id: &str) -> Result<Path> {
        key::of_record(&self.prefix, id, &self.suffix)
    }
}

impl<F> Resource<F> {
    pub(crate) fn new(store: Store, prefix: Path) -> Self {
        let suffix = ".json".to_owned();
        let address = Arc::new(Address { store, prefix, suffix });
        Self { address, limit: 1024 * 1024, format: PhantomData }
    }

    /// What the key of a record ends with: `.json`.
    ///
    /// # Panics
    ///
    /// If a character of it is encoded in ids.
    #[track_caller]
    #[must_use]
    pub fn with_suffix(mut self, suffix: &str) -> Self {
        assert!(key::is_plain(suffix), "a character of `{suffix}` is not allowed in a suffix");
        let Address { store, prefix, .. } = &*self.address;
        let (store, prefix) = (store.clone(), prefix.clone());
        self.address = Arc::new(Address { store, prefix, suffix: suffix.to_owned() });
        self
    }

    /// Bytes of a record at the most, as it is stored: 1 MiB. A larger one is an error, on reading as on writing.
    #[must_use]
    pub fn with_max_record(mut self, bytes: NonZero<u64>) -> Self {
        self.limit = bytes.get();
        self
    }

    /// The key of the record with this id.
    ///
    /// # Errors
    ///
    /// The id is empty, or its key has more than 1024 bytes.
    pub fn key(&self, id: &str) -> Result<String> {
        Ok(self.address.key(id)?.to_string())
    }
}

impl Store {
    /// The records below a prefix, each a JSON text that serde makes a `T` of.
    ///
    /// # Errors
    ///
    /// The prefix is not a key.
    pub fn resource<T>(&self, prefix: &str) -> Result<Resource<Json<T>>> {
        Ok(Resource::new(self.clone(), self.path(prefix)?))
    }

    /// The records below a prefix as they are stored.
    ///
    /// # Errors
    ///
    /// The prefix is not a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Readable, Result};
    /// use highwater_object::{Record, Store};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let store = Store::memory();
    /// let texts = store.raw_resource("texts")?;
    /// Readable::once(Record::new("a", "[1, 2]".into())).pipe_to(texts.writer()).await?;
    /// assert_eq!(texts.reader().to_vec().await?[0].value, "[1, 2]");
    /// assert_eq!(store.info("texts/a.json").await?.expect("it is there").size, 6);
    /// # Ok(()) }
    /// ```
    pub fn raw_resource(&self, prefix: &str) -> Result<Resource<Raw>> {
        Ok(Resource::new(self.clone(), self.path(prefix)?))
    }
}

impl<F> Clone for Resource<F> {
    fn clone(&self) -> Self {
        Self { address: Arc::clone(&self.address), limit: self.limit, format: PhantomData }
    }
}

impl<F> fmt::Debug for Resource<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { store, prefix, suffix } = &*self.address;
        f.debug_struct("Resource")
            .field("store", store)
            .field("prefix", &prefix.as_ref())
            .field("suffix", suffix)
            .finish_non_exhaustive()
    }
}
