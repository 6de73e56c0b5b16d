//! Each operator gives what the iterator method of its name gives, with pauses between all chunks.

use highwater_core::{Error, Readable};
use proptest::prelude::*;

use crate::support::{given, pend, quiet, scripts, values};

proptest! {
    #[test]
    fn map(steps in scripts()) {
        let expected: Vec<_> = values(&steps).map(|x| x.to_string()).collect();
        prop_assert_eq!(given(quiet(&steps).map(|x| x.to_string())), expected);
    }

    #[test]
    fn try_map(steps in scripts()) {
        let expected: Vec<_> = values(&steps).map(|x| x + 1).collect();
        prop_assert_eq!(given(quiet(&steps).try_map(|x| Ok(x + 1))), expected);
    }

    #[test]
    fn filter(steps in scripts(), by in 1..4_u32) {
        let expected: Vec<_> = values(&steps).filter(|x| x % by == 0).collect();
        prop_assert_eq!(given(quiet(&steps).filter(|x| x % by == 0)), expected);
    }

    #[test]
    fn filter_map(steps in scripts(), less in 0..20_u32) {
        let expected: Vec<_> = values(&steps).filter_map(|x| x.checked_sub(less)).collect();
        prop_assert_eq!(given(quiet(&steps).filter_map(|x| x.checked_sub(less))), expected);
    }

    /// N163, N101: in input order, and inputs that give nothing do not stall it.
    #[test]
    fn flat_map(steps in scripts()) {
        let expected: Vec<_> = values(&steps).flat_map(|x| 0..x % 4).collect();
        prop_assert_eq!(given(quiet(&steps).flat_map(|x| 0..x % 4)), expected);
    }

    #[test]
    fn inspect(steps in scripts()) {
        let mut seen = Vec::new();
        let passed = given(quiet(&steps).inspect(|x| seen.push(*x)));
        prop_assert_eq!(&passed, &values(&steps).collect::<Vec<_>>());
        prop_assert_eq!(seen, passed);
    }

    #[test]
    fn take(steps in scripts(), n in 0..30_usize) {
        let expected: Vec<_> = values(&steps).take(n).collect();
        prop_assert_eq!(given(quiet(&steps).take(n)), expected);
    }

    #[test]
    fn skip(steps in scripts(), n in 0..30_usize) {
        let expected: Vec<_> = values(&steps).skip(n).collect();
        prop_assert_eq!(given(quiet(&steps).skip(n)), expected);
    }

    #[test]
    fn take_while(steps in scripts(), most in 0..20_u32) {
        let expected: Vec<_> = values(&steps).take_while(|x| *x < most).collect();
        prop_assert_eq!(given(quiet(&steps).take_while(|x| *x < most)), expected);
    }

    #[test]
    fn skip_while(steps in scripts(), most in 0..20_u32) {
        let expected: Vec<_> = values(&steps).skip_while(|x| *x < most).collect();
        prop_assert_eq!(given(quiet(&steps).skip_while(|x| *x < most)), expected);
    }

    #[test]
    fn scan(steps in scripts(), most in 0..100_u32) {
        let sum = |sum: &mut u32, x: u32| {
            *sum += x;
            Some(*sum).filter(|sum| *sum < most)
        };
        let expected: Vec<_> = values(&steps).scan(0, sum).collect();
        prop_assert_eq!(given(quiet(&steps).scan(0, sum)), expected);
    }

    #[test]
    fn enumerate(steps in scripts()) {
        let expected: Vec<_> = (0_u64..).zip(values(&steps)).collect();
        prop_assert_eq!(given(quiet(&steps).enumerate()), expected);
    }

    #[test]
    fn chunks(steps in scripts(), n in 1..6_usize) {
        let all: Vec<_> = values(&steps).collect();
        let expected: Vec<_> = all.chunks(n).map(<[u32]>::to_vec).collect();
        prop_assert_eq!(given(quiet(&steps).chunks(n)), expected);
    }

    /// N154, N98: in order, and never two at a time.
    #[test]
    fn then(steps in scripts(), pauses in 0..3_usize) {
        let working = std::cell::Cell::new(0);
        let readable = quiet(&steps).then(|x| {
            let working = &working;
            async move {
                working.set(working.get() + 1);
                pend(pauses).await;
                let alone = working.replace(working.get() - 1) == 1;
                if alone { Ok(x + 1) } else { Err(Error::msg("two at a time")) }
            }
        });
        prop_assert_eq!(given(readable), values(&steps).map(|x| x + 1).collect::<Vec<_>>());
    }

    #[test]
    fn chain(first in scripts(), second in scripts()) {
        let expected: Vec<_> = values(&first).chain(values(&second)).collect();
        prop_assert_eq!(given(quiet(&first).chain(quiet(&second))), expected);
    }

    #[test]
    fn zip(first in scripts(), second in scripts()) {
        let expected: Vec<_> = values(&first).zip(values(&second)).collect();
        prop_assert_eq!(given(quiet(&first).zip(quiet(&second))), expected);
    }

    /// The chunks of the polls before the future is ready. It is asked first.
    #[test]
    fn take_until(steps in scripts(), polls in 0..30_usize) {
        let expected: Vec<_> = values(&steps[..polls.min(steps.len())]).collect();
        prop_assert_eq!(given(quiet(&steps).take_until(pend(polls))), expected);
    }

    #[test]
    fn transform(steps in scripts(), copies in 0..4_usize) {
        let expected: Vec<_> =
            values(&steps).flat_map(|x| std::iter::repeat_n(x, copies)).collect();
        let readable = quiet(&steps).transform((), |(), x, out| {
            for _ in 0..copies {
                out.push(x);
            }
            Ok(())
        });
        prop_assert_eq!(given(readable), expected);
    }

    /// A type that is forgotten, a pin and a loan change nothing.
    #[test]
    fn boxed_pinned_and_by_ref(steps in scripts(), n in 0..10_usize) {
        let expected: Vec<_> = values(&steps).collect();
        prop_assert_eq!(&given(quiet(&steps).boxed()), &expected);
        prop_assert_eq!(&given(quiet(&steps).pinned()), &expected);
        let mut all = quiet(&steps).map(|x| x);
        let mut parts = given(all.by_ref().take(n));
        prop_assert_eq!(parts.len(), n.min(expected.len()));
        parts.extend(given(all));
        prop_assert_eq!(parts, expected);
    }
}

/// N164: one chunk and none at all are ordinary streams.
#[test]
fn once_and_empty() {
    assert_eq!(given(Readable::once(7)), [7]);
    assert_eq!(given(Readable::<highwater_core::source::Once<u32>>::empty()), [0_u32; 0]);
}

/// A group of none would never be full.
#[test]
#[should_panic(expected = "groups of 0 chunks")]
fn chunks_of_zero_are_refused() {
    drop(quiet(&[]).chunks(0));
}
