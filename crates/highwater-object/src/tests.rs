//! What needs a look inside, or a store of a size or a slowness that no real one has here.

use std::fmt;
use std::future::pending;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use futures_util::stream::{BoxStream, once};
use futures_util::{FutureExt, StreamExt};
use highwater_core::record::Failed;
use highwater_core::{CancellationToken, Destination, Error, Readable};
use highwater_test::{Moment, conformance_destination, conformance_destination_bytes};
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::{ObjectWrite, Record, Store};

/// A store with as many keys as it is told, which answers no request for an object before it is told to.
#[derive(Debug, Default)]
struct Probe {
    memory: InMemory,
    keys: usize,
    /// The first key is longer than keys may be.
    first_is_bad: bool,
    pages: AtomicUsize,
    started: AtomicUsize,
    under_way: AtomicUsize,
}

impl Probe {
    /// Waits for ever, and counts who does.
    async fn hang(&self) {
        struct Waiting<'a>(&'a AtomicUsize);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, SeqCst);
            }
        }
        self.started.fetch_add(1, SeqCst);
        self.under_way.fetch_add(1, SeqCst);
        let _waiting = Waiting(&self.under_way);
        pending::<()>().await;
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("probe")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Probe {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.hang().await;
        self.memory.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.memory.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.hang().await;
        self.memory.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.memory.delete_stream(keys)
    }

    /// A few keys, and then an error.
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let keys = (0..self.keys).map(|n| Ok(meta(&format!("{}/{n:07}.json", prefix.unwrap()))));
        let error = object_store::Error::NotSupported { source: "unplugged".into() };
        futures_util::stream::iter(keys.collect::<Vec<_>>())
            .chain(once(async { Err(error) }))
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.memory.copy_opts(from, to, options).await
    }
}

#[async_trait::async_trait]
impl PaginatedListStore for Probe {
    async fn list_paginated(
        &self,
        prefix: Option<&str>,
        options: PaginatedListOptions,
    ) -> Result<PaginatedListResult> {
        self.pages.fetch_add(1, SeqCst);
        let first: usize = options.page_token.map_or(0, |token| token.parse().unwrap());
        let end = self.keys.min(first + options.max_keys.unwrap());
        let key = |n: usize| {
            let digits = if n == 0 && self.first_is_bad { 2000 } else { 7 };
            format!("{}{n:0digits$}.json", prefix.unwrap_or_default())
        };
        let objects = (first..end).map(|n| meta(&key(n))).collect();
        let result =
            ListResult { common_prefixes: Vec::new(), objects, extensions: Default::default() };
        Ok(PaginatedListResult { result, page_token: (end < self.keys).then(|| end.to_string()) })
    }
}

fn meta(key: &str) -> ObjectMeta {
    ObjectMeta {
        location: Path::parse(key).unwrap(),
        last_modified: std::time::UNIX_EPOCH.into(),
        size: 1,
        e_tag: None,
        version: None,
    }
}

fn probe(keys: usize) -> (Arc<Probe>, Store) {
    let probe = Arc::new(Probe { keys, ..Probe::default() });
    let store = Store::paged(Arc::clone(&probe));
    (probe, store)
}

/// Lets everything run that can.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// F102: a million ids, of which no more than two pages are held.
#[tokio::test]
async fn a_million_ids() {
    let (probe, store) = probe(1_000_000);
    let mut ids = store.resource::<u32>("n").unwrap().ids();
    let (mut next, mut taken) = (0, 0);
    while let Some(batch) = ids.next().await {
        let batch = batch.unwrap();
        taken += 1;
        assert!(probe.pages.load(SeqCst) <= taken + 1, "more than one page ahead");
        assert!(batch.iter().map(|id| id.parse::<usize>().unwrap()).eq(next..next + 1000));
        next += 1000;
    }
    assert_eq!((next, probe.pages.load(SeqCst)), (1_000_000, 1000));
}

/// Errors travel in order: what was listed before one is given before it.
#[tokio::test]
async fn a_listing_that_fails_gives_what_it_has() {
    for keys in [0, 1, 999, 1000, 1001] {
        let probe = Arc::new(Probe { keys, ..Probe::default() });
        let mut ids = Store::new(probe).resource::<u32>("n").unwrap().ids();
        let (mut given, mut error) = (0, None);
        while let Some(batch) = ids.next().await {
            match batch {
                Ok(batch) => given += batch.len(),
                Err(why) => error = Some(why),
            }
        }
        assert_eq!(given, keys);
        assert_eq!(error.unwrap().to_string(), "cannot list `n` (in object::ids)");
    }
}

