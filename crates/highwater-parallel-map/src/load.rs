//! What the items under way weigh.

use std::collections::HashMap;

/// Keeps the weights of the items that were started, by their number, until they are given.
pub(crate) struct Load<T> {
    limit: usize,
    weigh: Weigh<T>,
    of: HashMap<u64, usize>,
    sum: usize,
}

type Weigh<T> = Box<dyn Fn(&T) -> usize + Send>;

impl<T> Load<T> {
    pub(crate) fn new(limit: usize, weigh: Weigh<T>) -> Self {
        Self { limit, weigh, of: HashMap::new(), sum: 0 }
    }

    /// Whether one more may be started. With nothing under way, one may.
    pub(crate) fn has_room(&self) -> bool {
        self.sum < self.limit || self.of.is_empty()
    }

    pub(crate) fn enter(&mut self, index: u64, item: &T) {
        let weight = (self.weigh)(item);
        self.sum = self.sum.saturating_add(weight);
        self.of.insert(index, weight);
    }

    pub(crate) fn leave(&mut self, index: u64) {
        if let Some(weight) = self.of.remove(&index) {
            self.sum = self.sum.saturating_sub(weight);
        }
    }
}
