//! One item that waits for its time.

use std::time::Instant;

use highwater_core::stage::Step;

/// One item, and when it is given.
#[derive(Debug, Clone)]
pub(crate) struct Held<T> {
    item: Option<T>,
    due: Due,
}

#[derive(Debug, Clone, Copy)]
enum Due {
    At(Instant),
    /// No clock goes that far.
    Never,
    /// The input is over, or has failed.
    Now,
}

impl<T> Held<T> {
    pub(crate) fn new() -> Self {
        Self { item: None, due: Due::Never }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.item.is_none()
    }

    /// Holds this item instead; `None` is a time that never comes.
    pub(crate) fn replace(&mut self, item: T, due: Option<Instant>) {
        self.item = Some(item);
        self.due = due.map_or(Due::Never, Due::At);
    }

    /// Holds this item instead, until the time set for the one before it.
    pub(crate) fn refresh(&mut self, item: T) {
        self.item = Some(item);
    }

    pub(crate) fn release(&mut self) {
        self.due = Due::Now;
    }

    pub(crate) fn read(&mut self, now: Instant) -> Step<T> {
        match self.due {
            Due::At(due) if now < due && self.item.is_some() => return Step::NeedsInputOr(due),
            Due::Never => return Step::NeedsInput,
            Due::At(_) | Due::Now => {}
        }
        self.item.take().map_or(Step::NeedsInput, Step::Output)
    }
}
