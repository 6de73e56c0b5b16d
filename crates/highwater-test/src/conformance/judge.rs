//! Whether what came out is what the case says.

use std::fmt::Debug;

use crate::case::{Releases, shorten};
use crate::script::SOURCE_FAILED;
use crate::{Case, Outcome};

/// After an input that ended. Of the `of` chunks it wants `takes`.
pub(super) fn given<I, O: Debug>(
    case: &Case<I, O>,
    outcome: &Outcome<O>,
    takes: usize,
    of: usize,
) -> Result<(), String> {
    match (&outcome.error, &case.fails) {
        (Some(error), None) => return Err(format!("it fails: {error}")),
        (None, Some(_)) => {
            let given = shorten(&outcome.outputs);
            return Err(format!("it does not fail where it must; it gives {given}"));
        }
        (Some(error), Some(right)) if !right(error) => {
            return Err(format!("it fails with the wrong error: {error:?}"));
        }
        _ => {}
    }
    (case.gives)(&outcome.outputs)?;
    if outcome.error.is_some() {
        return Ok(());
    }
    let taken = outcome.taken;
    match case.takes {
        None if outcome.done && taken < of => Err(format!(
            "it wants no more after {taken} of {of} chunks; the case says `takes` if that is meant"
        )),
        Some(_) if !outcome.done => {
            Err(format!("it wants more after {taken} chunks, where it should be done"))
        }
        Some(_) if taken != takes => {
            Err(format!("it takes {taken} chunks until it is done, and not {takes}"))
        }
        _ => Ok(()),
    }
}

/// After an input that failed. `taken` is what the case counts by, `last` whether that was all of it.
pub(super) fn released<I, O: Debug>(
    case: &Case<I, O>,
    outcome: &Outcome<O>,
    taken: usize,
    last: bool,
) -> Result<(), String> {
    let upstream = outcome.error.as_ref().is_some_and(|error| error.to_string() == SOURCE_FAILED);
    if !upstream {
        // It had failed by itself, or wants no more, before that.
        return Ok(());
    }
    match &case.releases {
        Releases::Nothing if !outcome.last().is_empty() => {
            let given = shorten(outcome.last());
            Err(format!("it releases {given}; the case says `releases` if that is whole"))
        }
        Releases::Last(right) if last => {
            right(outcome.last()).map_err(|why| format!("of what it releases: {why}"))
        }
        Releases::Where(right) if !right(taken, &outcome.outputs) => {
            let given = shorten(&outcome.outputs);
            Err(format!("what it gave until then is wrong: {given}"))
        }
        Releases::Nothing | Releases::Last(_) | Releases::Where(_) => Ok(()),
    }
}
