//! Windows beside the plain question which items are in them.

use std::time::Duration;

use highwater_core::stage::Step;
use highwater_core::{TimedTransform, Transform};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Clock, Event, Given, ending};
use crate::{CountWindow, Late, Window, Windowed};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Windows that gather their items, `across` steps long.
fn gathering(step: u64, across: u64) -> Window<(u64, u32), Vec<u32>> {
    let add = |all: &mut Vec<u32>, item: (u64, u32)| all.push(item.1);
    if across == 1 {
        return Window::tumbling(millis(step), Vec::new, add);
    }
    let merge = |all: &mut Vec<u32>, later: &Vec<u32>| all.extend(later);
    Window::sliding(millis(step * across), millis(step), Vec::new, add, merge)
}

/// A window in milliseconds: start, end, items, whole.
type Shown = (u64, u64, Vec<u32>, bool);

fn shown(window: &Windowed<Vec<u32>>) -> Shown {
    assert_eq!(window.items, window.value.len() as u64);
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap();
    (millis(window.start), millis(window.end), window.value.clone(), window.whole)
}

fn all_shown(given: &Given<Windowed<Vec<u32>>>) -> Vec<(u64, Shown)> {
    given.0.iter().map(|(at, window)| (*at, shown(window))).collect()
}

/// All windows that hold any of these items, told by their times; those are whole that end up to `reached`.
fn oracle(times: &[(u64, u32)], step: u64, across: u64, reached: u64) -> Vec<Shown> {
    let last = times.iter().map(|(at, _)| at / step + across).max().unwrap_or(0);
    let windows = (1..=last).map(|n| {
        let (start, end) = ((n * step).saturating_sub(across * step), n * step);
        let mut inside: Vec<_> =
            times.iter().filter(|(at, _)| (start..end).contains(at)).copied().collect();
        // By step, and as they came within one.
        inside.sort_by_key(|(at, _)| at / step);
        let items = inside.into_iter().map(|(_, item)| item).collect();
        (start, end, items, end <= reached)
    });
    windows.filter(|(_, _, items, _): &Shown| !items.is_empty()).collect()
}

fn ascending() -> impl Strategy<Value = Vec<(u64, u32)>> {
    vec(prop_oneof![2 => 0..4_u64, 1 => 5..60_u64], 1..30).prop_map(|gaps| {
        let mut at = 0;
        (0..)
            .zip(gaps)
            .map(|(n, gap)| {
                at += gap;
                (at, n)
            })
            .collect()
    })
}

proptest! {
    /// By arrival, a window has the items of its time, is given at its end, and says whether it was over.
    #[test]
    fn windows_of_arrival_have_the_items_of_their_time(
        arrivals in ascending(), step in 1..30_u64, across in 1..5_u64, idle in 0..100_u64,
    ) {
        let first = arrivals[0].0;
        let end = arrivals.last().unwrap().0 + idle;
        let events: Vec<_> = arrivals.iter().map(|(at, n)| (*at, (*at, *n))).collect();
        let given = Clock::new().run(&mut gathering(step, across), ending(&events, end));
        let times: Vec<_> = arrivals.iter().map(|(at, n)| (at - first, *n)).collect();
        let expected = oracle(&times, step, across, end - first);
        let at = |window: &Shown| (first + window.1).min(end);
        let expected: Vec<_> = expected.into_iter().map(|window| (at(&window), window)).collect();
        prop_assert_eq!(all_shown(&given), expected);
    }

    /// With the time of the items, order does not matter within the lateness.
    #[test]
    fn windows_of_items_out_of_order_are_those_of_items_in_order(
        times in ascending(), late in vec(0..20_u64, 30), step in 1..30_u64, across in 1..5_u64,
    ) {
        // Each item may come up to 20 ms behind its time: sorted by time plus delay.
        let mut shuffled = times.clone();
        shuffled.sort_by_key(|(at, n)| at + late[*n as usize]);
        let events: Vec<_> = shuffled.iter().map(|item| (0, *item)).collect();
        let mut window = gathering(step, across)
            .with_time_of(|item: &(u64, u32)| millis(item.0))
            .with_lateness(millis(20));
        let counts = window.counts();
        let given = Clock::new().run(&mut window, ending(&events, 0));
        prop_assert_eq!(counts.late(), 0);
        let newest = times.iter().map(|(at, _)| *at).max().unwrap();
        let windows: Vec<_> = all_shown(&given).into_iter().map(|(_, window)| window).collect();
        prop_assert_eq!(windows, oracle(&shuffled, step, across, newest.saturating_sub(20)));
    }

    /// Late items are left out and counted, exactly those whose last window was over, and the others are all there.
    #[test]
    fn late_items_are_those_whose_windows_are_over(
        times in vec(0..100_u64, 1..40), step in 1..20_u64, across in 1..4_u64, lateness in 0..30_u64,
    ) {
        let times: Vec<_> = times.into_iter().zip(0_u32..).collect();
        let (mut newest, mut kept) = (0_u64, Vec::new());
        for &(at, n) in &times {
            if (at / step + across) * step > newest.saturating_sub(lateness) / step * step {
                kept.push((at, n));
            }
            newest = newest.max(at);
        }
        let mut window = gathering(step, across)
            .with_time_of(|item: &(u64, u32)| millis(item.0))
            .with_lateness(millis(lateness))
            .on_late(Late::Skip);
        let counts = window.counts();
        let events: Vec<_> = times.iter().map(|item| (0, *item)).collect();
        let given = Clock::new().run(&mut window, ending(&events, 0));
        prop_assert!(given.1.is_none());
        prop_assert_eq!(counts.late(), (times.len() - kept.len()) as u64);
        let mut all: Vec<_> = given.0.iter().flat_map(|(_, window)| window.value.clone()).collect();
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all, kept.iter().map(|(_, n)| *n).collect::<Vec<_>>());
        // Each window once, in order of their ends.
        prop_assert!(given.0.windows(2).all(|pair| pair[0].1.end < pair[1].1.end));
    }

    /// Windows of a number are `chunks` of a slice.
    #[test]
    fn windows_of_a_number_are_chunks(size in 1..9_usize, count in 0..40_u32) {
        let mut machine = CountWindow::new(size as u64, Vec::new, |all: &mut Vec<u32>, n| all.push(n));
        let mut given = Vec::new();
        for item in 0..count {
            given.extend(machine.write(item).unwrap());
            prop_assert!(machine.read().unwrap().is_none());
        }
        machine.end().unwrap();
        given.extend(machine.read().unwrap());
        prop_assert!(machine.read().unwrap().is_none());
        let all: Vec<_> = (0..count).collect();
        let mut start = 0;
        for window in &given {
            prop_assert_eq!((window.start, window.end - window.start), (start, window.items));
            prop_assert_eq!(window.whole, window.items == size as u64);
            start = window.end;
        }
        let values: Vec<_> = given.into_iter().map(|window| window.value).collect();
        prop_assert_eq!(values, all.chunks(size).map(<[u32]>::to_vec).collect::<Vec<_>>());
    }
}

