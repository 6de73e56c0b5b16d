//! Reading to the end: the answers, when they stop reading, and the limits.

use std::cell::Cell;

use bytes::Bytes;
use highwater_core::{Error, Readable, Result};
use proptest::prelude::*;

use crate::support::{Event, Log, Step, chunks_of, quiet, run_woken, script, scripts, values};

/// The result of a future that nothing outside can wake.
fn ran<F: Future>(future: F) -> F::Output {
    run_woken(future).expect("no wake-up is lost").output
}

proptest! {
    #[test]
    fn fold(steps in scripts()) {
        let text = |text: String, x: u32| format!("{text},{x}");
        let expected = values(&steps).fold(String::new(), text);
        prop_assert_eq!(ran(quiet(&steps).fold(String::new(), text)).unwrap(), expected);
    }

    #[test]
    fn reduce(steps in scripts()) {
        let mix = |a: u32, b: u32| a.wrapping_mul(31).wrapping_sub(b);
        prop_assert_eq!(ran(quiet(&steps).reduce(mix)).unwrap(), values(&steps).reduce(mix));
    }

    #[test]
    fn any(steps in scripts(), this in 0..20_u32) {
        let expected = values(&steps).any(|x| x == this);
        prop_assert_eq!(ran(quiet(&steps).any(|x| *x == this)).unwrap(), expected);
    }

    #[test]
    fn all(steps in scripts(), this in 0..20_u32) {
        let expected = values(&steps).all(|x| x != this);
        prop_assert_eq!(ran(quiet(&steps).all(|x| *x != this)).unwrap(), expected);
    }

    #[test]
    fn find(steps in scripts(), least in 0..20_u32) {
        let expected = values(&steps).find(|x| *x >= least);
        prop_assert_eq!(ran(quiet(&steps).find(|x| *x >= least)).unwrap(), expected);
    }

    #[test]
    fn count(steps in scripts()) {
        let expected = values(&steps).count() as u64;
        prop_assert_eq!(ran(quiet(&steps).count()).unwrap(), expected);
    }

    /// The limit is the most that passes, and not one more.
    #[test]
    fn to_vec_limit(steps in scripts(), limit in 0..24_usize) {
        let all: Vec<_> = values(&steps).collect();
        match ran(quiet(&steps).to_vec_limit(limit)) {
            Ok(given) => prop_assert!(given == all && all.len() <= limit),
            Err(error) => prop_assert!(error.is_limit() && all.len() > limit),
        }
        prop_assert_eq!(&ran(quiet(&steps).to_vec_unlimited()).unwrap(), &all);
        prop_assert_eq!(&ran(quiet(&steps).to_vec()).unwrap(), &all);
    }

    #[test]
    fn to_bytes_limit(steps in scripts(), limit in 0..200_usize) {
        let texts = || quiet(&steps).map(|x| Bytes::from("x".repeat(x as usize)));
        let length: usize = values(&steps).map(|x| x as usize).sum();
        match ran(texts().to_bytes_limit(limit)) {
            Ok(given) => prop_assert!(given.len() == length && length <= limit),
            Err(error) => prop_assert!(error.is_limit() && length > limit),
        }
        prop_assert_eq!(ran(texts().to_bytes_unlimited()).unwrap().len(), length);
        prop_assert_eq!(ran(texts().to_bytes()).unwrap().len(), length);
    }
}

/// I4: the bytes are those of the chunks, one behind the other.
#[test]
fn to_bytes_keeps_the_order() {
    let readable = Readable::from_iter(["ab", "", "c", "de"]);
    assert_eq!(&ran(readable.to_bytes()).unwrap()[..], b"abcde");
}

/// C41: the usual limits are those of the documentation: 1 million items, 64 MiB.
#[test]
fn the_usual_limits() {
    assert_eq!(ran(Readable::from_iter(0..1_000_000_u32).to_vec()).unwrap().len(), 1_000_000);
    let error = ran(Readable::from_iter(0..1_000_001_u32).to_vec()).unwrap_err();
    assert!(error.is_limit());
    assert_eq!(error.to_string(), "more than 1000000 items to collect");
    assert_eq!(
        ran(Readable::from_iter(0..1_000_001_u32).to_vec_unlimited()).unwrap().len(),
        1_000_001
    );

    let mebibyte = Bytes::from(vec![0; 1 << 20]);
    let mebibytes = |n| Readable::from_iter(std::iter::repeat_n(mebibyte.clone(), n));
    assert_eq!(ran(mebibytes(64).to_bytes()).unwrap().len(), 64 << 20);
    let one_more = mebibytes(64).chain(Readable::once(Bytes::from_static(b"x")));
    assert!(ran(one_more.to_bytes()).unwrap_err().is_limit());
    let one_more = mebibytes(64).chain(Readable::once(Bytes::from_static(b"x")));
    assert_eq!(ran(one_more.to_bytes_unlimited()).unwrap().len(), (64 << 20) + 1);
}

/// N159, N160: an answer stops the reading there, and the source is dropped at once although it is still open.
#[test]
fn an_answer_drops_an_open_source() {
    let steps = [Step::Chunk(1), Step::Chunk(2), Step::Forever];
    let log = Log::default();
    assert!(ran(script(&log, &steps).any(|x| *x == 2)).unwrap());
    assert!(!ran(script(&log, &steps).all(|x| *x == 1)).unwrap());
    assert_eq!(ran(script(&log, &steps).find(|x| *x == 2)).unwrap(), Some(2));
    assert!(ran(script(&log, &steps).to_vec_limit(1)).unwrap_err().is_limit());
    assert_eq!((log.count(Event::Poll), log.count(Event::SourceDropped)), (8, 4));
}

