//! Everything that a pipeline may do to the machines.

use std::time::Duration;

use highwater_test::{Case, conformance, conformance_timed};

use crate::{Batch, CountWindow, Debounce, Late, SampleLatest, Window};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Numbers at these times.
fn at<const N: usize>(times: [u64; N]) -> Vec<(Duration, u64)> {
    times.into_iter().zip(0..).map(|(at, n)| (ms(at), n)).collect()
}

#[test]
fn batch() {
    let make = || Batch::new().with_max_items(3).with_max_age(ms(10));
    let released = |taken: usize, given: &[(Duration, Vec<u64>)]| {
        let all = given.iter().flat_map(|(_, batch)| batch).copied();
        all.eq(0..taken as u64)
    };
    conformance_timed(
        make,
        [
            Case::new([]),
            Case::new(at([0, 1, 2, 3, 20, 40]))
                .ends_at(ms(45))
                .gives([
                    (ms(2), vec![0, 1, 2]),
                    (ms(13), vec![3]),
                    (ms(30), vec![4]),
                    (ms(45), vec![5]),
                ])
                .releases_where(released),
            Case::new(at([0, 0, 0, 0, 10, 10]))
                .with_name("an item at the deadline of the batch before")
                .gives([(ms(0), vec![0, 1, 2]), (ms(10), vec![3]), (ms(10), vec![4, 5])])
                .releases_where(released),
        ],
    );
    let weighed = || make().with_max_weight(5, |n| usize::try_from(*n).unwrap());
    conformance_timed(
        weighed,
        [Case::new(at([0, 1, 2, 3, 4, 5, 6, 50]))
            .gives([
                (ms(2), vec![0, 1, 2]),
                (ms(4), vec![3]),
                (ms(5), vec![4]),
                (ms(5), vec![5]),
                (ms(6), vec![6]),
                (ms(50), vec![7]),
            ])
            .releases_where(released)],
    );
}

#[test]
fn batch_without_age() {
    let whole = |taken: usize, given: &[Vec<usize>]| given.concat().len() == taken;
    conformance(
        || Batch::new().with_max_items(3).with_max_weight(10, |weight| *weight).unlimited_age(),
        [
            Case::new([]),
            Case::new([1, 1, 1, 9, 2, 50, 3, 10, 0, 0])
                .gives([vec![1, 1, 1], vec![9], vec![2], vec![50], vec![3], vec![10], vec![0, 0]])
                .releases_where(whole),
        ],
    );
}

#[test]
fn debounce() {
    let gives = [(ms(12), 1), (ms(40), 4), (ms(45), 5)];
    conformance_timed(
        || Debounce::new(ms(10)).with_max_wait(ms(20)),
        [
            Case::new([]),
            Case::new(at([0, 2, 20, 28, 36, 41])).ends_at(ms(45)).gives(gives).releases_where(
                |taken, given: &[(Duration, u64)]| {
                    taken == 0 || given.last().map(|(_, n)| *n) == Some(taken as u64 - 1)
                },
            ),
        ],
    );
}

#[test]
fn sample() {
    let gives = [(ms(15), 1), (ms(35), 3), (ms(45), 4), (ms(51), 6)];
    conformance_timed(
        || SampleLatest::new(ms(10)),
        [
            Case::new([]),
            Case::new(at([5, 14, 25, 30, 44, 45, 51])).gives(gives).releases_where(
                |taken, given: &[(Duration, u64)]| {
                    taken == 0 || given.last().map(|(_, n)| *n) == Some(taken as u64 - 1)
                },
            ),
        ],
    );
}

/// Numbers of items by the window's end, in milliseconds.
type Counted = (u128, u64, bool);

#[test]
fn windows_of_arrival() {
    let make = || Window::tumbling(ms(10), || 0, |n, _| *n += 1);
    let counts = |given: &[(Duration, crate::Windowed<u64>)]| -> Vec<Counted> {
        given.iter().map(|(_, w)| (w.end.as_millis(), w.value, w.whole)).collect()
    };
    conformance_timed(
        make,
        [
            Case::new([]),
            Case::new(at([3, 4, 12, 13, 50]))
                .ends_at(ms(52))
                .gives_where(move |given: &[_]| {
                    counts(given) == [(10, 3, true), (20, 1, true), (50, 1, false)]
                })
                .releases_where(move |taken, given: &[_]| {
                    counts(given).iter().map(|(_, items, _)| *items).sum::<u64>() == taken as u64
                }),
        ],
    );
}

#[test]
fn windows_of_the_time_of_items() {
    let make = || {
        Window::sliding(ms(20), ms(10), || 0, |n, _| *n += 1, |a, b| *a += *b)
            .with_time_of(|time: &u64| ms(*time))
            .with_lateness(ms(5))
            .on_late(Late::Skip)
    };
    let counts = |given: &[(Duration, crate::Windowed<u64>)]| -> Vec<Counted> {
        given.iter().map(|(_, w)| (w.end.as_millis(), w.value, w.whole)).collect()
    };
    let items = [1, 12, 9, 16, 3, 55, 54, 20, 90].map(|time| (ms(0), time));
    let expected = [
        (10, 2, true),
        (20, 5, true),
        (30, 2, true),
        (60, 2, true),
        (70, 2, true),
        (100, 1, false),
        (110, 1, false),
    ];
    conformance_timed(
        make,
        [
            Case::new([]),
            Case::new(items)
                .gives_where(move |given: &[_]| counts(given) == expected)
                .releases_where(|_, given: &[(Duration, crate::Windowed<u64>)]| {
                    given.windows(2).all(|pair| pair[0].1.end < pair[1].1.end)
                }),
        ],
    );
}

#[test]
fn windows_of_a_number() {
    conformance(
        || CountWindow::new(3, Vec::new, |all: &mut Vec<u64>, n| all.push(n)),
        [
            Case::new([]),
            Case::new(0..7)
                .gives_where(|given: &[crate::Windowed<Vec<u64>, u64>]| {
                    let values: Vec<_> = given.iter().map(|w| (w.value.len(), w.whole)).collect();
                    values == [(3, true), (3, true), (1, false)]
                })
                .releases_where(|taken, given: &[crate::Windowed<Vec<u64>, u64>]| {
                    given.iter().flat_map(|w| w.value.clone()).eq(0..taken as u64)
                }),
        ],
    );
}