/// Nothing starts before it is read, no more is under way than was said, and all of it ends with the reader.
#[tokio::test]
async fn a_reader_ends_what_it_began() {
    let (probe, store) = probe(5000);
    let mut reader = store.resource::<u32>("n").unwrap().reader();
    settle().await;
    assert_eq!((probe.pages.load(SeqCst), probe.started.load(SeqCst)), (0, 0));
    assert!(futures_util::poll!(Box::pin(reader.next())).is_pending());
    settle().await;
    assert!(futures_util::poll!(Box::pin(reader.next())).is_pending());
    settle().await;
    assert_eq!((probe.started.load(SeqCst), probe.under_way.load(SeqCst)), (16, 16));
    assert_eq!(probe.pages.load(SeqCst), 2);
    drop(reader);
    settle().await;
    assert_eq!((probe.started.load(SeqCst), probe.under_way.load(SeqCst)), (16, 0));
}

/// It need not be dropped for that: after an error, nothing goes on.
#[tokio::test]
async fn a_reader_that_failed_ends_what_it_began() {
    let probe = Arc::new(Probe { keys: 100, first_is_bad: true, ..Probe::default() });
    let mut reader = Store::paged(Arc::clone(&probe)).resource::<u32>("n").unwrap().reader();
    let error = reader.next().await.unwrap().unwrap_err();
    assert!(error.downcast_ref::<Failed<String>>().unwrap().error().is_limit());
    settle().await;
    assert_eq!(probe.under_way.load(SeqCst), 0);
    assert!(reader.next().await.is_none());
}

#[tokio::test]
async fn a_large_object_ends_what_it_began() {
    let (probe, store) = probe(0);
    let mut reader = store.get("large").unwrap();
    assert!(futures_util::poll!(Box::pin(reader.next())).is_pending());
    settle().await;
    assert_eq!(probe.under_way.load(SeqCst), 1, "the size is not known yet");
    drop(reader);
    settle().await;
    assert_eq!(probe.under_way.load(SeqCst), 0);
}

/// An abort stops what is under way, and gives the rest back.
#[tokio::test]
async fn an_aborted_writer_ends_what_it_began() {
    let (probe, store) = probe(0);
    let numbers = store.resource::<u32>("n").unwrap();
    let mut writer = numbers
        .writer()
        .with_batch_size(NonZero::new(10).unwrap())
        .with_concurrency(NonZero::new(4).unwrap());
    let counts = writer.counts();
    let token = CancellationToken::new();
    let records = Readable::from_iter(0..100).map(|n| Record::new(n.to_string(), n));
    let mut pipeline = Box::pin(records.pipe_to(&mut writer).abort_on(token.clone()).run());
    assert!(futures_util::poll!(&mut pipeline).is_pending());
    settle().await;
    assert_eq!(probe.under_way.load(SeqCst), 4);
    token.cancel();
    assert!(pipeline.await.unwrap_err().is_aborted());
    settle().await;
    assert_eq!((probe.started.load(SeqCst), probe.under_way.load(SeqCst)), (4, 0));
    assert_eq!((counts.succeeded(), counts.failed()), (0, 0));
    assert!(writer.take_unwritten().into_iter().map(|record| record.value).eq(4..10));
}

/// I49: after an error of the source, the records that are under way are waited for.
#[tokio::test]
async fn records_before_an_error_of_the_source_are_written() {
    let store = Store::memory();
    let writer = store.resource::<u32>("n").unwrap().writer();
    let counts = writer.counts();
    let failing = |n: u32| {
        if n < 100 { Ok(Record::new(n.to_string(), n)) } else { Err(Error::msg("no more")) }
    };
    let error = Readable::from_iter(0..).try_map(failing).pipe_to(writer).await.unwrap_err();
    assert_eq!((error.chunk(), error.suppressed().len()), (Some(100), 0));
    assert_eq!((counts.succeeded(), counts.failed()), (100, 0));
}

/// The last requests cannot be taken back. A store that does not answer is not waited for for ever, and the end says so.
#[tokio::test(start_paused = true)]
async fn an_abort_beside_a_commit_that_is_not_answered_says_so() {
    let (probe, store) = probe(0);
    let token = CancellationToken::new();
    let records = store.resource::<u32>("n").unwrap();
    let records =
        Readable::from_iter(0..3).map(|n| Record::new(n.to_string(), n)).pipe_to(records.writer());
    let object = Readable::from_iter(["some ", "bytes"]).pipe_to(store.put("o").unwrap());
    let both = async {
        tokio::join!(records.abort_on(token.clone()).run(), object.abort_on(token.clone()).run())
    };
    let cancel = async {
        while probe.under_way.load(SeqCst) < 4 {
            tokio::task::yield_now().await;
        }
        token.cancel();
    };
    let ((records, object), ()) = tokio::join!(both, cancel);
    for (error, what) in [
        (records.unwrap_err(), "whether the last 3 records were written is not known"),
        (object.unwrap_err(), "whether `o` was written is not known"),
    ] {
        assert!(error.is_timeout() && error.to_string().contains(what), "{error:?}");
    }
    settle().await;
    assert_eq!(probe.under_way.load(SeqCst), 0);
}

