//! The sources of core, and those made of others: I2, I17, I38.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{pending, ready};

use bytes::Bytes;
use highwater::text::TextExt;
use highwater::{CancellationToken, Error, HighWaterMark, Readable, mux, pass_through};
use highwater_test::{Case, Cue, Log, Script, Tokens, conformance_source, conformance_source_fed};

/// Gives these numbers, waits before each, and fails if it is told to.
fn script(numbers: &[u32], fails: bool) -> Readable<Script<u32>> {
    let paused = numbers.iter().flat_map(|number| [Cue::Pending, Cue::Chunk(*number)]);
    Script::new(&Log::default(), paused.chain(fails.then_some(Cue::Error))).readable()
}

fn gives<T: Debug + PartialEq + 'static>(
    chunks: impl IntoIterator<Item = T>,
) -> Case<Infallible, T> {
    Case::source().gives(chunks)
}

fn failed(error: &Error) -> bool {
    error.to_string().starts_with("source failed")
}

#[test]
fn sources_of_iterators_conform() {
    conformance_source(|| Readable::from_iter(0..5), gives(0..5).waits_at_most(0));
    conformance_source(|| Readable::once(7), gives([7]).waits_at_most(0));
    conformance_source(Readable::empty, gives::<u32>([]).waits_at_most(0));
    let tokens = Tokens::new();
    let gauge = tokens.clone();
    let make = || {
        let tokens = tokens.clone();
        Readable::from_iter((0..100).map(move |number| tokens.token(number)))
    };
    let held = Case::source().gives(0..100).holds_at_most(0, move || gauge.alive());
    conformance_source(make, held);
}

#[test]
fn sources_of_streams_conform() {
    let stream = || Readable::from_stream(futures::stream::iter(0..5));
    conformance_source(stream, gives(0..5).waits_at_most(0));
    // It is not `Unpin`.
    let unfold = || {
        Readable::from_stream(futures::stream::unfold(0, |n| async move {
            highwater_test::pend(1).await;
            (n < 3).then_some((n, n + 1))
        }))
    };
    conformance_source(unfold, gives(0..3).waits_at_most(4));
    let results =
        || Readable::from_results(futures::stream::iter([Ok(1), Err(Error::aborted()), Ok(2)]));
    conformance_source(results, gives([1]).fails(Error::is_aborted));
}

/// I2, I17, I38: by every way to read, with nothing behind the end.
#[test]
fn combined_sources_conform() {
    let both = |fails| move || script(&[1, 2], fails).chain(Readable::from_iter([3]));
    conformance_source(both(false), gives([1, 2, 3]).waits_at_most(2));
    conformance_source(both(true), gives([1, 2]).fails(failed));
    let pairs = |fails| move || script(&[1, 2, 3], false).zip(script(&[4, 5], fails));
    conformance_source(pairs(false), gives([(1, 4), (2, 5)]).waits_at_most(5));
    conformance_source(pairs(true), gives([(1, 4), (2, 5)]).fails(failed));
    let flat = || Readable::from_iter([script(&[1], false), script(&[2, 3], true)]).flatten();
    conformance_source(flat, gives([1, 2, 3]).fails(failed));
    let later = || {
        script(&[1, 2], false).then(|x| async move {
            highwater_test::pend(1).await;
            Ok(10 * x)
        })
    };
    conformance_source(later, gives([10, 20]).waits_at_most(4));
}

/// I2, I38: an error comes in its place, and nothing behind it.
#[test]
fn sources_that_stop_or_fail_early_conform() {
    let until = || script(&[1, 2], true).take_until(ready(()));
    conformance_source(until, gives::<u32>([]));
    let never = || script(&[1, 2], true).take_until(pending::<()>());
    conformance_source(never, gives([1, 2]).fails(failed));
    let clean = || script(&[1, 2], true).until_error(|_| ());
    conformance_source(clean, gives([1, 2]));
    let token = CancellationToken::new();
    token.cancel();
    let aborted = || script(&[1, 2], false).abort_on(token.clone());
    conformance_source(aborted, gives::<u32>([]).fails(Error::is_aborted));
    let running = || script(&[1, 2], false).abort_on(CancellationToken::new());
    conformance_source(running, gives([1, 2]));
    let panics = || script(&[1, 2], false).inspect(|x| assert!(*x < 2, "it is two")).catch_unwind();
    conformance_source(panics, gives([1]).fails(Error::is_panic));
}

#[test]
fn sources_with_a_machine_behind_conform() {
    let even = || script(&[1, 2, 3, 4], true).filter(|x| x % 2 == 0).map(|x| x / 2);
    conformance_source(even, gives([1, 2]).fails(failed).waits_at_most(4));
    conformance_source(|| Readable::from_iter(0..9).take(3), gives([0, 1, 2]).waits_at_most(0));
    let boxed = || Readable::from_iter(0..9).skip(6).boxed();
    conformance_source(boxed, gives([6, 7, 8]));
}

/// Inputs take turns.
#[test]
fn a_merge_conforms() {
    let steady = || mux::merge([Readable::from_iter(vec![1, 2, 3]), Readable::from_iter(vec![10])]);
    conformance_source(steady, gives([1, 10, 2, 3]).waits_at_most(0));
    let paused = |fails| move || mux::merge([script(&[1, 2], fails), script(&[10], false)]);
    let sorted = |given: &[u32]| {
        let mut given = given.to_vec();
        given.sort_unstable();
        given == [1, 2, 10]
    };
    conformance_source(paused(false), Case::source().gives_where(sorted));
    conformance_source(paused(true), Case::source().gives_where(sorted).fails(failed));
}

#[test]
fn buffers_conform() {
    let full = || {
        let (writable, readable) = pass_through(HighWaterMark::items(9));
        for number in 0..9 {
            assert!(writable.write(number).is_ok());
        }
        writable.end();
        readable
    };
    conformance_source(full, gives(0..9).waits_at_most(0));
    for mark in [1, 3] {
        let make = |fails: bool| {
            move || {
                let (writable, readable) = pass_through(HighWaterMark::items(mark));
                let feed = async move {
                    for number in 0..9 {
                        if writable.send(number).await.is_err() {
                            return;
                        }
                    }
                    if fails { writable.fail(Error::corrupt("no more")) } else { writable.end() }
                };
                (readable, feed)
            }
        };
        conformance_source_fed(make(false), gives(0..9));
        conformance_source_fed(make(true), gives(0..9).fails(Error::is_corrupt));
    }
}

#[test]
fn the_rest_of_binary_data_conforms() {
    let chunks = || Readable::from_iter(["ab", "", "cd"].map(Bytes::from));
    let rest = || chunks().binary().into_readable();
    conformance_source(rest, Case::source().gives_joined("abcd"));
}
