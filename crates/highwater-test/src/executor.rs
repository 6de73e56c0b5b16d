//! An executor that polls a future only when it was woken.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use highwater_core::debug_fields;
use tokio::task::unconstrained;

/// Polls its tasks, in the order of their making, only when they were woken.
///
/// A runtime polls too often for a test: a wake-up that was lost is made good by any other. Here it is not, and when
/// nothing is left to poll, every task that still waits is polled once more to see *why* it waits: one that gets on was
/// never woken ([`Stall::LostWakeUp`]), one that does not waits for something outside ([`Stall::Idle`]).
///
/// Nothing is paused and nothing is timed: it is for futures that need no runtime. Within one, Tokio's budget does not
/// count: to give way to other tasks would be a poll too many.
///
/// # Examples
///
/// ```
/// use highwater_test::{Stall, Woken};
/// use tokio::sync::oneshot;
///
/// let (sender, receiver) = oneshot::channel();
/// let mut tasks = Woken::new();
/// let got = tasks.spawn(receiver);
/// assert_eq!(tasks.run_until_idle(), [Stall::Idle]);
/// tasks.spawn(async { sender.send(7) });
/// tasks.run();
/// assert_eq!((got.take(), got.polls()), (Some(Ok(7)), 3));
/// ```
///
/// A future that is ready without having said so:
///
/// ```
/// # use std::{cell::Cell, future::poll_fn, task::Poll};
/// use highwater_test::{Stall, Woken};
///
/// let polled = Cell::new(false);
/// let mut tasks = Woken::new();
/// tasks.spawn(poll_fn(|_| if polled.replace(true) { Poll::Ready(()) } else { Poll::Pending }));
/// assert_eq!(tasks.run_until_idle(), [Stall::LostWakeUp]);
/// ```
#[derive(Default)]
pub struct Woken<'a> {
    tasks: Vec<Task<'a>>,
    spurious: usize,
    swaps: bool,
}

struct Task<'a> {
    future: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    polls: Rc<RefCell<usize>>,
    waker: Waker,
    wakes: Arc<Wakes>,
    seen: usize,
}

/// Why a task of [`Woken`] cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stall {
    /// It waits for something that has not happened.
    Idle,
    /// It could go on, and nobody woke it: on a real runtime it would hang.
    LostWakeUp,
}

impl<'a> Woken<'a> {
    /// Without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// After each poll that is pending, so many more for no reason: they must change nothing.
    #[must_use]
    pub fn with_spurious(mut self, polls: usize) -> Self {
        self.spurious = polls;
        self
    }

    /// Polls with a new waker each time, as when a future moves from task to task. Only the last one counts.
    #[must_use]
    pub fn swapping_wakers(mut self) -> Self {
        self.swaps = true;
        self
    }

    /// Adds a task, which is polled first by the next [`run`](Self::run).
    pub fn spawn<F: Future + 'a>(&mut self, future: F) -> Handle<F::Output>
    where
        F::Output: 'a,
    {
        let (output, polls) = (Rc::new(RefCell::new(None)), Rc::default());
        let handle = Handle { output: Rc::clone(&output), polls: Rc::clone(&polls) };
        let future = Box::pin(unconstrained(async move {
            let result = future.await;
            *output.borrow_mut() = Some(result);
        }));
        let (waker, wakes) = Wakes::waker();
        wakes.wake_by_ref();
        self.tasks.push(Task { future: Some(future), polls, waker, wakes, seen: 0 });
        handle
    }

    /// Runs until every task is through.
    ///
    /// # Panics
    ///
    /// A task waits and nothing is left that could wake it: the message tells whether a wake-up was lost.
    #[track_caller]
    pub fn run(&mut self) {
        let stalls = self.run_until_idle();
        if stalls.contains(&Stall::LostWakeUp) {
            panic!("a task could go on, and nobody woke it: a wake-up was lost");
        }
        assert!(stalls.is_empty(), "a task waits for something that never happens");
    }

