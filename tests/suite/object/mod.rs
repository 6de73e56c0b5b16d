//! Object storage: against a real S3 server, with faults between the two.

mod folder;
#[cfg(unix)]
mod kill;
mod limits;
mod listing;
mod objects;
mod opening;
mod program;
mod records;
mod retries;
mod uploads;

use std::num::NonZero;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use highwater::object::{Json, Record, Resource, Store, StoreOptions};
use highwater::{Error, Readable, Result};
use serde::{Deserialize, Serialize};

use crate::support::{Answer, Chaos, Ending, Fault, Request, S3};

/// A store whose requests go by way of the proxy.
struct Rig {
    s3: S3,
    chaos: Chaos,
    store: Store,
}

impl Rig {
    async fn start() -> Self {
        Self::with(|options| options).await
    }

    async fn with(settings: impl FnOnce(StoreOptions) -> StoreOptions) -> Self {
        let s3 = S3::start().await;
        let chaos = Chaos::start(s3.address()).await;
        let store = settings(S3::options(chaos.address())).open(&S3::url()).unwrap();
        Self { s3, chaos, store }
    }

    /// Breaks requests of a kind, numbered from 0.
    fn break_each(
        &self,
        kind: fn(&Request) -> bool,
        mut how: impl FnMut(usize) -> Fault + Send + 'static,
    ) {
        let mut number = 0;
        self.chaos.play(move |request| {
            if !kind(request) {
                return Fault::None;
            }
            number += 1;
            how(number - 1)
        });
    }

    /// Breaks the first request of a kind.
    fn break_first(
        &self,
        kind: fn(&Request) -> bool,
        how: impl FnOnce() -> Fault + Send + 'static,
    ) {
        let mut how = Some(how);
        self.break_each(kind, move |_| how.take().map_or(Fault::None, |how| how()));
    }

    /// How many requests of a kind came since the script was last changed.
    fn count(&self, kind: fn(&Request) -> bool) -> usize {
        self.chaos.requests().iter().filter(|request| kind(request)).count()
    }

    /// Bytes of the answer to the first request of a kind that `work` makes, the head included.
    async fn length_of_answer(
        &self,
        kind: fn(&Request) -> bool,
        work: impl Future<Output = ()>,
    ) -> usize {
        let length = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&length);
        self.break_first(kind, move || {
            Fault::Change(Box::new(move |answer| *seen.lock().unwrap() = answer.len()))
        });
        work.await;
        let length = *length.lock().unwrap();
        assert!(length > 0);
        length
    }
}

/// What kinds of requests there are.
mod kind {
    use super::Request;

    pub(super) fn any(_: &Request) -> bool {
        true
    }

    pub(super) fn list(request: &Request) -> bool {
        request.asks("list-type")
    }

    pub(super) fn get(request: &Request) -> bool {
        request.method == "GET" && !list(request)
    }

    pub(super) fn put(request: &Request) -> bool {
        request.method == "PUT" && !part(request)
    }

    pub(super) fn begin(request: &Request) -> bool {
        request.asks("uploads")
    }

    pub(super) fn complete(request: &Request) -> bool {
        request.method == "POST" && request.asks("uploadId")
    }

    pub(super) fn undo(request: &Request) -> bool {
        request.method == "DELETE" && request.asks("uploadId")
    }

    pub(super) fn part(request: &Request) -> bool {
        request.asks("partNumber")
    }
}

/// What the records of the tests hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct User {
    name: String,
    logins: u64,
}

fn user(n: u64) -> Record<User> {
    Record::new(format!("u-{n:05}"), User { name: format!("Ünï {n} \"q\""), logins: n * n })
}

fn users(store: &Store) -> Resource<Json<User>> {
    store.resource("users").unwrap()
}

/// Fills a resource; the records of it.
async fn fill(users: &Resource<Json<User>>, records: u64) -> Vec<Record<User>> {
    Readable::from_iter((0..records).map(user)).pipe_to(users.writer()).await.unwrap();
    (0..records).map(user).collect()
}

/// Writes an object at once.
async fn write(store: &Store, key: &str, bytes: impl Into<Bytes>) {
    Readable::once(bytes.into()).pipe_to(store.put(key).unwrap()).await.unwrap();
}

/// All that is read of an object, and the error that ended it if there was one.
async fn read(store: &Store, key: &str) -> (Vec<u8>, Option<Error>) {
    read_all(store.get(key).unwrap()).await
}

async fn read_all<S>(mut readable: Readable<S>) -> (Vec<u8>, Option<Error>)
where
    S: highwater::Source<Chunk = Bytes> + Unpin,
{
    let mut all = Vec::new();
    while let Some(chunk) = readable.next().await {
        match chunk {
            Ok(chunk) => all.extend_from_slice(&chunk),
            Err(error) => return (all, Some(error)),
        }
    }
    (all, None)
}

/// Whether all of it was read, and nothing went wrong.
fn is_whole((read, error): (Vec<u8>, Option<Error>), object: &[u8]) -> bool {
    error.is_none() && read == object
}

fn at_once(n: usize) -> NonZero<usize> {
    NonZero::new(n).unwrap()
}

/// Bytes of which no two stretches are equal.
fn bytes(length: usize) -> Vec<u8> {
    let words = (0_u32..).map(|n| n.wrapping_mul(2_654_435_761));
    words.flat_map(u32::to_le_bytes).take(length).collect()
}
