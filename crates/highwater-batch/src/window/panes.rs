//! Time cut into panes, and the windows made of them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Windowed;
use crate::nanos::from_nanos;

/// Makes an empty value.
pub(super) type Start<V> = Box<dyn FnMut() -> V + Send>;
/// Puts the second value into the first.
pub(super) type Merge<V> = Box<dyn FnMut(&mut V, &V) + Send>;

/// What has come, by panes of equal length.
///
/// A window is some panes in a row, one if windows do not overlap, and with each pane a window ends. So an item is added
/// once, however many windows it is in. Panes are numbered from 0, and windows by their last pane. Only panes that hold
/// something are there, and a pane goes with the last window that it is in.
pub(super) struct Panes<V> {
    /// Nanoseconds of a pane.
    step: u128,
    /// Panes of a window.
    across: u128,
    /// Windows before this one are over.
    next: u128,
    panes: BTreeMap<u128, Pane<V>>,
    start: Start<V>,
    /// Not needed by windows of one pane.
    merge: Option<Merge<V>>,
}

struct Pane<V> {
    items: u64,
    value: V,
}

impl<V> Panes<V> {
    pub(super) fn new(
        step: Duration,
        across: u128,
        start: Start<V>,
        merge: Option<Merge<V>>,
    ) -> Self {
        Self { step: step.as_nanos(), across, next: 0, panes: BTreeMap::new(), start, merge }
    }

    /// The value of the pane that `time` is in, for one more item. `None` if all windows with that pane are over.
    pub(super) fn value_at(&mut self, time: Duration) -> Option<&mut V> {
        let pane = time.as_nanos() / self.step;
        if pane + self.across <= self.next {
            return None;
        }
        let start = &mut self.start;
        let pane = self.panes.entry(pane).or_insert_with(|| Pane { items: 0, value: start() });
        pane.items += 1;
        Some(&mut pane.value)
    }

    /// Windows that end up to `time` are over, and no others are.
    pub(super) fn set_over(&mut self, time: Duration) {
        self.next = time.as_nanos() / self.step;
    }

    /// When the next window ends that holds something.
    pub(super) fn next_end(&self) -> Option<Duration> {
        self.next_window().map(|window| from_nanos((window + 1) * self.step))
    }

    /// The window that [`next_end`](Self::next_end) speaks of, which is over with this.
    pub(super) fn take_next(&mut self, whole: bool) -> Option<Windowed<V>> {
        let window = self.next_window()?;
        let first = (window + 1).saturating_sub(self.across);
        let (items, value) = self.sum(first, window);
        self.next = window + 1;
        // Without the pane whose last window this was.
        self.panes = self.panes.split_off(&(self.next + 1).saturating_sub(self.across));
        let (start, end) = (from_nanos(first * self.step), from_nanos((window + 1) * self.step));
        Some(Windowed { start, end, items, value, whole })
    }

    fn next_window(&self) -> Option<u128> {
        self.panes.keys().next().map(|first| self.next.max(*first))
    }

    fn sum(&mut self, first: u128, last: u128) -> (u64, V) {
        let Some(merge) = &mut self.merge else {
            let pane = self
                .panes
                .remove(&last)
                .expect("a window without a merge is one pane, which holds something");
            return (pane.items, pane.value);
        };
        let (mut items, mut value) = (0, (self.start)());
        for pane in self.panes.range(first..=last).map(|(_, pane)| pane) {
            items += pane.items;
            merge(&mut value, &pane.value);
        }
        (items, value)
    }
}
