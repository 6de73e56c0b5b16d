//! A destination that writes down every call, is slow on demand, and goes wrong on command.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use highwater_core::{Destination, Error, Result, debug_fields};

use crate::{Event, Log, pend};

/// A call of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// `open`.
    Open,
    /// `write`.
    Write,
    /// `flush`.
    Flush,
    /// `finish`.
    Finish,
    /// `abort`.
    Abort,
}

/// Which call of a [`Recorder`] goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// The k-th call, from 0, whichever it is.
    Call(usize),
    /// Every call of this kind.
    Every(Op),
}

/// How something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// It returns an error.
    Error,
    /// It panics.
    Panic,
}

/// A destination that records its calls in a [`Log`]. It is called `Recorder` in errors.
///
/// # Examples
///
/// ```
/// use highwater_core::Readable;
/// use highwater_test::{Log, Op, Recorder, Trouble, When, run_woken};
///
/// let log = Log::default();
/// let disk_full = Recorder::new(&log).with_trouble(When::Call(2), Trouble::Error);
/// let ran = run_woken(Readable::from_iter(0..9).pipe_to(disk_full).run()).expect("woken");
/// assert!(ran.output.is_err());
/// assert_eq!(log.calls(), "open, write 0, write 1, abort");
/// ```
#[derive(Debug)]
pub struct Recorder<T> {
    log: Log<T>,
    trouble: Vec<(When, Trouble)>,
    pends: usize,
    demand: Option<Demand>,
    calls: usize,
}

impl<T> Recorder<T> {
    /// Takes everything at once, and writes it down.
    pub fn new(log: &Log<T>) -> Self {
        Self { log: log.clone(), trouble: Vec::new(), pends: 0, demand: None, calls: 0 }
    }

    /// Has a call fail with "destination failed at …", or panic.
    #[must_use]
    pub fn with_trouble(mut self, when: When, trouble: Trouble) -> Self {
        self.trouble.push((when, trouble));
        self
    }

    /// Has every call be pending so many times before it does anything.
    #[must_use]
    pub fn with_pends(mut self, times: usize) -> Self {
        self.pends = times;
        self
    }

    /// Has every write wait until the test has allowed it: the slow consumer.
    #[must_use]
    pub fn with_demand(mut self, demand: &Demand) -> Self {
        self.demand = Some(demand.clone());
        self
    }

    async fn call(&mut self, op: Op, event: Event<T>) -> Result<()> {
        let number = self.calls;
        self.calls += 1;
        self.log.push(event);
        pend(self.pends).await;
        if let (Op::Write, Some(demand)) = (op, &self.demand) {
            demand.take().await;
        }
        let mut trouble = self.trouble.iter();
        let found = trouble.find(|(when, _)| match when {
            When::Call(call) => *call == number,
            When::Every(one) => *one == op,
        });
        match found {
            Some((_, Trouble::Error)) => {
                return Err(Error::msg(format!("destination failed at {op:?}")));
            }
            Some((_, Trouble::Panic)) => panic!("destination panicked at {op:?}"),
            None => self.log.push(Event::Completed),
        }
        Ok(())
    }
}

impl<T: Send> Destination for Recorder<T> {
    type Chunk = T;

    async fn open(&mut self) -> Result<()> {
        self.call(Op::Open, Event::Open).await
    }

    async fn write(&mut self, chunk: T) -> Result<()> {
        self.call(Op::Write, Event::Write(chunk)).await
    }

    async fn flush(&mut self) -> Result<()> {
        self.call(Op::Flush, Event::Flush).await
    }

    async fn finish(&mut self) -> Result<()> {
        self.call(Op::Finish, Event::Finish).await
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        self.log.push_reason(error.to_string());
        self.call(Op::Abort, Event::Abort).await
    }
}

impl<T> Drop for Recorder<T> {
    fn drop(&mut self) {
        self.log.push(Event::DestinationDropped);
    }
}

/// How many more chunks a [`Recorder`] takes: none until the test says so.
///
/// # Examples
///
/// ```
/// use highwater_core::Readable;
/// use highwater_test::{Demand, Log, Recorder, Woken};
///
/// let (log, demand) = (Log::default(), Demand::new());
/// let pipeline = Readable::from_iter(0..9).pipe_to(Recorder::new(&log).with_demand(&demand));
/// let mut tasks = Woken::new();
/// tasks.spawn(pipeline.run());
///
/// tasks.run_until_idle();
/// assert_eq!(log.written(), [0], "one chunk is offered, and no other is read before it is taken");
/// demand.allow(3);
/// tasks.run_until_idle();
/// assert_eq!(log.written(), [0, 1, 2, 3]);
/// ```
#[derive(Clone, Default)]
pub struct Demand(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    left: usize,
    waiting: Option<Waker>,
}

impl Demand {
    /// Nothing is taken yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many more chunks are taken.
    pub fn allow(&self, chunks: usize) {
        let waiting = {
            let mut state = self.state();
            state.left = state.left.saturating_add(chunks);
            state.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// How many chunks were allowed and not yet taken.
    pub fn left(&self) -> usize {
        self.state().left
    }

    /// Waits until one more chunk is allowed: for destinations of your own.
    pub async fn take(&self) {
        poll_fn(|cx| {
            let mut state = self.state();
            if state.left > 0 {
                state.left -= 1;
                return Poll::Ready(());
            }
            state.waiting = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

debug_fields!(Demand);
