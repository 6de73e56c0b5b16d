//! The suite for a machine on bytes.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use highwater_core::Transform;

use super::check::{Place, check};
use super::transform::Subject;
use crate::cuts::{plain, points};
use crate::{Case, Seed, cuts};

/// Runs a machine on bytes through all of [`conformance`](crate::conformance), with the input of each case cut in every
/// way that finds mistakes: see [`cuts`].
///
/// Checked as well:
///
/// - how the input is cut makes no difference to what comes out, nor to the kind, the offset and the line of an error;
/// - an empty chunk changes nothing, is no end, and hurts nobody;
/// - what is kept of the chunks between two calls is no more than the machine [`max_bytes`](Transform::max_bytes), if it says so:
///   a slice of a chunk keeps the whole chunk in memory.
///
/// Cases are made by [`Case::bytes`]. If the outputs are bytes that may be cut anywhere, say so with
/// [`Case::gives_joined`].
///
/// # Panics
///
/// Something of this does not hold. The message says what, for which case, how it was cut, and the [`Seed`] of the random
/// cuts.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Result, Transform};
/// use highwater_test::{Case, conformance_bytes};
///
/// /// Bytes in upper case.
/// struct Upper;
///
/// impl Transform for Upper {
///     type Input = Bytes;
///     type Output = Bytes;
///
///     fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
///         Ok(Some(chunk.to_ascii_uppercase().into()))
///     }
/// }
///
/// conformance_bytes(|| Upper, [Case::bytes("hello").gives_joined("HELLO")]);
/// ```
///
/// A machine that counts on the borders of chunks:
///
/// ```should_panic
/// # use bytes::Bytes;
/// # use highwater_core::{Result, Transform};
/// use highwater_test::{Case, conformance_bytes};
///
/// /// The first byte of every pair.
/// struct Firsts;
///
/// impl Transform for Firsts {
///     type Input = Bytes;
///     type Output = Bytes;
///
///     fn write(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
///         Ok(Some(chunk.iter().copied().step_by(2).collect()))
///     }
/// }
///
/// conformance_bytes(|| Firsts, [Case::bytes("a1b2").gives_joined("ab")]);
/// ```
#[track_caller]
pub fn conformance_bytes<M>(
    make: impl Fn() -> M,
    cases: impl IntoIterator<Item = Case<Bytes, M::Output>>,
) where
    M: Transform<Input = Bytes>,
    M::Output: PartialEq + Debug + 'static,
{
    let cases: Vec<_> = cases.into_iter().collect();
    assert!(!cases.is_empty(), "a suite without cases shows nothing");
    let seed = Seed::fresh();
    check("an input without chunks", || {
        crate::drive(&mut make(), []);
        Ok(())
    });
    for (index, case) in cases.iter().enumerate() {
        let (input, name) = (Bytes::from(case.input.concat()), case.describe(index));
        let mut uncut = None;
        for cut in cuts(input.len(), seed) {
            let name = format!("{name}, {cut}, seed {seed}");
            by_hand(&Subject { make: &make, case, name }, &cut.chunks(&input), &mut uncut);
        }
        for cut in plain(input.len()) {
            let name = format!("{name}, {cut}");
            in_every_way(&Subject { make: &make, case, name }, &cut.chunks(&input));
        }
    }
}

/// What only needs to be looked at by hand, for every way to cut. `uncut` is where it failed the first time.
#[track_caller]
fn by_hand<M, F>(subject: &Subject<'_, M, F>, chunks: &[Bytes], uncut: &mut Option<Option<Place>>)
where
    M: Transform<Input = Bytes>,
    M::Output: PartialEq + Debug + 'static,
    F: Fn() -> M,
{
    let (make, name) = (subject.make, &subject.name);
    let error = subject.by_hand(chunks, takes(subject.case, chunks));
    let place = error.as_ref().map(Place::of);
    let same = uncut.get_or_insert_with(|| place.clone());
    check(format_args!("where it fails ({name})"), || {
        if place == *same {
            return Ok(());
        }
        Err(format!("its error is {place:?}\n    where it is {same:?} if the input is not cut"))
    });
    check(format_args!("what it keeps of its chunks ({name})"), || {
        keeps_no_more_than_it_says(make(), chunks)
    });
}

/// All the rest, for the few ways to cut that are worth it.
#[track_caller]
fn in_every_way<M, F>(subject: &Subject<'_, M, F>, chunks: &[Bytes])
where
    M: Transform<Input = Bytes>,
    M::Output: PartialEq + Debug + 'static,
    F: Fn() -> M,
{
    subject.in_every_way(chunks, takes(subject.case, chunks));
    for k in points(chunks.len()) {
        let taken = chunks[..k].iter().map(Bytes::len).sum();
        subject.broken_off(chunks, k, taken, k == chunks.len());
    }
}

/// After how many of these chunks it is done.
fn takes<O>(case: &Case<Bytes, O>, chunks: &[Bytes]) -> usize {
    let Some(bytes) = case.takes else { return chunks.len() };
    let mut taken = 0;
    let enough = chunks.iter().position(|chunk| {
        taken += chunk.len();
        taken >= bytes
    });
    match enough {
        _ if bytes == 0 => 0,
        Some(last) => last + 1,
        None => chunks.len(),
    }
}

/// Between two calls, the chunks that a machine has slices of weigh no more than it says.
fn keeps_no_more_than_it_says<M: Transform<Input = Bytes>>(
    mut machine: M,
    chunks: &[Bytes],
) -> Result<(), String> {
    let kept = Arc::new(AtomicUsize::new(0));
    for chunk in chunks {
        let chunk = Tracked::chunk(chunk, &kept);
        let Ok(mut output) = machine.write(chunk) else { return Ok(()) };
        while output.is_some() {
            // The output is dropped before the next is made: what is left belongs to the machine.
            drop(output.take());
            match machine.read() {
                Ok(next) => output = next,
                Err(_) => return Ok(()),
            }
        }
        if machine.is_done() {
            return Ok(());
        }
        let (kept, says) = (kept.load(SeqCst), machine.max_bytes());
        if says.is_some_and(|most| kept > most) {
            let says = says.unwrap_or_default();
            return Err(format!("it keeps chunks of {kept} bytes, and says that it holds {says}"));
        }
    }
    Ok(())
}

/// The memory of a chunk, counted while it is there.
struct Tracked {
    bytes: Bytes,
    kept: Arc<AtomicUsize>,
}

impl Tracked {
    fn chunk(bytes: &Bytes, kept: &Arc<AtomicUsize>) -> Bytes {
        kept.fetch_add(bytes.len(), SeqCst);
        Bytes::from_owner(Self { bytes: bytes.clone(), kept: Arc::clone(kept) })
    }
}

impl AsRef<[u8]> for Tracked {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.kept.fetch_sub(self.bytes.len(), SeqCst);
    }
}
