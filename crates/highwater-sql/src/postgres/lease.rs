//! A connection of the pool, for as long as its state is known.

use std::ops::Deref;

use deadpool_postgres::{ClientWrapper, Object};
use highwater_core::{Error, Result};

use super::Postgres;

/// A connection that goes back to the pool when it is [`release`](Self::release)d.
///
/// Dropped before that it is closed: it may be in a transaction, or have the rest of a result to read. The pool makes a new
/// one for the next who asks, and the server ends what was under way when it finds nobody to send it to.
#[derive(Debug)]
pub(super) struct Lease(Option<Object>);

impl Lease {
    pub(super) async fn of(postgres: &Postgres) -> Result<Self> {
        let Postgres { pool, patience } = postgres;
        match tokio::time::timeout(*patience, pool.get()).await {
            Ok(connection) => Ok(Self(Some(connection?))),
            Err(_) => Err(Error::timeout(format!(
                "no connection was free within {patience:?}: the pool has {}",
                pool.status().max_size
            ))),
        }
    }

    /// Nothing is open or under way on it.
    pub(super) fn release(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Lease {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        self.0.as_ref().expect("a connection that was released is not used")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
