//! The ids of a resource, a page at a time.

use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use highwater_core::{Error, Result};
use object_store::ObjectMeta;
use object_store::list::PaginatedListOptions;
use object_store::path::Path;

use crate::error::failed;
use crate::key;
use crate::resource::Address;
use crate::store::{Entries, Listing};

/// Where a listing is. It is moved into a task for each page, and comes back with it.
pub(crate) struct Pages {
    address: Arc<Address>,
    /// Only what is behind this key.
    after: Option<Path>,
    size: usize,
    way: Way,
}

/// How the next page is made.
enum Way {
    /// By a request that continues where the token says.
    Token { token: Option<String>, cycle: Cycle },
    /// From a folder.
    Folder(Entries),
    /// From a stream of all there is below the prefix. `None` before it is asked for.
    Stream(Option<Objects>),
    /// There is none, for this reason, which comes behind what was listed before.
    Failed(Error),
    /// There is none.
    Over,
}

type Objects = BoxStream<'static, object_store::Result<ObjectMeta>>;

impl Pages {
    pub(crate) fn new(address: Arc<Address>, after: Option<Path>, size: usize) -> Self {
        let way = match &address.store.place.listing {
            Listing::Pages(_) => Way::Token { token: None, cycle: Cycle::default() },
            Listing::Folder(root) => Way::Folder(Entries::new(root, &address.prefix)),
            Listing::Stream => Way::Stream(None),
        };
        Self { address, after, size, way }
    }

    /// The next page, which may be empty; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<String>>> {
        let page = match std::mem::replace(&mut self.way, Way::Over) {
            Way::Token { token, cycle } => self.request(token, cycle).await?,
            Way::Folder(entries) => self.read_folder(entries).await?,
            Way::Stream(stream) => self.read_stream(stream).await?,
            Way::Failed(error) => return Err(error),
            Way::Over => return Ok(None),
        };
        Ok(Some(page))
    }

    async fn request(&mut self, token: Option<String>, mut cycle: Cycle) -> Result<Vec<String>> {
        let Listing::Pages(listing) = &self.address.store.place.listing else {
            return Ok(Vec::new());
        };
        let prefix = &self.address.prefix;
        let options = PaginatedListOptions {
            offset: self.after.as_ref().map(Path::to_string),
            delimiter: Some("/".into()),
            // What S3 gives at the most, so that every store's answer has a size that is known.
            max_keys: Some(self.size.min(1000)),
            page_token: token,
            ..PaginatedListOptions::default()
        };
        let page = listing.list_paginated(Some(&format!("{prefix}/")), options).await;
        let page = page.map_err(|error| failed(format_args!("list `{prefix}`"), error))?;
        // An empty token is how some say that there is none.
        if let Some(token) = page.page_token.filter(|token| !token.is_empty()) {
            if cycle.closes(&token) {
                return Err(Error::corrupt(format!(
                    "the listing of `{prefix}` goes round in circles"
                )));
            }
            self.way = Way::Token { token: Some(token), cycle };
        }
        Ok(page.result.objects.iter().filter_map(|object| self.id(&object.location)).collect())
    }

    async fn read_folder(&mut self, mut entries: Entries) -> Result<Vec<String>> {
        let (prefix, size) = (&self.address.prefix, self.size);
        self.address.store.guard(prefix).await?;
        let read = move || (entries.next(size), entries);
        let ((names, error), entries) = tokio::task::spawn_blocking(read).await?;
        if let Some(error) = error {
            let what = format!("cannot list `{prefix}`");
            self.way = Way::Failed(Error::from(error).context(what));
        } else if names.len() == size {
            self.way = Way::Folder(entries);
        }
        let ids = names.iter().filter_map(|name| key::id_of_name(name, &self.address.suffix));
        Ok(ids.filter(|id| self.is_wanted(id)).collect())
    }

    async fn read_stream(&mut self, stream: Option<Objects>) -> Result<Vec<String>> {
        let prefix = &self.address.prefix;
        let objects = &self.address.store.place.objects;
        let mut stream = stream.unwrap_or_else(|| match &self.after {
            Some(after) => objects.list_with_offset(Some(prefix), after),
            None => objects.list(Some(prefix)),
        });
        let mut ids = Vec::new();
        while ids.len() < self.size {
            match stream.next().await {
                Some(Ok(object)) => ids.extend(self.id(&object.location)),
                Some(Err(error)) => {
                    self.way = Way::Failed(failed(format_args!("list `{prefix}`"), error));
                    return Ok(ids);
                }
                None => return Ok(ids),
            }
        }
        self.way = Way::Stream(Some(stream));
        Ok(ids)
    }

    fn id(&self, key: &Path) -> Option<String> {
        let behind = self.after.as_ref().is_none_or(|after| key > after);
        key::id_of(&self.address.prefix, key, &self.address.suffix).filter(|_| behind)
    }

    fn is_wanted(&self, id: &str) -> bool {
        let Some(after) = &self.after else { return true };
        self.address.key(id).is_ok_and(|key| key > *after)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = matches!(self.way, Way::Over);
        f.debug_struct("Pages")
            .field("address", &self.address)
            .field("over", &over)
            .finish_non_exhaustive()
    }
}

/// Finds out when the tokens of a listing come round again, after at most three times the tokens of the circle, and
/// remembers only one of them: R. P. Brent, An improved Monte Carlo factorization algorithm, BIT 20 (1980).
#[derive(Debug, Default)]
struct Cycle {
    kept: Option<String>,
    seen: u64,
    keep_at: u64,
}

impl Cycle {
    fn closes(&mut self, token: &str) -> bool {
        if self.kept.as_deref() == Some(token) {
            return true;
        }
        if self.seen == self.keep_at {
            self.kept = Some(token.to_owned());
            self.keep_at = 2 * self.keep_at + 1;
        }
        self.seen += 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F102: every circle is found soon, wherever it begins; tokens that never come again are none.
    #[test]
    fn a_circle_of_tokens_is_found() {
        for before in 0..40_u64 {
            for length in 1..40_u64 {
                let token = |n: u64| if n < before { n } else { before + (n - before) % length };
                let mut cycle = Cycle::default();
                let found = (0..).find(|n| cycle.closes(&token(*n).to_string())).unwrap();
                assert!(found >= before + length, "{found}: nothing had come again");
                assert!(found <= 3 * (before + length), "{found}: {before} before, {length} round");
            }
        }
        let mut cycle = Cycle::default();
        assert!((0..10_000).all(|n: u32| !cycle.closes(&n.to_string())));
    }
}
