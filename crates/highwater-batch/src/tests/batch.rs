//! I61, C70–C78, F57, F58.

use std::time::Duration;

use highwater_core::stage::Step;
use highwater_core::{TimedTransform, Transform};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Clock, Event, ending, items};
use crate::{AgelessBatch, Batch};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn weighed(items: usize, weight: usize, age: u64) -> Batch<usize, fn(&usize) -> usize> {
    let weigh: fn(&usize) -> usize = |item| *item;
    Batch::new().with_max_items(items).with_max_weight(weight, weigh).with_max_age(millis(age))
}

/// What comes of weights at times, by a plain loop: each batch with the time it is given.
fn oracle(
    arrivals: &[(u64, usize)],
    (most, heaviest, age): (usize, usize, u64),
    end: u64,
) -> Vec<(u64, Vec<usize>)> {
    let mut batches: Vec<(u64, Vec<usize>)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut due = 0;
    for &(at, item) in arrivals {
        if !open.is_empty() && due <= at {
            batches.push((due, std::mem::take(&mut open)));
        }
        if !open.is_empty() && open.iter().sum::<usize>() + item > heaviest {
            batches.push((at, std::mem::take(&mut open)));
        }
        if open.is_empty() {
            due = at + age;
        }
        open.push(item);
        if open.len() == most || open.iter().sum::<usize>() >= heaviest {
            batches.push((at, std::mem::take(&mut open)));
        }
    }
    if !open.is_empty() {
        batches.push((due.min(end), open));
    }
    batches
}

/// Weights at times that ascend.
fn arrivals() -> impl Strategy<Value = Vec<(u64, usize)>> {
    let gap = prop_oneof![3 => Just(0), 3 => 1..4_u64, 1 => 5..40_u64];
    vec((gap, 0..6_usize), 0..40).prop_map(|gaps| {
        let mut at = 0;
        gaps.into_iter()
            .map(|(gap, item)| {
                at += gap;
                (at, item)
            })
            .collect()
    })
}

proptest! {
    /// I61, C70, C71, C75, C78: every batch is the one of the plain loop, and is given when that gives it.
    #[test]
    fn batches_are_those_of_a_plain_loop(
        arrivals in arrivals(),
        limits in (1..8_usize, 0..12_usize, 0..20_u64),
        idle in 0..30_u64,
    ) {
        let (most, heaviest, age) = limits;
        let end = arrivals.last().map_or(0, |last| last.0) + idle;
        let events = ending(&arrivals, end);
        let (given, error) = Clock::new().run(&mut weighed(most, heaviest, age), events);
        prop_assert!(error.is_none());
        prop_assert_eq!(given, oracle(&arrivals, limits, end));
    }

    /// I61, C72, C76: whatever the clock does, all items are given in order and once, none of the batches is empty, too
    /// long, or too heavy unless it is a single item.
    #[test]
    fn nothing_is_lost_given_twice_or_too_large(
        arrivals in arrivals(),
        (most, heaviest, age) in (1..8_usize, 0..12_usize, 0..20_u64),
        lagging in any::<bool>(),
        fails in any::<bool>(),
    ) {
        let clock = if lagging { Clock::lagging() } else { Clock::new() };
        let mut events = items(&arrivals);
        events.push((0, if fails { Event::Fail } else { Event::End }));
        let (given, _) = clock.run(&mut weighed(most, heaviest, age), events);
        let all: Vec<_> = given.iter().flat_map(|(_, batch)| batch).copied().collect();
        prop_assert_eq!(all, arrivals.iter().map(|(_, item)| *item).collect::<Vec<_>>());
        for (_, batch) in &given {
            prop_assert!((1..=most).contains(&batch.len()));
            prop_assert!(batch.iter().sum::<usize>() <= heaviest || batch.len() == 1);
        }
    }

    /// C73: given up at any moment, what was given and the remainder are what was taken.
    #[test]
    fn the_remainder_is_what_was_taken_and_not_given(
        arrivals in arrivals(),
        limits in (1..8_usize, 0..12_usize, 0..20_u64),
        idle in 0..30_u64,
    ) {
        let clock = Clock::new();
        let mut machine = weighed(limits.0, limits.1, limits.2);
        let (given, _) = clock.run(&mut machine, items(&arrivals));
        let last = clock.at(arrivals.last().map_or(0, |last| last.0));
        let mut given: Vec<_> = given.into_iter().flat_map(|(_, batch)| batch).collect();
        // Also between an output and the next look.
        if let Ok(Step::Output(batch)) = machine.read(last + millis(idle)) {
            given.extend(batch);
        }
        given.extend(machine.into_remainder());
        prop_assert_eq!(given, arrivals.iter().map(|(_, item)| *item).collect::<Vec<_>>());
    }

    /// Without an age it gives what `chunks` of a slice gives.
    #[test]
    fn without_age_and_weight_it_is_chunks(n in 1..9_usize, count in 0..40_u32) {
        let mut machine = Batch::new().with_max_items(n).unlimited_age();
        let mut given = Vec::new();
        for item in 0..count {
            given.extend(machine.write(item).unwrap());
            prop_assert!(machine.read().unwrap().is_none());
        }
        machine.end().unwrap();
        given.extend(machine.read().unwrap());
        let all: Vec<_> = (0..count).collect();
        prop_assert_eq!(given, all.chunks(n).map(<[u32]>::to_vec).collect::<Vec<_>>());
    }

    /// With a weight and without an age it gives what the plain loop gives when nothing is ever due.
    #[test]
    fn without_age_batches_are_by_number_and_weight(
        arrivals in arrivals(),
        (most, heaviest) in (1..8_usize, 0..12_usize),
    ) {
        let mut machine: AgelessBatch<usize, _> = weighed(most, heaviest, 0).unlimited_age();
        let mut given = Vec::new();
        for (_, item) in &arrivals {
            let mut output = machine.write(*item).unwrap();
            while let Some(batch) = output {
                given.push(batch);
                output = machine.read().unwrap();
            }
        }
        machine.end().unwrap();
        given.extend(machine.read().unwrap());
        let expected = oracle(&arrivals, (most, heaviest, 1 << 40), 0);
        prop_assert_eq!(given, expected.into_iter().map(|(_, batch)| batch).collect::<Vec<_>>());
    }
}

