//! Adding and removing inputs while a merge runs.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use highwater_core::sync::Mutex;
use highwater_core::{Error, Readable};

use super::ready::ReadyList;
use crate::lock;

/// Adds inputs to a merge, and removes them. The merge does not end before its handles are dropped.
pub struct MergeHandle<S>(Arc<RequestQueue<S>>);

/// An input of a merge, for [`MergeHandle::remove`]. It is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputId(u64);

/// An input that was not taken, and why. With `?` it becomes an [`Error`].
pub struct Refused<S> {
    error: Error,
    input: Readable<S>,
}

impl<S> MergeHandle<S> {
    pub(super) fn first(requests: Arc<RequestQueue<S>>) -> Self {
        lock(&requests.state).handles = 1;
        Self(requests)
    }

    pub(super) fn number(&self, input: Readable<S>) -> (InputId, (u64, Readable<S>)) {
        let id = lock(&self.0.state).enter();
        (InputId(id), (id, input))
    }

    /// One input more.
    ///
    /// # Errors
    ///
    /// The input comes back: [`is_limit`](Error::is_limit) with as many inputs as there may be, and
    /// [`is_premature_close`](Error::is_premature_close) when the merge has failed or was dropped.
    pub fn add(&self, input: Readable<S>) -> Result<InputId, Refused<S>> {
        let mut state = lock(&self.0.state);
        if state.over {
            return Err(Refused { error: Error::premature_close(), input });
        }
        if state.present.len() >= state.max_inputs {
            let most = state.max_inputs;
            let error = Error::limit(format!("more than {most} inputs at the same time"));
            return Err(Refused { error, input });
        }
        let id = state.enter();
        state.asked.added.push((id, input));
        drop(state);
        self.0.notify();
        Ok(InputId(id))
    }

    /// Drops an input, with what it has not given. False if it had ended, or was removed before.
    pub fn remove(&self, id: InputId) -> bool {
        let was_there = {
            let mut state = lock(&self.0.state);
            let was_there = state.present.remove(&id.0);
            if was_there {
                state.asked.removed.push(id.0);
            }
            was_there
        };
        self.0.notify();
        was_there
    }

    /// How many inputs there are that have not ended.
    pub fn inputs(&self) -> usize {
        lock(&self.0.state).present.len()
    }
}

impl<S> Clone for MergeHandle<S> {
    fn clone(&self) -> Self {
        lock(&self.0.state).handles += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<S> Drop for MergeHandle<S> {
    fn drop(&mut self) {
        lock(&self.0.state).handles -= 1;
        self.0.notify();
    }
}

impl<S> fmt::Debug for MergeHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeHandle").field("inputs", &self.inputs()).finish()
    }
}

impl<S> Refused<S> {
    /// Why.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The input, back.
    pub fn into_input(self) -> Readable<S> {
        self.input
    }
}

impl<S> From<Refused<S>> for Error {
    fn from(refused: Refused<S>) -> Self {
        refused.error
    }
}

highwater_core::debug_fields!(Refused<S>, error);

/// Where handles and merge meet.
pub(super) struct RequestQueue<S> {
    state: Mutex<State<S>>,
    ready: Arc<ReadyList>,
}

struct State<S> {
    asked: Asked<S>,
    present: HashSet<u64>,
    max_inputs: usize,
    next: u64,
    handles: usize,
    over: bool,
}

/// What the merge has to do.
pub(super) struct Asked<S> {
    pub(super) added: Vec<(u64, Readable<S>)>,
    pub(super) removed: Vec<u64>,
}

impl<S> Default for Asked<S> {
    fn default() -> Self {
        Self { added: Vec::new(), removed: Vec::new() }
    }
}

impl<S> State<S> {
    fn enter(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        self.present.insert(id);
        id
    }
}

impl<S> RequestQueue<S> {
    pub(super) fn new(max_inputs: usize, ready: Arc<ReadyList>) -> Self {
        let (asked, present) = (Asked::default(), HashSet::new());
        let state = State { asked, present, max_inputs, next: 0, handles: 0, over: false };
        Self { state: Mutex::new(state), ready }
    }

    fn notify(&self) {
        self.ready.notify(None);
    }

    /// What was asked for since the last time, and whether nobody can ask for more.
    pub(super) fn take(&self) -> (Asked<S>, bool) {
        let mut state = lock(&self.state);
        (std::mem::take(&mut state.asked), state.handles == 0)
    }

    /// An input has ended.
    pub(super) fn left(&self, id: u64) {
        lock(&self.state).present.remove(&id);
    }

    /// The merge takes no more.
    pub(super) fn close(&self) {
        let _dropped_unlocked;
        let mut state = lock(&self.state);
        state.over = true;
        state.present.clear();
        _dropped_unlocked = std::mem::take(&mut state.asked);
    }
}
