//! How a store is opened.

use std::fmt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use highwater_core::{Error, Result};
use object_store::ObjectStoreScheme;
use url::Url;

use super::{Listing, Place, Requests, Store, folder};

/// Settings of a [`Store`].
///
/// # Examples
///
/// ```
/// use highwater_object::StoreOptions;
/// # fn main() -> highwater_core::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let scratch = StoreOptions::new().unsynced().folder(folder.path())?;
///
/// # #[cfg(feature = "s3")] {
/// let bucket = StoreOptions::from_env()
///     .with_option("aws_endpoint", "http://127.0.0.1:9000")
///     .with_option("aws_allow_http", "true")
///     .open("s3://bucket/prefix")?;
/// # }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct StoreOptions {
    pub(super) options: Vec<(String, String)>,
    pub(super) env: bool,
    sync: bool,
    pub(super) retries: usize,
    pub(super) retry_for: Duration,
    pub(super) backoff: (Duration, Duration),
    pub(super) connect: Duration,
    pub(super) idle: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            options: Vec::new(),
            env: false,
            sync: true,
            retries: 10,
            retry_for: Duration::from_secs(180),
            backoff: (Duration::from_millis(100), Duration::from_secs(15)),
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(30),
        }
    }
}

impl StoreOptions {
    /// The defaults, and nothing of the environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// The defaults, and the variables `AWS_…`, `GOOGLE_…` or `AZURE_…` of the environment, whichever belong to the
    /// store: credentials, region, endpoint.
    pub fn from_env() -> Self {
        Self { env: true, ..Self::default() }
    }

    /// A setting of the store by its name, in lower or upper case: those of `object_store`'s `AmazonS3ConfigKey`,
    /// `GoogleConfigKey` and `AzureConfigKey`. It goes before what the environment says.
    #[must_use]
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.push((name.into(), value.into()));
        self
    }

    /// How often a request is sent again at the most: 10 times. Only what changes nothing when it is done twice is sent
    /// again.
    #[must_use]
    pub fn with_retries(mut self, most: usize) -> Self {
        self.retries = most;
        self
    }

    /// For how long a request is sent again: 180 s after it was sent first. Each try may then take its time.
    #[must_use]
    pub fn with_retry_for(mut self, longest: Duration) -> Self {
        self.retry_for = longest;
        self
    }

    /// The waits between tries: 100 ms first, then at random up to twice the one before
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>), 15 s at the most.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = (first, longest);
        self
    }

    /// How long it may take to connect: 5 s.
    #[must_use]
    pub fn with_connect_timeout(mut self, longest: Duration) -> Self {
        self.connect = longest;
        self
    }

    /// For how long a store may send nothing while it is waited for: 30 s. How long an answer takes in all is not
    /// limited.
    #[must_use]
    pub fn with_read_idle(mut self, longest: Duration) -> Self {
        self.idle = longest;
        self
    }

    /// Does not sync files: for a [`folder`](Self::folder) of what can be made again. After a crash, an object may be
    /// missing or empty.
    #[must_use]
    pub fn unsynced(mut self) -> Self {
        self.sync = false;
        self
    }

    /// Opens a folder: [`Store::folder`].
    ///
    /// # Errors
    ///
    /// As [`Store::folder`].
    pub fn folder(&self, path: impl AsRef<FilePath>) -> Result<Store> {
        let (files, root) = folder::open(path.as_ref(), self.sync)?;
        let name = root.display().to_string();
        let listing = Listing::Folder(root);
        Ok(Store::of(Place::new(Arc::new(files), listing, name, Requests::default())))
    }

    /// Opens what the URL says: [`Store::open`].
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open(&self, url: &str) -> Result<Store> {
        if !url.contains("://") {
            return self.folder(url);
        }
        let url = Url::parse(url)
            .map_err(|error| Error::from(error).context("cannot read the URL of a store"))?;
        let name = harmless(&url)?;
        let (scheme, prefix) = ObjectStoreScheme::parse(&url)
            .map_err(|_| Error::msg(format!("`{name}` is not the URL of a store")))?;
        let store = match scheme {
            ObjectStoreScheme::Local => {
                let path = url.to_file_path();
                return self.folder(path.map_err(|()| Error::msg(format!("`{name}` is no path")))?);
            }
            ObjectStoreScheme::Memory => Store::memory(),
            #[cfg(feature = "s3")]
            ObjectStoreScheme::AmazonS3 => self.s3(&url, name)?,
            #[cfg(feature = "gcs")]
            ObjectStoreScheme::GoogleCloudStorage => self.gcs(&url, name)?,
            #[cfg(feature = "azure")]
            ObjectStoreScheme::MicrosoftAzure => self.azure(&url, name)?,
            other => {
                let what = format!("`{name}` cannot be opened: {other:?} is not built in");
                return Err(Error::msg(what));
            }
        };
        if prefix.is_root() { Ok(store) } else { store.within(prefix.as_ref()) }
    }
}

/// Names only: values are credentials.
impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.options.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("StoreOptions")
            .field("options", &names)
            .field("env", &self.env)
            .field("sync", &self.sync)
            .field("retries", &self.retries)
            .field("retry_for", &self.retry_for)
            .field("backoff", &self.backoff)
            .field("connect_timeout", &self.connect)
            .field("read_idle", &self.idle)
            .finish()
    }
}

/// The URL as it may be shown. One with anything secret in it, or with anything that would not be heeded, is refused; the
/// error does not repeat it.
fn harmless(url: &Url) -> Result<String> {
    // In front of Azure's `@` is a container.
    let azure = matches!(url.scheme(), "az" | "adl" | "azure" | "abfs" | "abfss");
    if url.password().is_some() || (!azure && !url.username().is_empty()) {
        return Err(Error::msg(
            "the URL of a store has credentials in it: they go into the environment or the options",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::msg(
            "the URL of a store has a query or a fragment: settings go into the environment or the options",
        ));
    }
    Ok(url.to_string())
}
