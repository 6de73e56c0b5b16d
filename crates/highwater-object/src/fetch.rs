//! One request for an object, or a range of it, of which nothing is passed on before all of it was checked.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use highwater_core::{Error, Result};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta};

use crate::error::{StoreError, failed};
use crate::store::Store;

/// Marks the requests whose answer is an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streamed;

/// What tells one version of an object from another.
#[derive(Debug, Clone)]
pub(crate) struct Version(ObjectMeta);

impl Version {
    /// Bytes of the whole object.
    pub(crate) fn size(&self) -> u64 {
        self.0.size
    }

    fn is(&self, other: &ObjectMeta) -> bool {
        let ours = &self.0;
        ours.size == other.size
            && match (&ours.e_tag, &other.e_tag) {
                (Some(one), Some(two)) => one == two,
                (None, None) => ours.last_modified == other.last_modified,
                _ => false,
            }
    }

    /// For `If-Match`, to which a weak tag is never equal (RFC 9110, 13.1.1).
    fn condition(&self) -> Option<String> {
        self.0.e_tag.clone().filter(|tag| !tag.starts_with("W/"))
    }
}

/// Fetches an object of at most `limit` bytes.
pub(crate) async fn whole(store: &Store, key: &Path, limit: u64) -> Result<Bytes> {
    let result = send(store, key, None, None).await?;
    let size = result.meta.size;
    if size > limit {
        let what = format!("`{key}` has {size} bytes; {limit} are allowed");
        return Err(Error::limit(what));
    }
    body(key, result, 0..size).await
}

/// Fetches what there is of a range, of this version if there is one already.
pub(crate) async fn range(
    store: &Store,
    key: &Path,
    wanted: Range<u64>,
    of: Option<&Version>,
) -> Result<(Bytes, Version)> {
    let result = match send(store, key, Some(wanted.clone()), of).await {
        Ok(result) => result,
        Err(error) if of.is_none() && speaks_of_a_range(&error) => {
            return empty(store, key, wanted).await.ok_or(error);
        }
        Err(error) => return Err(error),
    };
    let version = Version(result.meta.clone());
    if of.is_some_and(|of| !of.is(&result.meta)) {
        return Err(changed(key));
    }
    let end = wanted.end.min(version.size());
    let bytes = body(key, result, wanted.start..end).await?;
    Ok((bytes, version))
}

/// A range that begins at the end of the object or behind it is an error to stores; to a reader it is empty.
async fn empty(store: &Store, key: &Path, wanted: Range<u64>) -> Option<(Bytes, Version)> {
    let options = GetOptions { head: true, ..GetOptions::default() };
    let meta = store.place.objects.get_opts(key, options).await.ok()?.meta;
    (meta.size <= wanted.start).then(|| (Bytes::new(), Version(meta)))
}

/// Whether it may be this error. The kinds of errors do not tell, but each text has the word; one that has it by chance
/// costs a look at the object.
fn speaks_of_a_range(error: &Error) -> bool {
    let text = error.downcast_ref().map(StoreError::to_string);
    text.is_some_and(|text| text.to_ascii_lowercase().contains("range"))
}

async fn send(
    store: &Store,
    key: &Path,
    range: Option<Range<u64>>,
    of: Option<&Version>,
) -> Result<GetResult> {
    store.guard(key).await?;
    let mut options = GetOptions {
        range: range.map(GetRange::Bounded),
        if_match: of.and_then(Version::condition),
        ..GetOptions::default()
    };
    options.extensions.insert(Streamed);
    store.place.objects.get_opts(key, options).await.map_err(|error| match error {
        object_store::Error::Precondition { .. } => changed(key),
        error => failed(format_args!("read `{key}`"), error),
    })
}

/// Reads an answer that must be this range, not a byte more or less. The room it takes is bounded by the range.
async fn body(key: &Path, result: GetResult, range: Range<u64>) -> Result<Bytes> {
    let broken = |what: &str| Error::corrupt(format!("the answer for `{key}` {what}"));
    if result.range != range {
        return Err(broken("is another range than was asked for"));
    }
    let length = usize::try_from(range.end.saturating_sub(range.start))
        .map_err(|_| Error::limit("a range that is larger than the memory"))?;
    let cannot = |error| failed(format_args!("read `{key}`"), error);
    let bytes = if matches!(result.payload, GetResultPayload::File(..)) {
        // One job on the pool instead of one for every 8 KiB.
        result.bytes().await.map_err(cannot)?
    } else {
        let (mut frames, mut bytes) = (result.into_stream(), BytesMut::with_capacity(length));
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(cannot)?;
            if frame.len() > length - bytes.len() {
                return Err(broken("is longer than it says"));
            }
            bytes.extend_from_slice(&frame);
        }
        bytes.freeze()
    };
    if bytes.len() < length {
        let what = format!("`{key}` ended at byte {} of {length}", bytes.len());
        return Err(Error::truncated(what));
    }
    Ok(bytes)
}

#[cold]
fn changed(key: &Path) -> Error {
    Error::corrupt(format!("`{key}` was changed while it was read"))
}