/// A flush sends what waits; one with nothing waiting waits until all has arrived.
#[tokio::test]
async fn a_flush_sends_and_then_waits() {
    let (probe, store) = probe(0);
    let numbers = store.resource::<u32>("n").unwrap();
    let mut writer = numbers.writer();
    writer.write(Record::new("a", 1)).await.unwrap();
    settle().await;
    assert_eq!(probe.started.load(SeqCst), 1, "a record does not wait for a batch");
    assert!(futures_util::poll!(Box::pin(writer.flush())).is_pending());
    let memory = Store::memory().resource::<u32>("n").unwrap();
    let mut writer = memory.writer();
    writer.write(Record::new("a", 1)).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(writer.counts().succeeded(), 1);
}

/// What has arrived makes room at once, not only when a batch is full.
#[tokio::test]
async fn records_do_not_wait_for_a_batch() {
    let numbers = Store::memory().resource::<u32>("n").unwrap();
    let mut writer = numbers.writer().with_concurrency(NonZero::new(2).unwrap());
    for n in 0..50 {
        writer.write(Record::new(n.to_string(), n)).await.unwrap();
        settle().await;
        assert!(writer.counts().succeeded() >= u64::from(n).saturating_sub(2));
    }
}

/// All that failed is told: the first as the error, the others with it.
#[tokio::test]
async fn records_that_fail_at_once_are_all_told() {
    let numbers = Store::memory().resource::<u32>("n").unwrap();
    let mut writer = numbers.writer();
    let too_long = "x".repeat(2000);
    let records =
        [Record::new("a", 1), Record::new("", 2), Record::new(too_long, 3), Record::new("b", 4)];
    for record in records {
        // Nothing has run yet.
        writer.write(record).await.unwrap();
    }
    let error = writer.finish().await.unwrap_err();
    let mut told = vec![&error];
    told.extend(error.suppressed());
    let mut values: Vec<u32> = told
        .iter()
        .map(|error| error.downcast_ref::<Failed<Record<u32>>>().unwrap().item().value)
        .collect();
    values.sort_unstable();
    assert_eq!(values, [2, 3]);
    assert_eq!((writer.counts().succeeded(), writer.counts().failed()), (2, 2));
}

/// What memory has of an object, at once.
fn now(store: &Store, key: &str) -> Vec<u8> {
    let got = store.place.objects.get(&Path::from(key)).now_or_never();
    let Ok(got) = got.expect("memory answers at once") else { return Vec::new() };
    got.bytes().now_or_never().expect("memory answers at once").unwrap().into()
}

/// Of an object, nothing can be seen before it is finished.
#[test]
fn a_large_object_is_a_destination() {
    for part in [1000, 1 << 20] {
        let make = || {
            let store = Store::memory();
            (ObjectWrite::in_parts_of(part, store.put("large").unwrap()), store)
        };
        conformance_destination_bytes(make, |store, moment| {
            (moment != Moment::Flushed).then(|| now(store, "large"))
        });
    }
}

#[test]
fn a_writer_of_records_is_a_destination() {
    let make = || {
        let store = Store::memory();
        (
            store.resource::<u32>("n").unwrap().writer().with_concurrency(NonZero::new(3).unwrap()),
            store,
        )
    };
    let all = || (0..9).map(|n| Record::new(n.to_string(), n));
    conformance_destination(make, all(), |store, _| {
        let there = |record: &Record<u32>| !now(store, &format!("n/{}.json", record.id)).is_empty();
        Some(all().filter(there).collect())
    });
}

/// C100: an object of exactly as many parts as there may be, and one byte more.
#[tokio::test]
async fn the_guard_of_ten_thousand_parts() {
    const ROOM: usize = 55_000;
    for (length, fits) in [(ROOM, true), (ROOM + 1, false)] {
        let store = Store::memory();
        let put = ObjectWrite::in_parts_of(1, store.put("large").unwrap());
        let object = Bytes::from_iter((0..=250).cycle().take(length));
        let result = Readable::once(object.clone()).pipe_to(put).await;
        if fits {
            result.unwrap();
            assert_eq!(store.get("large").unwrap().to_bytes().await.unwrap(), object);
        } else {
            let error = result.unwrap_err();
            assert!(error.is_limit() && error.to_string().contains("10000 parts"), "{error}");
            assert_eq!(store.info("large").await.unwrap(), None);
        }
    }
}
