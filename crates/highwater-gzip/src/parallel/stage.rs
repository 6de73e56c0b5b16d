//! The stage: cuts the input into blocks, has them compressed, and joins them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::stage::Pace;
use highwater_core::{Error, Result, Source, debug_fields};
use pin_project_lite::pin_project;
use tokio_util::task::TaskTracker;

use super::block::{BlockBuilder, Compressed};
use super::ordered::Ordered;
use super::{NAME, ParallelGzip, in_flight};
use crate::check::Check;

pin_project! {
    /// A source that is compressed on several cores: what
    /// [`GzipExt::parallel_gzip`](crate::GzipExt::parallel_gzip) gives.
    ///
    /// # Cancel safety
    ///
    /// All state is in the stage: a `next` that is dropped loses nothing.
    // While the source is there, it is reading; then it is draining the jobs, with the error that the source left if it
    // failed; and it is over when there are none.
    #[must_use = "streams do nothing unless polled"]
    pub struct ParallelGzipped<S> {
        #[pin]
        source: Option<S>,
        failing: Option<Error>,
        blocks: Blocks,
        pace: Pace,
    }
}

/// The blocks on their way through the stage.
struct Blocks {
    /// What is left of the chunk that was read last.
    rest: Bytes,
    builder: BlockBuilder,
    jobs: Ordered,
    /// Buffers that were of blocks.
    buffers: Vec<Vec<u8>>,
    /// Of the blocks that were given.
    check: Check,
    /// How many blocks may be on their way.
    most: usize,
}

impl<S> ParallelGzipped<S> {
    pub(super) fn new(source: S, settings: ParallelGzip, jobs: TaskTracker) -> Self {
        let ParallelGzip { threads, level, header, block } = settings;
        let blocks = Blocks {
            rest: Bytes::new(),
            builder: BlockBuilder::new(block, level, header.encode(level)),
            jobs: Ordered::new(threads.get(), jobs),
            buffers: Vec::new(),
            check: Check::default(),
            most: in_flight(threads),
        };
        Self { source: Some(source), failing: None, blocks, pace: Pace::default() }
    }
}

impl<S: Source<Chunk = Bytes>> ParallelGzipped<S> {
    /// Reads and begins jobs, as long as more blocks may be on their way. Says whether one was begun.
    fn fill(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        let mut begun = false;
        while this.blocks.has_room() {
            if this.blocks.gather() {
                begun = true;
                continue;
            }
            let Some(source) = this.source.as_mut().as_pin_mut() else { break };
            if this.pace.poll_step(cx).is_pending() {
                break;
            }
            match this.pace.note(source.poll_next(cx)) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(chunk))) => this.blocks.rest = chunk,
                Poll::Ready(end) => {
                    this.source.set(None);
                    *this.failing = end.and_then(Result::err);
                    begun |= this.blocks.end(this.failing.is_none());
                }
            }
        }
        begun
    }
}

impl<S: Source<Chunk = Bytes>> Stream for ParallelGzipped<S> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let done = match self.as_mut().project().blocks.jobs.poll_next(cx) {
                Poll::Ready(Some(Ok(compressed))) => Some(compressed),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(self.fail(error)))),
                Poll::Ready(None) | Poll::Pending => None,
            };
            // The place that has become free is taken before the result is worked on elsewhere.
            let begun = self.as_mut().fill(cx);
            let this = self.as_mut().project();
            match done {
                Some(compressed) => return Poll::Ready(Some(Ok(this.blocks.join(compressed)))),
                // What has just begun is looked at as well, so that the task is woken for it.
                None if begun => {}
                None if this.source.is_none() && this.blocks.jobs.is_empty() => {
                    return Poll::Ready(this.failing.take().map(Err));
                }
                None => return Poll::Pending,
            }
        }
    }
}

impl<S: Source<Chunk = Bytes>> Source for ParallelGzipped<S> {
    type Chunk = Bytes;
}

impl<S> ParallelGzipped<S> {
    /// A job has failed: there is nothing more to give.
    #[cold]
    fn fail(self: Pin<&mut Self>, error: Error) -> Error {
        let mut this = self.project();
        this.source.set(None);
        this.blocks.jobs.cancel();
        let error = error.in_stage(NAME);
        match this.failing.take() {
            Some(first) => first.or_later(error),
            None => error,
        }
    }
}

debug_fields!(ParallelGzipped<S>);

impl Blocks {
    fn has_room(&self) -> bool {
        self.jobs.len() < self.most
    }

    /// Moves from the chunk into the block. Says whether the block was full, and its job begun.
    fn gather(&mut self) -> bool {
        self.builder.take(&mut self.rest);
        if self.rest.is_empty() {
            // An empty slice would keep its chunk in memory.
            self.rest = Bytes::new();
        }
        let is_full = self.builder.is_full();
        if is_full {
            self.begin(false);
        }
        is_full
    }

    /// The source is over. After an error there is no trailer. Says whether a job was begun.
    fn end(&mut self, whole: bool) -> bool {
        let begins = whole || !self.builder.is_empty();
        if begins {
            self.begin(whole);
        }
        begins
    }

    fn begin(&mut self, last: bool) {
        self.jobs.begin(self.builder.give(last, self.buffers.pop().unwrap_or_default()));
    }

    /// Takes a block back, and gives its bytes.
    fn join(&mut self, compressed: Compressed) -> Bytes {
        let Compressed { mut bytes, check, last, buffer } = compressed;
        self.buffers.push(buffer);
        self.check.combine(&check);
        if last {
            bytes.extend_from_slice(&self.check.trailer());
        }
        bytes.into()
    }
}
