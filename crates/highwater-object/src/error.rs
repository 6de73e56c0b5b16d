//! What a store says when it fails.

use std::error::Error as StdError;
use std::fmt;

use highwater_core::Error;

/// An error of a store, inside an [`Error`]: `error.downcast_ref::<StoreError>()`.
///
/// No credentials are in it: requests are signed in headers, which are not part of it, and the URL of a request that is
/// signed in its URL is left out.
///
/// # Examples
///
/// ```
/// use highwater_object::{Store, StoreError};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let store = Store::memory();
/// let error = store.get("missing")?.next().await.expect("an error").unwrap_err();
/// assert_eq!(error.to_string(), "cannot read `missing` (in object::get, byte 0)");
/// assert!(error.downcast_ref::<StoreError>().is_some_and(StoreError::is_not_found));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct StoreError(object_store::Error);

impl StoreError {
    /// There is no object with this key.
    pub fn is_not_found(&self) -> bool {
        matches!(self.0, object_store::Error::NotFound { .. })
    }

    /// The credentials are missing, wrong, or not enough.
    pub fn is_permission_denied(&self) -> bool {
        use object_store::Error::{PermissionDenied, Unauthenticated};
        matches!(self.0, PermissionDenied { .. } | Unauthenticated { .. })
    }

    /// The error as `object_store` gave it.
    pub fn get_ref(&self) -> &object_store::Error {
        &self.0
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Without a `source`: the text has those of all causes already.
impl StdError for StoreError {}

/// Says what could not be done, and keeps why.
#[cold]
pub(crate) fn failed(what: impl fmt::Display, error: object_store::Error) -> Error {
    Error::from(StoreError(error)).context(format!("cannot {what}"))
}
