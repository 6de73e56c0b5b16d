//! A destination that writes down every call and goes wrong on command.

use std::future::{Future, poll_fn};
use std::task::Poll;

use highwater_core::{Destination, Error, Result};

use super::{Event, Log};

/// A call of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Open,
    Write,
    Flush,
    Finish,
    Abort,
}

/// Which call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// The k-th call, from 0, whichever it is.
    Call(usize),
    /// Every call of this kind.
    Every(Op),
}

/// How something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Error,
    Panic,
}

/// A destination that records its calls. It is called `Recorder` in errors.
#[derive(Debug)]
pub(crate) struct Recorder {
    log: Log,
    trouble: Vec<(When, Trouble)>,
    pends: usize,
    calls: usize,
}

impl Recorder {
    pub(crate) fn new(log: &Log) -> Self {
        Self { log: log.clone(), trouble: Vec::new(), pends: 0, calls: 0 }
    }

    /// Has a call fail with "destination failed at …", or panic.
    pub(crate) fn trouble(mut self, when: When, trouble: Trouble) -> Self {
        self.trouble.push((when, trouble));
        self
    }

    /// Has every call be pending so many times before it does anything.
    pub(crate) fn pends(mut self, times: usize) -> Self {
        self.pends = times;
        self
    }

    async fn call(&mut self, op: Op, event: Event) -> Result<()> {
        let number = self.calls;
        self.calls += 1;
        self.log.push(event);
        pend(self.pends).await;
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

impl Destination<u32> for Recorder {
    async fn open(&mut self) -> Result<()> {
        self.call(Op::Open, Event::Open).await
    }

    async fn write(&mut self, chunk: u32) -> Result<()> {
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

impl Drop for Recorder {
    fn drop(&mut self) {
        self.log.push(Event::DestinationDropped);
    }
}

/// Is pending so many times, and wakes its task each time.
pub(crate) fn pend(times: usize) -> impl Future<Output = ()> {
    let mut left = times;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}