/// C70: a source that always has something does not make a batch late.
#[test]
fn a_deadline_is_kept_however_fast_the_source_is() {
    let arrivals: Vec<_> = (0..100).map(|at| (at, 0)).collect();
    let mut machine = Batch::new().unlimited_items().with_max_age(millis(10));
    let (given, _) = Clock::new().run(&mut machine, items(&arrivals));
    let times: Vec<_> = given.iter().map(|(at, batch)| (*at, batch.len())).collect();
    // Items 0 to 9 wait until 10, which comes before the item of that time.
    assert_eq!(times, (1..10).map(|n| (n * 10, 10)).collect::<Vec<_>>());
}

/// C75: the clock of a batch starts with its first item, and not with the last batch or the machine.
#[test]
fn the_first_item_after_idleness_waits_for_others() {
    let arrivals = [(0, 1), (500, 2), (501, 3), (502, 4), (900, 5)];
    let (given, _) = Clock::new().run(&mut weighed(100, 100, 10), ending(&arrivals, 2000));
    assert_eq!(given, [(10, vec![1]), (510, vec![2, 3, 4]), (910, vec![5])]);
}

/// C78: the deadline of a batch that was given by number or weight does not end the next one.
#[test]
fn a_stale_deadline_does_not_end_the_next_batch() {
    let arrivals = [(0, 1), (5, 1), (8, 1), (20, 9), (25, 4), (26, 7)];
    let (given, _) = Clock::new().run(&mut weighed(2, 10, 10), ending(&arrivals, 100));
    // 4 makes the batch of 9 too heavy and waits from 25, and 7 that of 4.
    let expected = [(5, vec![1, 1]), (18, vec![1]), (25, vec![9]), (26, vec![4]), (36, vec![7])];
    assert_eq!(given, expected);
}

/// C76, F57, I61: a deadline, an item and the end at the same moment, in each order, give every item once.
#[test]
fn a_deadline_an_item_and_the_end_at_once() {
    for lag in [Duration::ZERO, Duration::from_nanos(1), millis(1)] {
        for first_read in [false, true] {
            for then_read in [false, true] {
                let clock = Clock::new();
                let due = clock.at(10);
                let mut machine = weighed(100, 100, 10);
                let mut given = Vec::new();
                let mut take = |step| {
                    if let Step::Output(batch) = step {
                        given.push(batch)
                    }
                };
                machine.write(1, clock.zero).unwrap();
                assert_eq!(
                    machine.read(due - Duration::from_nanos(1)).unwrap(),
                    Step::NeedsInputOr(due)
                );
                if first_read {
                    take(machine.read(due).unwrap());
                }
                assert_eq!(machine.write(2, due + lag).unwrap(), None);
                if then_read {
                    take(machine.read(due + lag).unwrap());
                }
                machine.end(due + lag).unwrap();
                take(machine.read(due + lag).unwrap());
                assert_eq!(machine.read(due + lag).unwrap(), Step::NeedsInput);
                assert_eq!(given.concat(), [1, 2], "{lag:?} {first_read} {then_read}");
                assert_eq!(given.len(), if first_read { 2 } else { 1 });
            }
        }
    }
}

