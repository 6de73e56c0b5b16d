//! The suite for any machine.

use std::fmt::Debug;

use highwater_core::operators::Chain;
use highwater_core::operators::Map;
use highwater_core::{Error, Transform};

use super::check::check;
use super::gauged::Gauged;
use super::judge::{given, released};
use super::piped;
use crate::cuts::points;
use crate::drive::{drive_past_release, drive_writing_first};
use crate::script::cues;
use crate::{Case, Cue, Outcome, drive};

/// Runs a machine through everything that a pipeline may do to it. `make` makes a new one for every run.
///
/// Checked by hand, without a stream, for each case:
///
/// - it gives what the case says, and fails as the case says;
/// - it gives nothing after `None`, however often it is read, and what is done stays done;
/// - it does the same when a chunk is written before it was ever read;
/// - when the input fails behind any chunk, it releases what the case says, and can go on behind that;
/// - it can be dropped behind any chunk;
/// - it copes with an input without chunks, and holds no more than the case allows;
/// - [`Chain`] with an identity on either side gives the same.
///
/// And in a pipeline, on an executor that polls only what was woken:
///
/// - the same outputs and the same error with `Pending` between the chunks, with polls for no reason, with another waker
///   at each poll, and with each `next` dropped while it waits;
/// - no poll that was not woken, and none too many;
/// - an error of the input comes behind what is released, wherever it comes;
/// - nothing comes after the end or the error; the source is not read then, and is dropped before, once: with the chunk
///   after which the machine is done.
///
/// Call it from a plain `#[test]`; a machine on bytes has [`conformance_bytes`](crate::conformance_bytes).
///
/// # Panics
///
/// Something of this does not hold. The message says what, for which case.
///
/// # Examples
///
/// ```
/// use highwater_core::{Error, Result, Transform};
/// use highwater_test::{Case, conformance};
///
/// /// Gives the sum of every two numbers; an odd one out is an error.
/// #[derive(Default)]
/// struct Sums(Option<u32>);
///
/// impl Transform for Sums {
///     type Input = u32;
///     type Output = u32;
///
///     fn write(&mut self, number: u32) -> Result<Option<u32>> {
///         match self.0.take() {
///             Some(first) => Ok(Some(first + number)),
///             None => {
///                 self.0 = Some(number);
///                 Ok(None)
///             }
///         }
///     }
///
///     fn end(&mut self) -> Result<()> {
///         if self.0.is_some() { Err(Error::truncated("one number is left")) } else { Ok(()) }
///     }
/// }
///
/// conformance(Sums::default, [
///     Case::new([1, 2, 3, 4]).gives([3, 7]),
///     Case::new([1, 2, 3]).gives([3]).fails(Error::is_truncated),
/// ]);
/// ```
///
/// A machine that loses its last item, because it forgets the end:
///
/// ```should_panic
/// # use highwater_core::{Result, Transform};
/// use highwater_test::{Case, conformance};
///
/// /// Gives each number one chunk late.
/// #[derive(Default)]
/// struct Late(Option<u32>);
///
/// impl Transform for Late {
///     type Input = u32;
///     type Output = u32;
///
///     fn write(&mut self, number: u32) -> Result<Option<u32>> {
///         Ok(self.0.replace(number))
///     }
/// }
///
/// conformance(Late::default, [Case::new([1, 2, 3]).gives([1, 2, 3])]);
/// ```
#[track_caller]
pub fn conformance<M>(
    make: impl Fn() -> M,
    cases: impl IntoIterator<Item = Case<M::Input, M::Output>>,
) where
    M: Transform,
    M::Input: Clone,
    M::Output: PartialEq + Debug + 'static,
{
    let cases: Vec<_> = cases.into_iter().collect();
    assert!(!cases.is_empty(), "a suite without cases shows nothing");
    check("an input without chunks", || {
        drive(&mut make(), []);
        Ok(())
    });
    for (index, case) in cases.iter().enumerate() {
        let subject = Subject { make: &make, case, name: case.describe(index) };
        let takes = case.takes.unwrap_or(case.input.len());
        subject.by_hand(&case.input, takes);
        subject.in_every_way(&case.input, takes);
        for k in points(case.input.len()) {
            subject.broken_off(&case.input, k, k, k == case.input.len());
        }
    }
}

