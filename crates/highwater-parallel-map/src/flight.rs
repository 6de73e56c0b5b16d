//! The items in work, told to who looks at the pipeline.

use highwater_core::stage::StageStats;

/// Says how many items were taken and are not done: none when it is dropped.
pub(crate) struct Flight {
    meter: StageStats,
    items: usize,
}

impl Flight {
    pub(crate) fn new(meter: StageStats) -> Self {
        Self { meter, items: 0 }
    }

    pub(crate) fn is(&mut self, items: usize) {
        if std::mem::replace(&mut self.items, items) != items {
            self.meter.in_flight(items);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.is(0);
    }
}
