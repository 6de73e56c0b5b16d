//! A stream for each key.

use std::collections::HashMap;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;
use highwater_core::stage::StageInfo;
use highwater_core::{Buffered, Error, HighWaterMark, Readable, Result, Source, Writable};

use crate::branch::{Branch, BranchWriter, Offered};
use crate::fan_out::{BranchSource, Branched};

/// The keys with their streams.
pub type Streams<K, T> = Readable<Buffered<(K, Branched<T>)>>;

/// The settings of [`demux`](crate::MuxExt::demux).
///
/// # Backpressure
///
/// A key whose window is full holds up the others, unless its [branch](Self::branch) says otherwise; so do 16 new keys
/// that nobody has taken. Read the keys and all the streams at the same time.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_mux::{Demux, MuxExt as _};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let by_rest = Demux::new(|x: &u32| x % 3).with_max_keys(8);
/// let mut streams = Readable::from_iter(0..9_u32).demux(by_rest);
/// let mut sums = Vec::new();
/// while let Some((key, stream)) = streams.next().await.transpose()? {
///     sums.push(tokio::spawn(async move {
///         Ok::<_, highwater_core::Error>((key, stream.to_vec().await?.into_iter().sum::<u32>()))
///     }));
/// }
/// let mut done = Vec::new();
/// for sum in sums {
///     done.push(sum.await??);
/// }
/// assert_eq!(done, [(0, 9), (1, 12), (2, 15)]);
/// # Ok(()) }
/// ```
#[must_use]
pub struct Demux<T, F> {
    key: F,
    branch: Branch<T>,
    max_keys: usize,
    evicts: bool,
}

impl<T, F> Demux<T, F> {
    /// By this key, with a window of 16 items for each of at the most 1024 keys.
    pub fn new<K>(key: F) -> Self
    where
        F: FnMut(&T) -> K,
    {
        Self { key, branch: Branch::default(), max_keys: DEFAULT_KEYS, evicts: false }
    }

    /// The window of each key, and what happens when it is full.
    ///
    /// With [`OnFull::Detach`](crate::OnFull::Detach), a key that is too slow loses its stream, and gets a new one.
    pub fn branch(mut self, branch: Branch<T>) -> Self {
        self.branch = branch;
        self
    }

    /// How many keys may have a stream at the same time; one more ends all with an
    /// [`is_limit`](highwater_core::Error::is_limit) error. A key counts until its stream is dropped.
    ///
    /// # Panics
    ///
    /// With 0.
    #[track_caller]
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        assert!(keys > 0, "a demux of 0 keys would take nothing");
        self.max_keys = keys;
        self
    }

    /// Ends the stream of the key that had no chunk for the longest time when there is one key too many. A chunk of that
    /// key opens a new one.
    pub fn evict(mut self) -> Self {
        self.evicts = true;
        self
    }
}

highwater_core::debug_fields!(Demux<T, F>, branch, max_keys, evicts);

pub(crate) fn demux<S, K, F>(source: Readable<S>, demux: Demux<S::Chunk, F>) -> Streams<K, S::Chunk>
where
    S: Source + Send + 'static,
    S::Chunk: Send + 'static,
    K: Hash + Eq + Clone + Send + 'static,
    F: FnMut(&S::Chunk) -> K + Send + 'static,
{
    let mark = HighWaterMark::items(NEW_KEYS);
    source.through_stage(StageInfo::new("demux"), mark, move |input, output| {
        let keys = Keys { open: HashMap::new(), demux, output, chunks: 0 };
        keys.run(input.catch_unwind().pinned())
    })
}

struct Keys<T, K, F> {
    open: HashMap<K, Entry<T>>,
    demux: Demux<T, F>,
    output: Writable<(K, Branched<T>)>,
    chunks: u64,
}

struct Entry<T> {
    writer: BranchWriter<T>,
    /// The number of its latest chunk.
    used: u64,
}

impl<T, K, F> Keys<T, K, F>
where
    T: Send + 'static,
    K: Hash + Eq + Clone + Send,
    F: FnMut(&T) -> K + Send,
{
    async fn run<S: Source<Chunk = T>>(mut self, input: Readable<Pin<Box<S>>>) -> Result<()> {
        let fed = AssertUnwindSafe(self.feed(input)).catch_unwind().await;
        let result = fed
            .unwrap_or_else(|payload| Err(Error::panic(&*payload)))
            .map_err(|error| error.in_stage("demux"));
        for entry in self.open.values() {
            entry.writer.end(&result);
        }
        result
    }

    async fn feed<S: Source<Chunk = T>>(&mut self, mut input: Readable<Pin<Box<S>>>) -> Result<()> {
        while let Some(chunk) = input.next().await.transpose()? {
            let passed = self.pass(chunk).await;
            passed.map_err(|error| error.in_stage("demux").at_chunk(self.chunks))?;
            self.chunks += 1;
        }
        Ok(())
    }

    async fn pass(&mut self, chunk: T) -> Result<()> {
        let key = (self.demux.key)(&chunk);
        let Some(entry) = self.open.get_mut(&key) else { return self.open(key, chunk).await };
        entry.used = self.chunks;
        match entry.writer.give(chunk).await? {
            Offered::Gone(chunk) => {
                self.open.remove(&key);
                self.open(key, chunk).await
            }
            _ => Ok(()),
        }
    }

    /// The first chunk is in the stream before anybody can drop that, so that a consumer which drops every stream does not
    /// go around with one chunk for ever.
    async fn open(&mut self, key: K, chunk: T) -> Result<()> {
        self.make_room()?;
        let (writer, reader) = self.demux.branch.clone().open();
        writer.give(chunk).await?;
        let info = StageInfo::new("demux").with_max_bytes(0);
        let stream = reader.stage(info, BranchSource::new);
        self.open.insert(key.clone(), Entry { writer, used: self.chunks });
        Ok(self.output.send((key, stream)).await?)
    }

    fn make_room(&mut self) -> Result<()> {
        let most = self.demux.max_keys;
        if self.open.len() < most {
            return Ok(());
        }
        self.open.retain(|_, entry| !entry.writer.is_gone());
        if self.open.len() < most {
            return Ok(());
        }
        if !self.demux.evicts {
            return Err(Error::limit(format!("more than {most} keys at the same time")));
        }
        let idle = self.open.iter().min_by_key(|(_, entry)| entry.used);
        if let Some(key) = idle.map(|(key, _)| key.clone()) {
            if let Some(entry) = self.open.remove(&key) {
                entry.writer.end(&Ok(()));
            }
        }
        Ok(())
    }
}

const DEFAULT_KEYS: usize = 1024;

/// New keys that wait for the consumer.
const NEW_KEYS: usize = 16;