    /// Runs until no task is awake; says of each that is not through why it waits. A later call goes on.
    ///
    /// # Panics
    ///
    /// A task wakes itself a million times without coming to an end.
    pub fn run_until_idle(&mut self) -> Vec<Stall> {
        while self.turn() {}
        let mut stalls = Vec::new();
        for index in 0..self.tasks.len() {
            if self.tasks[index].future.is_none() {
                continue;
            }
            let before = self.wakes();
            let ready = self.tasks[index].poll(false);
            // To wake somebody, itself included, is to get on as well.
            let gets_on = ready || self.wakes() != before;
            stalls.push(if gets_on { Stall::LostWakeUp } else { Stall::Idle });
        }
        stalls
    }

    /// Polls each task that was woken; false when there was none.
    fn turn(&mut self) -> bool {
        let mut any = false;
        for task in &mut self.tasks {
            if task.future.is_none() || task.wakes.count() == task.seen {
                continue;
            }
            any = true;
            for _ in 0..=self.spurious {
                task.seen = task.wakes.count();
                if task.poll(self.swaps) {
                    break;
                }
            }
        }
        any
    }

    fn wakes(&self) -> usize {
        self.tasks.iter().map(|task| task.wakes.count()).sum()
    }
}

impl Task<'_> {
    /// True when it is through.
    fn poll(&mut self, swaps: bool) -> bool {
        let Some(future) = &mut self.future else { return true };
        if swaps {
            // What the old waker is told from here on is lost.
            let missed = self.wakes.count() != self.seen;
            (self.waker, self.wakes) = Wakes::waker();
            self.seen = 0;
            if missed {
                self.wakes.wake_by_ref();
            }
        }
        *self.polls.borrow_mut() += 1;
        assert!(*self.polls.borrow() < MOST_POLLS, "it wakes itself without getting anywhere");
        let ready = future.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready();
        if ready {
            self.future = None;
        }
        ready
    }
}

debug_fields!(Woken<'a>, spurious, swaps);

/// What became of a task of [`Woken`].
#[derive(Debug)]
pub struct Handle<T> {
    output: Rc<RefCell<Option<T>>>,
    polls: Rc<RefCell<usize>>,
}

impl<T> Handle<T> {
    /// Its result, once, if it is through.
    pub fn take(&self) -> Option<T> {
        self.output.borrow_mut().take()
    }

    /// How often it was polled.
    pub fn polls(&self) -> usize {
        *self.polls.borrow()
    }
}

/// What a future gave, and after how many polls.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ran<T> {
    /// What it gave.
    pub output: T,
    /// How often it was polled.
    pub polls: usize,
}

/// The future is pending and was not woken: it would hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled {
    /// How often it was polled.
    pub polls: usize,
}

/// Runs a future that nothing but itself can wake.
///
/// # Errors
///
/// It is pending, and nobody has woken it.
///
/// # Panics
///
/// It wakes itself a million times without coming to an end.
pub fn run_woken<F: Future>(future: F) -> Result<Ran<F::Output>, Stalled> {
    run_spurious(future, 0)
}

/// The same as [`run_woken`], with so many polls for no reason after each that is pending.
///
/// # Errors
///
/// As [`run_woken`].
///
/// # Panics
///
/// As [`run_woken`].
pub fn run_spurious<F: Future>(future: F, extra: usize) -> Result<Ran<F::Output>, Stalled> {
    let future = pin!(future);
    let mut tasks = Woken::new().with_spurious(extra);
    let handle = tasks.spawn(future);
    while tasks.turn() {}
    let polls = handle.polls();
    handle.take().map(|output| Ran { output, polls }).ok_or(Stalled { polls })
}

/// One poll, whose wake-ups go nowhere.
pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    pin!(unconstrained(future)).poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a future and drops it at its k-th poll, from 1, if it is pending then: `None`.
///
/// # Cancel safety
///
/// That is what it is for: the future is dropped half-way.
pub async fn drop_at_poll<F: Future>(k: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls >= k => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Is pending so many times, and wakes its task each time.
pub fn pend(times: usize) -> impl Future<Output = ()> {
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

/// Counts how often it is woken.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wakes {
    /// A waker, and where it counts.
    pub fn waker() -> (Waker, Arc<Self>) {
        let wakes = Arc::<Self>::default();
        (Waker::from(Arc::clone(&wakes)), wakes)
    }

    /// How often.
    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

const MOST_POLLS: usize = 1_000_000;