/// C72, I61: without items nothing is given, whatever happens, and no timer is asked for.
#[test]
fn nothing_is_given_of_nothing() {
    let clock = Clock::new();
    let mut machine: Batch<u8> = Batch::new().with_max_age(Duration::ZERO);
    assert_eq!(machine.read(clock.at(0)).unwrap(), Step::NeedsInput);
    machine.release(clock.at(5000)).unwrap();
    assert_eq!(machine.read(clock.at(5000)).unwrap(), Step::NeedsInput);
    machine.write(1, clock.at(5000)).unwrap();
    assert_eq!(machine.read(clock.at(5000)).unwrap(), Step::Output(vec![1]));
    assert_eq!(machine.read(clock.at(9000)).unwrap(), Step::NeedsInput);
    machine.end(clock.at(9000)).unwrap();
    assert_eq!(machine.read(clock.at(9000)).unwrap(), Step::NeedsInput);
    assert!(Batch::<u8>::new().into_remainder().is_empty());
}

/// C77, I61, F29: the largest numbers there are overflow nothing, and no clock is waited for that does not go so far.
#[test]
fn the_largest_limits_do_not_overflow() {
    let clock = Clock::new();
    let mut machine = weighed(usize::MAX, usize::MAX, 0).with_max_age(Duration::MAX);
    for item in [0, 1, usize::MAX - 2] {
        assert_eq!(machine.write(item, clock.at(1)).unwrap(), None);
        assert_eq!(machine.read(clock.at(1 << 40)).unwrap(), Step::NeedsInput);
    }
    let batch = machine.write(1, clock.at(1)).unwrap();
    assert_eq!(batch, Some(vec![0, 1, usize::MAX - 2, 1]));
    assert_eq!(machine.write(1, clock.at(1)).unwrap(), None);
    // Too heavy for the batch that is there, and heavy enough alone: two batches of one item.
    assert_eq!(machine.write(usize::MAX, clock.at(1)).unwrap(), Some(vec![1]));
    assert_eq!(machine.read(clock.at(1)).unwrap(), Step::Output(vec![usize::MAX]));
}

/// C74: room is made for items that come, not for those that are allowed.
#[test]
fn a_large_limit_takes_no_memory() {
    let clock = Clock::new();
    let mut machine = Batch::new().with_max_items(1 << 40).with_max_age(millis(1));
    machine.write([0_u8; 1000], clock.at(0)).unwrap();
    let Step::Output(batch) = machine.read(clock.at(1)).unwrap() else { panic!("a batch is due") };
    assert!(batch.capacity() < 16, "{}", batch.capacity());
    machine.write([0; 1000], clock.at(1)).unwrap();
    assert!(machine.into_remainder().capacity() < 16);
}

/// F58: what is held is given before an upstream error, and the machine goes on if there is more.
#[test]
fn a_failing_input_releases_what_is_held() {
    let events = [
        (0, Event::Item(1)),
        (1, Event::Item(2)),
        (2, Event::Fail),
        (3, Event::Item(3)),
        (50, Event::End),
    ];
    let (given, error) = Clock::new().run(&mut weighed(9, 99, 10), events);
    assert!(error.is_none());
    assert_eq!(given, [(2, vec![1, 2]), (13, vec![3])]);
}

/// The defaults of the documentation.
#[test]
fn defaults() {
    let clock = Clock::new();
    let mut machine = Batch::bytes();
    for _ in 0..999 {
        assert!(machine.write(vec![0_u8; 1048], clock.at(0)).unwrap().is_none());
    }
    assert_eq!(machine.read(clock.at(0)).unwrap(), Step::NeedsInputOr(clock.at(1000)));
    assert_eq!(
        machine.write(Vec::new(), clock.at(0)).unwrap().map(|batch| batch.len()),
        Some(1000)
    );
    machine.write(vec![0; (1 << 20) - 1], clock.at(0)).unwrap();
    let batch = machine.write(vec![0; 1], clock.at(0)).unwrap();
    assert_eq!(batch.map(|batch| batch.concat().len()), Some(1 << 20));
}

#[test]
#[should_panic(expected = "a batch of 0 items")]
fn a_batch_of_no_items_is_a_mistake() {
    drop(Batch::<u8>::new().with_max_items(0));
}
