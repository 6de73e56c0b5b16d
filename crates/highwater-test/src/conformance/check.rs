//! One check of a suite.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use highwater_core::Error;
use tokio::runtime::Handle;

/// Runs one check; a failure and a panic alike say which one it was.
#[track_caller]
pub(super) fn check(what: impl Display, work: impl FnOnce() -> Result<(), String>) {
    let why = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return,
        Ok(Err(why)) => why,
        Err(payload) => Error::panic(&*payload).to_string(),
    };
    panic!("not conforming: {what}\n  {why}");
}

/// A suite with a runtime of its own cannot run within another.
#[track_caller]
pub(super) fn assert_no_runtime() {
    let inside = Handle::try_current().is_ok();
    assert!(!inside, "this suite has a runtime of its own: call it from a plain `#[test]`");
}

/// An error without what depends on how the input was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    kind: &'static str,
    offset: Option<u64>,
    line: Option<u64>,
}

impl Place {
    pub(super) fn of(error: &Error) -> Self {
        let kinds = [
            (error.is_limit(), "limit"),
            (error.is_corrupt(), "corrupt"),
            (error.is_truncated(), "truncated"),
            (error.is_io(), "io"),
            (error.is_timeout(), "timeout"),
            (error.is_overflow(), "overflow"),
        ];
        let kind = kinds.into_iter().find(|(is, _)| *is).map_or("other", |(_, kind)| kind);
        Self { kind, offset: error.offset(), line: error.line() }
    }
}

/// The error of a pipeline must be the one that there was by hand.
pub(super) fn same_error(seen: Option<&Error>, by_hand: Option<&Error>) -> Result<(), String> {
    match (seen, by_hand) {
        (None, None) => Ok(()),
        (Some(one), Some(two)) if Place::of(one) == Place::of(two) && text(one) == text(two) => {
            Ok(())
        }
        (one, two) => Err(format!("its error is {one:?}\n    where it is {two:?} by hand")),
    }
}

/// The message, without the place that a pipeline adds.
fn text(error: &Error) -> String {
    error.to_string().split(" (").next().unwrap_or_default().to_owned()
}