/// A machine, and what must come of it.
pub(super) struct Subject<'a, M: Transform, F> {
    pub(super) make: &'a F,
    pub(super) case: &'a Case<M::Input, M::Output>,
    /// Which case it is, and how its input is cut.
    pub(super) name: String,
}

impl<M, F> Subject<'_, M, F>
where
    M: Transform,
    M::Input: Clone,
    M::Output: PartialEq + Debug + 'static,
    F: Fn() -> M,
{
    /// Drives it by hand over these chunks, of which it wants so many; gives its error.
    #[track_caller]
    pub(super) fn by_hand(&self, chunks: &[M::Input], takes: usize) -> Option<Error> {
        let mut error = None;
        check(format_args!("what it gives ({})", self.name), || {
            let outcome = drive(&mut (self.make)(), cues(chunks));
            given(self.case, &outcome, takes, chunks.len())?;
            error = outcome.error;
            Ok(())
        });
        error
    }

    /// All checks but those that need to know what the chunks are.
    #[track_caller]
    pub(super) fn in_every_way(&self, chunks: &[M::Input], takes: usize) {
        let (name, make) = (&self.name, self.make);
        let plain = drive(&mut make(), cues(chunks));
        let judge = |outcome: &Outcome<_>| given(self.case, outcome, takes, chunks.len());
        check(format_args!("a chunk written before anything was read ({name})"), || {
            judge(&drive_writing_first(&mut make(), cues(chunks)))
        });
        check(format_args!("in front of an identity, as a `Chain` ({name})"), || {
            judge(&drive(&mut Chain::new(make(), Map::new(|output| output)), cues(chunks)))
        });
        check(format_args!("behind an identity, as a `Chain` ({name})"), || {
            judge(&drive(&mut Chain::new(Map::new(|chunk| chunk), make()), cues(chunks)))
        });
        if let Some(bound) = &self.case.bound {
            check(format_args!("what it holds ({name})"), || {
                drive(&mut Gauged::new(make, bound), cues(chunks));
                Ok(())
            });
        }
        piped::check_all(make, cues(chunks), &plain, name);
        piped::check_drops(make, cues(chunks), name);
    }

    /// The input fails, or nobody reads on, behind so many chunks; `taken` is what the case counts.
    #[track_caller]
    pub(super) fn broken_off(&self, chunks: &[M::Input], k: usize, taken: usize, last: bool) {
        let (name, make) = (&self.name, self.make);
        let failing = || cues(&chunks[..k]).chain([Cue::Error]);
        let place = format!("behind {k} of {} chunks", chunks.len());
        check(format_args!("dropped {place} ({name})"), || {
            let mut machine = make();
            drive(&mut machine, cues(&chunks[..k]).chain([Cue::Forever]));
            drop(machine);
            Ok(())
        });
        let mut outcome = None;
        check(format_args!("an error of the input {place} ({name})"), || {
            let broken = drive(&mut make(), failing());
            let result = released(self.case, &broken, taken, last);
            outcome = Some(broken);
            result
        });
        let Some(outcome) = outcome else { return };
        let what = format!("{name}, with an error of the input {place}");
        piped::check_all(make, failing(), &outcome, &what);
        check(format_args!("going on after a release {place} ({name})"), || {
            let rest = chunks[k..].iter().cloned();
            let outcome = drive_past_release(&mut make(), chunks[..k].iter().cloned(), rest);
            match (&outcome.error, &self.case.fails) {
                (Some(error), None) => Err(format!("it fails: {error}")),
                _ => Ok(()),
            }
        });
    }
}
