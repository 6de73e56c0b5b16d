//! What the hostile parts write down.

use std::sync::{Arc, Mutex, PoisonError};

/// Something that happened to a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The source was polled.
    Poll,
    /// The source was polled although it had ended or failed.
    PollAfterEnd,
    /// The source was dropped.
    SourceDropped,
    /// The destination was told to open.
    Open,
    /// The destination was given a chunk.
    Write(u32),
    /// The destination was told to flush.
    Flush,
    /// The destination was told to finish.
    Finish,
    /// The destination was told to abort.
    Abort,
    /// The call before has completed well.
    Completed,
    /// The destination was dropped.
    DestinationDropped,
}

/// A log that several parts share: one order for all their events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    events: Arc<Mutex<Vec<Event>>>,
    reasons: Arc<Mutex<Vec<String>>>,
}

impl Log {
    pub(crate) fn push(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// Remembers the error that an abort was called with.
    pub(crate) fn push_reason(&self, reason: String) {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).push(reason);
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the aborts were called with.
    pub(crate) fn reasons(&self) -> Vec<String> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self, event: Event) -> usize {
        self.events().iter().filter(|one| **one == event).count()
    }

    /// Where the event is met first.
    pub(crate) fn position(&self, event: Event) -> Option<usize> {
        self.events().iter().position(|one| *one == event)
    }

    /// The calls of the destination, in words.
    pub(crate) fn calls(&self) -> String {
        let calls = self.events().into_iter().filter_map(|event| match event {
            Event::Open => Some("open".to_owned()),
            Event::Write(chunk) => Some(format!("write {chunk}")),
            Event::Flush => Some("flush".to_owned()),
            Event::Finish => Some("finish".to_owned()),
            Event::Abort => Some("abort".to_owned()),
            _ => None,
        });
        calls.collect::<Vec<_>>().join(", ")
    }

    /// The chunks that were written.
    pub(crate) fn written(&self) -> Vec<u32> {
        let written = self.events().into_iter().filter_map(|event| match event {
            Event::Write(chunk) => Some(chunk),
            _ => None,
        });
        written.collect()
    }
}