/// A late item fails the stream, behind the windows that are open.
#[test]
fn a_late_item_is_an_error_behind_the_open_windows() {
    let mut window = gathering(10, 1).with_time_of(|item: &(u64, u32)| millis(item.0));
    let events = [(3, 1), (25, 2), (26, 3), (9, 4), (27, 5)].map(|item| (0, item));
    let given = Clock::new().run(&mut window, super::items(&events));
    let windows: Vec<_> = all_shown(&given).into_iter().map(|(_, window)| window).collect();
    assert_eq!(windows, [(0, 10, vec![1], true), (20, 30, vec![2, 3], false)]);
    let error = given.1.unwrap();
    assert!(error.is_corrupt());
    assert_eq!(error.to_string(), "an item of 9ms is late: windows up to 26ms were given");
    assert_eq!(window.counts().late(), 1);
}

/// F58: before an upstream error the open windows are given and say so; what comes behind it is given as well.
#[test]
fn a_failing_input_gives_what_is_open() {
    let events = [
        (0, Event::Item((0, 1))),
        (12, Event::Item((0, 2))),
        (13, Event::Fail),
        (14, Event::Item((0, 3))),
        (40, Event::End),
    ];
    let given = Clock::new().run(&mut gathering(10, 1), events);
    let expected = [
        (10, (0, 10, vec![1], true)),
        (13, (10, 20, vec![2], false)),
        (20, (10, 20, vec![3], true)),
    ];
    assert_eq!(all_shown(&given), expected);
}

/// C77, F29: gaps of years are passed at once, and the largest times overflow nothing.
#[test]
fn years_without_items_are_passed_at_once() {
    let year = 366 * 24 * 3600 * 1000;
    let events = [(0, 1), (year, 2), (year * 500, 3)].map(|item| (0, item));
    let mut window = gathering(1, 4).with_time_of(|item: &(u64, u32)| millis(item.0));
    let given = Clock::new().run(&mut window, ending(&events, 0));
    assert_eq!(given.0.len(), 12);

    let clock = Clock::new();
    let mut window =
        Window::tumbling(Duration::MAX, || 0, |n, _: Duration| *n += 1).with_time_of(|time| *time);
    for time in [Duration::ZERO, Duration::MAX - Duration::from_nanos(1)] {
        window.write(time, clock.at(0)).unwrap();
        assert_eq!(window.read(clock.at(0)).unwrap(), Step::NeedsInput);
    }
    window.end(clock.at(0)).unwrap();
    let Step::Output(all) = window.read(clock.at(0)).unwrap() else { panic!("it is given") };
    assert_eq!((all.items, all.end), (2, Duration::MAX));

    let mut window = Window::tumbling(Duration::MAX, || 0, |n, ()| *n += 1);
    window.write((), clock.at(0)).unwrap();
    assert_eq!(window.read(clock.at(1 << 40)).unwrap(), Step::NeedsInput);
}

#[test]
#[should_panic(expected = "whole steps")]
fn a_window_of_part_of_a_step_is_a_mistake() {
    drop(Window::sliding(millis(25), millis(10), || (), |(), _: u8| (), |(), ()| ()));
}

#[test]
#[should_panic(expected = "no length")]
fn a_step_of_nothing_is_a_mistake() {
    drop(Window::sliding(millis(25), millis(0), || (), |(), _: u8| (), |(), ()| ()));
}

#[test]
#[should_panic(expected = "no length")]
fn a_window_of_nothing_is_a_mistake() {
    drop(Window::tumbling(millis(0), || (), |(), _: u8| ()));
}

#[test]
#[should_panic(expected = "0 items")]
fn a_window_of_no_items_is_a_mistake() {
    drop(CountWindow::new(0, || (), |(), _: u8| ()));
}
