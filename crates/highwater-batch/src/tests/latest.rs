//! `Debounce` and `SampleLatest` beside plain loops.

use std::time::Duration;

use highwater_core::TimedTransform;
use highwater_core::stage::Step;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Clock, Event, ending};
use crate::{Debounce, SampleLatest};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Numbered items at times that ascend.
fn arrivals() -> impl Strategy<Value = Vec<(u64, usize)>> {
    vec(prop_oneof![2 => 0..4_u64, 1 => 5..60_u64], 0..30).prop_map(|gaps| {
        let mut at = 0;
        gaps.into_iter()
            .enumerate()
            .map(|(n, gap)| {
                at += gap;
                (at, n)
            })
            .collect()
    })
}

/// An item is given if the next one comes later than `quiet` after it, or `wait` after the first of its burst.
fn debounced(arrivals: &[(u64, usize)], quiet: u64, wait: u64, end: u64) -> Vec<(u64, usize)> {
    let mut given = Vec::new();
    let mut first = None;
    for (n, &(at, item)) in arrivals.iter().enumerate() {
        let due = (at + quiet).min(*first.get_or_insert(at) + wait);
        let next = arrivals.get(n + 1).map(|next| next.0);
        if next.is_none_or(|next| due <= next) {
            given.push((due.min(next.unwrap_or(end)), item));
            first = None;
        }
    }
    given
}

/// The last item of each period, where periods begin with the first item.
fn sampled(arrivals: &[(u64, usize)], period: u64, end: u64) -> Vec<(u64, usize)> {
    let Some(&(first, _)) = arrivals.first() else { return Vec::new() };
    let number = |at: u64| (at - first) / period;
    let mut given = Vec::new();
    for (n, &(at, item)) in arrivals.iter().enumerate() {
        let next = arrivals.get(n + 1).map(|next| number(next.0));
        if next != Some(number(at)) {
            given.push((first + (number(at) + 1) * period, item));
        }
    }
    if let Some(last) = given.last_mut() {
        last.0 = last.0.min(end);
    }
    given
}

proptest! {
    /// C70, C78: a debounced item is given after quiet, or after the longest wait, and never before.
    #[test]
    fn debounce_is_a_plain_loop(
        arrivals in arrivals(), quiet in 0..20_u64, wait in 0..50_u64, idle in 0..80_u64,
    ) {
        let end = arrivals.last().map_or(0, |last| last.0) + idle;
        let mut machine = Debounce::new(millis(quiet)).with_max_wait(millis(wait));
        let (given, _) = Clock::new().run(&mut machine, ending(&arrivals, end));
        prop_assert_eq!(given, debounced(&arrivals, quiet, wait, end));
    }

    /// Periods neither drift nor give more than one item.
    #[test]
    fn sample_is_a_plain_loop(arrivals in arrivals(), period in 1..40_u64, idle in 0..80_u64) {
        let end = arrivals.last().map_or(0, |last| last.0) + idle;
        let (given, _) = Clock::new().run(&mut SampleLatest::new(millis(period)), ending(&arrivals, end));
        prop_assert_eq!(given, sampled(&arrivals, period, end));
    }
}

/// C77: times that no clock reaches are not waited for; the end gives what is held.
#[test]
fn times_without_end() {
    let clock = Clock::new();
    let (mut debounce, mut sample) =
        (Debounce::new(Duration::MAX), SampleLatest::new(Duration::MAX));
    for item in [1, 2] {
        debounce.write(item, clock.at(5)).unwrap();
        sample.write(item, clock.at(5)).unwrap();
    }
    let late = clock.at(1 << 40);
    assert_eq!(debounce.read(late).unwrap(), Step::NeedsInput);
    assert_eq!(sample.read(late).unwrap(), Step::NeedsInput);
    debounce.end(late).unwrap();
    sample.end(late).unwrap();
    assert_eq!(debounce.read(late).unwrap(), Step::Output(2));
    assert_eq!(sample.read(late).unwrap(), Step::Output(2));
    assert_eq!(debounce.read(late).unwrap(), Step::NeedsInput);
    assert_eq!(sample.read(late).unwrap(), Step::NeedsInput);
}

/// F58: what is held comes before an upstream error, and items behind it wait for their time again.
#[test]
fn a_failing_input_releases_what_is_held() {
    let events = [(3, Event::Item(1)), (4, Event::Fail), (5, Event::Item(2)), (90, Event::End)];
    let (given, _) = Clock::new().run(&mut Debounce::new(millis(20)), events);
    assert_eq!(given, [(4, 1), (25, 2)]);
    let (given, _) = Clock::new().run(&mut SampleLatest::new(millis(20)), events);
    assert_eq!(given, [(4, 1), (23, 2)]);
}

/// An item that comes when a period is over and nobody has looked yet is the last of that period: none is left out.
#[test]
fn no_period_is_left_out_by_a_late_look() {
    let clock = Clock::new();
    let mut machine = SampleLatest::new(millis(10));
    machine.write(1, clock.at(0)).unwrap();
    machine.write(2, clock.at(11)).unwrap();
    assert_eq!(machine.read(clock.at(11)).unwrap(), Step::Output(2));
    machine.write(3, clock.at(12)).unwrap();
    assert_eq!(machine.read(clock.at(12)).unwrap(), Step::NeedsInputOr(clock.at(20)));
}

#[test]
#[should_panic(expected = "a period of 0")]
fn a_period_of_nothing_is_a_mistake() {
    let _: SampleLatest<u8> = SampleLatest::new(Duration::ZERO);
}
