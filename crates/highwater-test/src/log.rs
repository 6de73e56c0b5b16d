//! What the scripted parts write down.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Something that happened to a scripted source or destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<T> {
    /// The source was polled.
    Poll,
    /// The source was polled although it had ended or failed.
    PollAfterEnd,
    /// The source was dropped.
    SourceDropped,
    /// The destination was told to open.
    Open,
    /// The destination was given a chunk.
    Write(T),
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
///
/// # Examples
///
/// ```
/// use highwater_test::{Cue, Event, Log, Recorder, Script, run_woken};
///
/// let log = Log::default();
/// let source = Script::new(&log, [Cue::Chunk(1), Cue::Pending, Cue::Chunk(2)]).readable();
/// run_woken(source.pipe_to(Recorder::new(&log)).run()).expect("woken").output.expect("no error");
///
/// assert_eq!(log.calls(), "open, write 1, flush, write 2, finish");
/// assert_eq!(log.count(Event::SourceDropped), 1);
/// assert!(log.position(Event::SourceDropped) < log.position(Event::Finish));
/// ```
#[derive(Debug)]
pub struct Log<T>(Arc<Mutex<Entries<T>>>);

#[derive(Debug)]
struct Entries<T> {
    events: Vec<Event<T>>,
    reasons: Vec<String>,
}

impl<T> Log<T> {
    pub(crate) fn push(&self, event: Event<T>) {
        self.entries().events.push(event);
    }

    /// Remembers the error that an abort was called with.
    pub(crate) fn push_reason(&self, reason: String) {
        self.entries().reasons.push(reason);
    }

    /// How many events this is true of.
    pub fn count_where(&self, is: impl Fn(&Event<T>) -> bool) -> usize {
        self.entries().events.iter().filter(|event| is(event)).count()
    }

    /// Whether this is true of the latest event.
    pub(crate) fn ends_with(&self, is: impl Fn(&Event<T>) -> bool) -> bool {
        self.entries().events.last().is_some_and(is)
    }

    /// What the aborts were called with.
    pub fn reasons(&self) -> Vec<String> {
        self.entries().reasons.clone()
    }

    /// A panic of a scripted part leaves nothing half-done here.
    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Log<T> {
    /// All events, in the order they happened.
    pub fn events(&self) -> Vec<Event<T>> {
        self.entries().events.clone()
    }

    /// The chunks that were written.
    pub fn written(&self) -> Vec<T> {
        let entries = self.entries();
        let written = entries.events.iter().filter_map(|event| match event {
            Event::Write(chunk) => Some(chunk.clone()),
            _ => None,
        });
        written.collect()
    }
}

impl<T: PartialEq> Log<T> {
    /// How often it happened.
    pub fn count(&self, event: Event<T>) -> usize {
        self.count_where(|one| *one == event)
    }

    /// Where it happened first.
    pub fn position(&self, event: Event<T>) -> Option<usize> {
        self.entries().events.iter().position(|one| *one == event)
    }
}

impl<T: fmt::Debug> Log<T> {
    /// The calls of the destination, in words: `open, write 1, flush, finish`.
    pub fn calls(&self) -> String {
        let entries = self.entries();
        let calls = entries.events.iter().filter_map(|event| match event {
            Event::Open => Some("open".to_owned()),
            Event::Write(chunk) => Some(format!("write {chunk:?}")),
            Event::Flush => Some("flush".to_owned()),
            Event::Finish => Some("finish".to_owned()),
            Event::Abort => Some("abort".to_owned()),
            _ => None,
        });
        calls.collect::<Vec<_>>().join(", ")
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Entries { events: Vec::new(), reasons: Vec::new() })))
    }
}
