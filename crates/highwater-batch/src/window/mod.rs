//! What came in each stretch of time.

mod count;
mod panes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use highwater_core::stage::Step;
use highwater_core::{Error, Result, TimedTransform};

pub use count::CountWindow;
use panes::{Merge, Panes};

/// Gathers items into one value per stretch of time: [`Window::tumbling`] and [`Window::sliding`].
///
/// The value is whatever the closures make of the items: a sum, a histogram, a vector. It is given when the window is
/// over. A window without items gives nothing.
///
/// An item's time is that of its arrival, and 0 is the arrival of the first item; so windows end on time even if no item
/// comes. With [`with_time_of`](Self::with_time_of) items carry their time.
///
/// At the end of the input, and before an upstream error, the windows that are still open are given as they are, and say
/// that they are not [whole](Windowed::whole).
///
/// It holds one value for each window that is open and has items; for windows that overlap, one for each step instead.
///
/// # Errors
///
/// With `with_time_of`, an item is late, unless [`on_late`](Self::on_late) says otherwise. The open windows are given before.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_batch::{BatchExt, Window};
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// // Requests with their second and their bytes.
/// let requests = || Readable::from_iter([(1, 10), (4, 20), (12, 5), (13, 5), (31, 1)]);
/// let time = |request: &(u64, u64)| Duration::from_secs(request.0);
/// let ten = Duration::from_secs(10);
///
/// let sums = Window::tumbling(ten, || 0, |sum, (_, bytes)| *sum += bytes).with_time_of(time);
/// let sums = requests().window(sums).map(|w| (w.start.as_secs(), w.items, w.value)).to_vec().await?;
/// assert_eq!(sums, [(0, 2, 30), (10, 2, 10), (30, 1, 1)]);
///
/// // The largest of the last 20 seconds, every 10 seconds.
/// let add = |most: &mut u64, request: (u64, u64)| *most = request.1.max(*most);
/// let most = Window::sliding(ten * 2, ten, || 0, add, |a, b| *a = *b.max(a)).with_time_of(time);
/// let most = requests().window(most).map(|w| (w.end.as_secs(), w.value)).to_vec().await?;
/// assert_eq!(most, [(10, 20), (20, 20), (30, 5), (40, 1), (50, 1)]);
/// # Ok(()) }
/// ```
pub struct Window<T, V> {
    panes: Panes<V>,
    add: Add<T, V>,
    clock: Clock<T>,
    lateness: Duration,
    on_late: Late,
    counts: WindowCounts,
    flow: Flow,
}

/// Puts an item into a value.
type Add<T, V> = Box<dyn FnMut(&mut V, T) + Send>;

/// Where the time of an item is from.
enum Clock<T> {
    /// Its arrival, counted from that of the first.
    Arrival { first: Option<Instant> },
    /// The item. `newest` is the latest time that was seen.
    Item { time_of: Box<dyn FnMut(&T) -> Duration + Send>, newest: Duration },
}

enum Flow {
    Open,
    /// All that is there is given, and then the error if there is one.
    Giving(Option<Error>),
}

impl<T, V> Window<T, V> {
    /// Windows of this length, one behind the other: from 0 to `length`, from there to twice that, and so on.
    ///
    /// `start` makes the value of a window, and `add` puts an item into it.
    ///
    /// # Panics
    ///
    /// If the length is 0.
    #[track_caller]
    pub fn tumbling(
        length: Duration,
        start: impl FnMut() -> V + Send + 'static,
        add: impl FnMut(&mut V, T) + Send + 'static,
    ) -> Self {
        assert!(!length.is_zero(), "a window of no length holds no item");
        Self::new(Panes::new(length, 1, Box::new(start), None), Box::new(add))
    }

    /// Windows of this length that overlap: one ends every `step`. The first of them begin at 0.
    ///
    /// An item is added once, to the value of its step; `merge` puts the value of a later step into that of a window. So
    /// a window of many steps costs as many merges when it is given, and nothing per item.
    ///
    /// # Panics
    ///
    /// If the length or the step is 0, or the length is not a multiple of the step.
    #[track_caller]
    pub fn sliding(
        length: Duration,
        step: Duration,
        start: impl FnMut() -> V + Send + 'static,
        add: impl FnMut(&mut V, T) + Send + 'static,
        merge: impl FnMut(&mut V, &V) + Send + 'static,
    ) -> Self {
        assert!(!length.is_zero() && !step.is_zero(), "a window of no length holds no item");
        let steps = length.as_nanos() / step.as_nanos();
        assert!(length.as_nanos() % step.as_nanos() == 0, "a window is a number of whole steps");
        let merge: Merge<V> = Box::new(merge);
        Self::new(Panes::new(step, steps, Box::new(start), Some(merge)), Box::new(add))
    }

    fn new(panes: Panes<V>, add: Add<T, V>) -> Self {
        Self {
            panes,
            add,
            clock: Clock::Arrival { first: None },
            lateness: Duration::ZERO,
            on_late: Late::Fail,
            counts: WindowCounts::default(),
            flow: Flow::Open,
        }
    }

