//! The reason why a reading end is dropped, for whoever writes to the other end.
//!
//! A stage that fails drops its source, often before its error has reached anybody. So the reading ends that are dropped
//! meanwhile are only noted here, and closed a moment later, on the same thread, when the error is known.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::error::Error;

/// A reading end that was dropped.
pub(crate) trait Dropped {
    /// Tells the writers, and ends what belongs to it.
    fn close(self: Box<Self>, error: Error);
}

type Noted = Vec<Box<dyn Dropped>>;

#[cfg(not(any(hw_loom, hw_shuttle)))]
thread_local! {
    static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
}

// The model checkers run many threads of theirs on one of the system.
#[cfg(hw_loom)]
loom::thread_local! {
    static NOTED: RefCell<Option<Noted>> = RefCell::new(None);
}

#[cfg(hw_shuttle)]
shuttle::thread_local! {
    static NOTED: RefCell<Option<Noted>> = RefCell::new(None);
}

fn replace_noted(by: Option<Noted>) -> Option<Noted> {
    NOTED.with(|noted| noted.replace(by))
}

/// Runs `work`. The reading ends that are dropped in it close with the error that `find` sees in its result. Without one,
/// the scope around this one decides; without a scope, they close prematurely.
pub(crate) fn dropped_by<R>(work: impl FnOnce() -> R, find: impl FnOnce(&R) -> Option<Error>) -> R {
    let mut scope = Scope::enter(None);
    let result = work();
    scope.error = find(&result);
    result
}

/// Runs `drop` because of an error: whoever writes to a [`Buffered`](crate::Buffered) that is dropped in it gets this
/// error instead of a premature close. For operators that drop their sources when one of them fails.
///
/// # Examples
///
/// ```
/// use highwater_core::{Error, HighWaterMark, pass_through};
/// use highwater_core::stage::dropped_for;
/// let (writable, readable) = pass_through::<u32>(HighWaterMark::items(16));
/// dropped_for(&Error::msg("no more"), || drop(readable));
/// assert_eq!(writable.write(1).unwrap_err().to_string(), "no more");
/// ```
pub fn dropped_for(error: &Error, drop: impl FnOnce()) {
    dropped_with(Some(error), drop);
}

/// Runs `drop` because of this error, if there is one.
pub(crate) fn dropped_with<R>(error: Option<&Error>, drop: impl FnOnce() -> R) -> R {
    let _scope = error.map(|error| Scope::enter(Some(error.clone())));
    drop()
}

/// A reading end is dropped: it closes now, or when the error is known.
pub(crate) fn drop_reader(reader: Box<dyn Dropped>) {
    let mut reader = Some(reader);
    // Late in the life of a thread there is no such variable any more, and no scope either.
    let _gone = NOTED.try_with(|noted| {
        if let Some(noted) = noted.borrow_mut().as_mut() {
            noted.extend(reader.take());
        }
    });
    if let Some(reader) = reader {
        reader.close(Error::premature_close());
    }
}

struct Scope {
    outer: Option<Noted>,
    error: Option<Error>,
}

impl Scope {
    fn enter(error: Option<Error>) -> Self {
        Self { outer: replace_noted(Some(Noted::new())), error }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let noted = replace_noted(self.outer.take()).unwrap_or_default();
        let mut panicked = None;
        for reader in noted {
            let close = || match &self.error {
                Some(error) => reader.close(error.clone()),
                None => drop_reader(reader),
            };
            // A chunk that panics when it is dropped must not leave the writers of the next buffer waiting.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(close)) {
                panicked.get_or_insert(payload);
            }
        }
        if let Some(payload) = panicked.filter(|_| !std::thread::panicking()) {
            resume_unwind(payload);
        }
    }
}
