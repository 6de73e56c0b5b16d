//! The items that are being worked on.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use highwater_core::task::Task;
use highwater_core::{Error, Result};

/// Item number so many, on a task of its own.
pub(crate) struct Job<U> {
    index: u64,
    task: Task<U>,
}

impl<U> Job<U> {
    pub(crate) fn new(index: u64, task: Task<U>) -> Self {
        Self { index, task }
    }

    /// Stops it, and waits until it has.
    async fn cancel(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

impl<U> Future for Job<U> {
    type Output = (u64, Result<U>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.task).poll(cx));
        Poll::Ready((self.index, result.map_err(Error::from)))
    }
}

/// In which order they are given.
pub(crate) enum Window<U> {
    Ordered(VecDeque<Job<U>>),
    Unordered(FuturesUnordered<Job<U>>),
}

impl<U> Window<U> {
    pub(crate) fn new(ordered: bool) -> Self {
        if ordered {
            Self::Ordered(VecDeque::new())
        } else {
            Self::Unordered(FuturesUnordered::new())
        }
    }

    pub(crate) fn push(&mut self, job: Job<U>) {
        match self {
            Self::Ordered(jobs) => jobs.push_back(job),
            Self::Unordered(jobs) => jobs.push(job),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Ordered(jobs) => jobs.len(),
            Self::Unordered(jobs) => jobs.len(),
        }
    }

    /// The next result in order. Pending while there is none, an empty window included.
    pub(crate) fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<(u64, Result<U>)> {
        match self {
            Self::Ordered(jobs) => {
                let Some(first) = jobs.front_mut() else { return Poll::Pending };
                let done = ready!(Pin::new(first).poll(cx));
                jobs.pop_front();
                Poll::Ready(done)
            }
            Self::Unordered(jobs) => match ready!(jobs.poll_next_unpin(cx)) {
                Some(done) => Poll::Ready(done),
                None => Poll::Pending,
            },
        }
    }

    /// Stops them all, and waits until they have.
    pub(crate) async fn cancel(self) {
        let jobs: Vec<Job<U>> = match self {
            Self::Ordered(jobs) => jobs.into(),
            Self::Unordered(jobs) => jobs.into_iter().collect(),
        };
        // All are told before the first is waited for.
        jobs.iter().for_each(|job| job.task.abort());
        for job in jobs {
            job.cancel().await;
        }
    }
}

/// The items that wait for their key, in their order.
pub(crate) struct Keys<T, K, R> {
    key: Box<dyn FnMut(&T) -> K + Send>,
    waiting: HashMap<K, VecDeque<Work<R>>>,
    of: HashMap<u64, K>,
    held: usize,
}

/// The number of an item, and the work on it.
pub(crate) type Work<R> = (u64, BoxFuture<'static, R>);

impl<T, K: Hash + Eq + Clone, R> Keys<T, K, R> {
    pub(crate) fn new(key: impl FnMut(&T) -> K + Send + 'static) -> Self {
        Self { key: Box::new(key), waiting: HashMap::new(), of: HashMap::new(), held: 0 }
    }

    pub(crate) fn key_of(&mut self, item: &T) -> K {
        (self.key)(item)
    }

    /// Items that wait.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Takes an item in; gives it back if its key is free.
    pub(crate) fn enter(&mut self, key: K, item: Work<R>) -> Option<Work<R>> {
        match self.waiting.get_mut(&key) {
            Some(queue) => {
                self.of.insert(item.0, key);
                self.held += 1;
                queue.push_back(item);
                None
            }
            None => {
                self.of.insert(item.0, key.clone());
                self.waiting.insert(key, VecDeque::new());
                Some(item)
            }
        }
    }

    /// An item is done: gives the next of its key.
    pub(crate) fn leave(&mut self, index: u64) -> Option<Work<R>> {
        let key = self.of.remove(&index)?;
        let next = self.waiting.get_mut(&key).and_then(VecDeque::pop_front);
        match next {
            Some(_) => self.held -= 1,
            None => drop(self.waiting.remove(&key)),
        }
        next
    }
}
