//! A multipart upload that is completed or undone, whatever happens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use highwater_core::task::{Task, spawn};
use highwater_core::{CancellationToken, Error, Result};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt};
use tokio::sync::oneshot;

use crate::error::failed;
use crate::store::Place;

/// A multipart upload that has begun. Dropped before it is completed or undone, it is undone by a task of the store.
pub(super) struct Upload {
    /// `None` once nothing is left to be undone.
    begun: Option<Box<dyn MultipartUpload>>,
    parts: Parts,
    /// Bytes of the parts under way.
    under_way: usize,
    place: Arc<Place>,
    key: Path,
}

/// The parts under way: each gives how many bytes it has.
struct Parts {
    tasks: FuturesUnordered<Task<Result<usize>>>,
    stop: CancellationToken,
}

/// An upload that is beginning.
pub(super) type Beginning = oneshot::Receiver<Result<Upload>>;

impl Upload {
    /// Begins one, on a task of the store: if nobody waits for it any more, it is undone all the same.
    pub(super) fn begin(place: &Arc<Place>, key: &Path) -> Beginning {
        let (sender, receiver) = oneshot::channel();
        let (place, key) = (Arc::clone(place), key.clone());
        let cleanups = place.cleanups.clone();
        cleanups.spawn(async move {
            let begun = place.objects.put_multipart(&key).await;
            let upload = begun
                .map_err(|error| failed(format_args!("begin to write `{key}`"), error))
                .map(|begun| Self {
                    begun: Some(begun),
                    parts: Parts { tasks: FuturesUnordered::new(), stop: CancellationToken::new() },
                    under_way: 0,
                    place,
                    key,
                });
            drop(sender.send(upload));
        });
        receiver
    }

    /// Sends a part on a task of its own.
    pub(super) fn send(&mut self, number: usize, part: Bytes) {
        let Some(begun) = &mut self.begun else { return };
        let (length, stop, key) = (part.len(), self.parts.stop.clone(), self.key.clone());
        let sent = begun.put_part(part.into());
        self.under_way += length;
        self.parts.tasks.push(spawn(async move {
            match stop.run_until_cancelled(sent).await {
                None => Err(Error::aborted()),
                Some(Ok(())) => Ok(length),
                Some(Err(error)) => {
                    Err(failed(format_args!("write part {number} of `{key}`"), error))
                }
            }
        }));
    }

    /// Waits until no more than so many bytes are under way.
    pub(super) async fn wait(&mut self, most: usize) -> Result<()> {
        while self.under_way > most {
            let Some(part) = self.parts.tasks.next().await else { return Ok(()) };
            self.under_way -= part??;
        }
        Ok(())
    }

    /// Puts the parts together: from now on, the object is there.
    pub(super) async fn complete(&mut self) -> Result<()> {
        if let Some(begun) = &mut self.begun {
            begun
                .complete()
                .await
                .map_err(|error| failed(format_args!("complete `{}`", self.key), error))?;
            self.begun = None;
        }
        Ok(())
    }

    /// Ends the parts under way, and then has the store forget those it has.
    pub(super) async fn undo(&mut self) -> Result<()> {
        self.parts.end().await;
        if let Some(begun) = &mut self.begun {
            let undone = abort(begun.as_mut()).await;
            self.begun = None;
            undone.map_err(|error| {
                failed(format_args!("undo the upload of `{}`", self.key), error)
            })?;
        }
        Ok(())
    }
}

impl Parts {
    /// Waits for those under way, and stops them only if they take long: of a request that is stopped, nobody knows
    /// whether its part arrives after all, and one that arrives when the upload is undone stays
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>).
    async fn end(&mut self) {
        let arrive = async { while self.tasks.next().await.is_some() {} };
        if tokio::time::timeout(GRACE, arrive).await.is_err() {
            self.stop.cancel();
            while self.tasks.next().await.is_some() {}
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let (Some(mut begun), Ok(runtime)) =
            (self.begun.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let none = Parts { tasks: FuturesUnordered::new(), stop: CancellationToken::new() };
        let mut parts = std::mem::replace(&mut self.parts, none);
        let undo = async move {
            parts.end().await;
            // There is nobody to be told.
            drop(abort(begun.as_mut()).await);
        };
        drop(self.place.cleanups.spawn_on(undo, &runtime));
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("key", &self.key.as_ref())
            .field("under_way", &self.under_way)
            .finish_non_exhaustive()
    }
}

/// Has the store forget an upload. The store's own tries do not cover an answer that got lost: this does no harm twice.
async fn abort(upload: &mut dyn MultipartUpload) -> object_store::Result<()> {
    let mut tries = 0;
    loop {
        tries += 1;
        match upload.abort().await {
            // It is gone, perhaps by a try before.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => return Ok(()),
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => {}
        }
    }
}

/// How long what is under way may take to arrive when the upload is to be undone.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How often the undoing of an upload is tried.
const TRIES: usize = 3;