    /// Takes the time of an item from the item: since 1970, since midnight, since whatever the windows count from.
    ///
    /// Only items move this time on: a window is over when an item has come that is later than its end by
    /// [`with_lateness`](Self::with_lateness), and if none comes, at the end of the input.
    #[must_use]
    pub fn with_time_of(mut self, time: impl FnMut(&T) -> Duration + Send + 'static) -> Self {
        self.clock = Clock::Item { time_of: Box::new(time), newest: Duration::ZERO };
        self
    }

    /// With [`with_time_of`](Self::with_time_of): how far items may be out of order. It is 0 unless said otherwise.
    ///
    /// Windows stay open, and are given, so much later.
    #[must_use]
    pub fn with_lateness(mut self, time: Duration) -> Self {
        self.lateness = time;
        self
    }

    /// With [`with_time_of`](Self::with_time_of): what becomes of an item whose windows are all over.
    #[must_use]
    pub fn on_late(mut self, policy: Late) -> Self {
        self.on_late = policy;
        self
    }

    /// What it has counted, readable while it runs and afterwards.
    pub fn counts(&self) -> WindowCounts {
        self.counts.clone()
    }

    /// Windows that end up to here are over.
    fn reached(&self, now: Instant) -> Duration {
        match &self.clock {
            Clock::Arrival { first } => {
                first.map_or(Duration::ZERO, |first| now.saturating_duration_since(first))
            }
            Clock::Item { newest, .. } => newest.saturating_sub(self.lateness),
        }
    }

    /// The time of an item that has come.
    fn time(&mut self, item: &T, now: Instant) -> Duration {
        let reached = self.reached(now);
        match &mut self.clock {
            Clock::Arrival { first } => now.saturating_duration_since(*first.get_or_insert(now)),
            Clock::Item { time_of, newest } => {
                self.panes.set_over(reached);
                let time = time_of(item);
                *newest = time.max(*newest);
                time
            }
        }
    }

    #[cold]
    fn refuse(&mut self, time: Duration, over: Duration) {
        self.counts.0.fetch_add(1, Relaxed);
        if self.on_late == Late::Fail {
            let what = format!("an item of {time:?} is late: windows up to {over:?} were given");
            self.flow = Flow::Giving(Some(Error::corrupt(what)));
        }
    }
}

impl<T, V> TimedTransform for Window<T, V> {
    type Input = T;
    type Output = Windowed<V>;

    fn write(&mut self, item: T, now: Instant) -> Result<Option<Windowed<V>>> {
        let over = self.reached(now);
        let time = self.time(&item, now);
        match self.panes.value_at(time) {
            Some(value) => (self.add)(value, item),
            None => self.refuse(time, over),
        }
        Ok(None)
    }

    fn read(&mut self, now: Instant) -> Result<Step<Windowed<V>>> {
        let reached = self.reached(now);
        let end = self.panes.next_end();
        let is_over = end.is_some_and(|end| end <= reached);
        if is_over || matches!(self.flow, Flow::Giving(_)) {
            if let Some(window) = self.panes.take_next(is_over) {
                return Ok(Step::Output(window));
            }
        }
        if let Flow::Giving(error) = std::mem::replace(&mut self.flow, Flow::Open) {
            self.panes.set_over(reached);
            return error.map_or(Ok(Step::NeedsInput), Err);
        }
        let due = match (&self.clock, end) {
            (Clock::Arrival { first: Some(first) }, Some(end)) => first.checked_add(end),
            _ => None,
        };
        Ok(due.map_or(Step::NeedsInput, Step::NeedsInputOr))
    }

    fn end(&mut self, now: Instant) -> Result<()> {
        self.release(now)
    }

    /// Gives the windows that are open, as they are.
    fn release(&mut self, _: Instant) -> Result<()> {
        self.flow = Flow::Giving(None);
        Ok(())
    }

    fn name(&self) -> &'static str {
        "window"
    }
}

highwater_core::debug_fields!(Window<T, V>, counts);

/// A window, and what came in it. `P` is what it is measured in: a time, or the number of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Windowed<V, P = Duration> {
    /// Where it begins; what is here is in it.
    pub start: P,
    /// Where it ends; what is here is in the next one.
    pub end: P,
    /// How many items came.
    pub items: u64,
    /// What became of them.
    pub value: V,
    /// False if the input ended, or failed, before the window was over.
    pub whole: bool,
}

/// What becomes of an item whose windows are all over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Late {
    /// The stream fails there, behind the windows that are open.
    #[default]
    Fail,
    /// The item is left out, and [counted](WindowCounts::late).
    Skip,
}

/// What a [`Window`] has counted so far; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct WindowCounts(Arc<AtomicU64>);

impl WindowCounts {
    /// Items that came when all their windows were over.
    pub fn late(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