/// N159, N162 in our shape: without chunks there is no value, and no error.
#[test]
fn the_answers_of_an_empty_stream() {
    assert!(!ran(quiet(&[]).any(|_| true)).unwrap());
    assert!(ran(quiet(&[]).all(|_| false)).unwrap());
    assert_eq!(ran(quiet(&[]).find(|_| true)).unwrap(), None);
    assert_eq!(ran(quiet(&[]).reduce(|a, _| a)).unwrap(), None);
    assert_eq!(ran(quiet(&[]).fold(5, |a, _| a + 1)).unwrap(), 5);
    assert_eq!(ran(quiet(&[]).count()).unwrap(), 0);
}

/// An error before the answer is the answer, and the source is named.
#[test]
fn an_error_before_the_answer_is_the_answer() {
    let steps = [Step::Chunk(1), Step::Error];
    let errors = [
        ran(quiet(&steps).any(|x| *x == 2)).unwrap_err(),
        ran(quiet(&steps).all(|x| *x == 1)).unwrap_err(),
        ran(quiet(&steps).find(|x| *x == 2)).unwrap_err(),
        ran(quiet(&steps).reduce(|a, _| a)).unwrap_err(),
        ran(quiet(&steps).fold((), |(), _| ())).unwrap_err(),
        ran(quiet(&steps).count()).unwrap_err(),
        ran(quiet(&steps).to_vec()).unwrap_err(),
        ran(quiet(&steps).map(|x| [u8::try_from(x).unwrap()]).to_bytes()).unwrap_err(),
        ran(quiet(&steps).for_each(|_| async { Ok(()) })).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.stage(), Some("script"), "{error}");
    }
    assert!(ran(quiet(&steps).any(|x| *x == 1)).unwrap(), "the error comes behind the answer");
}

/// `for_each` is a pipeline: one chunk at a time, in order, with a report.
/// Shows I12.
#[test]
fn for_each_takes_one_at_a_time() {
    let log = std::sync::Mutex::new(Vec::new());
    let steps = chunks_of([3, 1, 2]);
    let report = ran(quiet(&steps).for_each(|x| {
        let log = &log;
        async move {
            log.lock().unwrap().push(format!("begin {x}"));
            crate::support::pend(2).await;
            log.lock().unwrap().push(format!("end {x}"));
            Ok(())
        }
    }));
    let expected = ["begin 3", "end 3", "begin 1", "end 1", "begin 2", "end 2"];
    assert_eq!(log.into_inner().unwrap(), expected);
    assert_eq!(report.unwrap().chunks_out(), 3);
}

/// A predicate may fail: its error ends the stream, behind the chunks before it.
#[test]
fn the_error_of_a_predicate_ends_the_stream() {
    fn is_even(x: &u32) -> Result<bool> {
        if *x == 3 { Err(Error::msg("three")) } else { Ok(x.is_multiple_of(2)) }
    }
    let numbers = || Readable::from_iter(1..=4_u32);
    let mut even = numbers().filter(is_even);
    assert_eq!(ran(async { even.next().await.unwrap() }).unwrap(), 2);
    let failed = ran(async { even.next().await.unwrap() }).unwrap_err();
    assert_eq!((failed.stage(), failed.chunk()), (Some("filter"), Some(2)));
    let failed = ran(numbers().skip(1).skip_while(is_even).to_vec()).unwrap_err();
    assert_eq!((failed.stage(), failed.chunk()), (Some("skip_while"), Some(1)));
    assert!(ran(numbers().take_while(is_even).to_vec()).unwrap().is_empty());
    assert_eq!(ran(numbers().find(is_even)).unwrap(), Some(2));
    assert!(ran(numbers().skip(2).any(is_even)).is_err());
    assert!(!ran(numbers().all(is_even)).unwrap());
    assert!(ran(numbers().skip(1).all(is_even)).is_err());
    let sum = |so_far: u32, x: u32| is_even(&x).map(|_| so_far + x);
    assert_eq!(ran(numbers().take(2).try_fold(0, sum)).unwrap(), 3);
    assert_eq!(ran(numbers().try_fold(0, sum)).unwrap_err().to_string(), "three");
}

/// N159: async predicates are asked one after the other, and no further than to the answer.
#[test]
fn an_async_predicate_is_asked_for_one_chunk_at_a_time() {
    let asked = Cell::new(0);
    let is_even = |x: &u32| {
        let x = *x;
        asked.set(asked.get() + 1);
        async move { if x == 9 { Err(Error::msg("nine")) } else { Ok(x.is_multiple_of(2)) } }
    };
    assert_eq!(ran(Readable::from_iter(1..6).filter_async(is_even).to_vec()).unwrap(), [2, 4]);
    asked.set(0);
    assert_eq!(ran(Readable::from_iter(1..6).find_async(is_even)).unwrap(), Some(2));
    assert_eq!(asked.get(), 2);
    assert_eq!(ran(Readable::from_iter([1, 3]).find_async(is_even)).unwrap(), None);
    assert!(ran(Readable::from_iter([9, 2]).find_async(is_even)).is_err());
    let sum = |so_far: u32, x: u32| async move { Ok(so_far + x) };
    assert_eq!(ran(Readable::from_iter(1..4).fold_async(0, sum)).unwrap(), 6);
}
