//! F54, F55: numbers and clocks without measure.

use std::time::Duration;

use highwater_core::TimedTransform;
use highwater_core::stage::Step;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{nanos, start};
use crate::bucket::Bucket;
use crate::line::{Line, Turn};
use crate::{Limiter, Rate, RateLimit};

/// How many of weight 1 pass at once.
fn at_once(line: &mut Line, now: std::time::Instant, most: usize) -> usize {
    let mut ticket = None;
    let passed =
        (0..most).take_while(|_| line.ask(&mut ticket, 1, now, Duration::MAX) == Turn::Pass);
    let passed = passed.count();
    line.leave(ticket);
    passed
}

fn line(rate: Rate, burst: u64) -> Line {
    let mut bucket = Bucket::new(rate);
    bucket.set_burst(burst);
    Line::new(bucket)
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// F55, C80, I60: a year of idleness, or a clock that is set forward, saves up a burst and no more.
#[test]
fn a_year_forward_saves_up_one_burst() {
    for (rate, burst) in [(Rate::per_day(1), 5), (Rate::per_second(1_000_000_000), 1000)] {
        let (mut line, zero) = (line(rate, burst), start());
        assert_eq!(at_once(&mut line, zero, 10_000), 1);
        assert_eq!(at_once(&mut line, zero + YEAR, 10_000), usize::try_from(burst).unwrap());
        assert_eq!(at_once(&mut line, zero + YEAR * 100, 10_000), usize::try_from(burst).unwrap());
    }
}

/// F55, C80, I60: a clock that is set back gives nothing away, and nobody waits until it is where it was.
#[test]
fn a_year_back_neither_gives_anything_away_nor_wedges() {
    let (mut line, zero) = (line(Rate::per_second(10), 5), start());
    let then = zero + YEAR;
    assert_eq!(at_once(&mut line, then, 100), 1);
    for back in [Duration::from_secs(2), YEAR / 2, YEAR] {
        let now = then - back;
        let mut ticket = None;
        let turn = line.ask(&mut ticket, 1, now, Duration::MAX);
        assert_eq!(turn, Turn::Wait(now + Duration::from_millis(100)), "{back:?}");
        let now = now + Duration::from_millis(100);
        assert_eq!(line.ask(&mut ticket, 1, now, Duration::MAX), Turn::Pass);
        assert_eq!(at_once(&mut line, now, 100), 0);
    }
}

/// Two threads look at the clock and ask in the other order: the time between is not counted twice.
#[test]
fn a_clock_that_is_read_in_another_order_gives_nothing_away() {
    let (mut line, zero) = (line(Rate::per_second(1000), 100), start());
    assert_eq!(at_once(&mut line, zero, 1000), 1);
    let late = zero + Duration::from_millis(50);
    let mut passed = 0;
    for _ in 0..50 {
        passed += at_once(&mut line, late, 1000);
        passed += at_once(&mut line, zero, 1000);
    }
    assert_eq!(passed, 50);
}

/// C79: more than one per nanosecond, and to the item.
#[test]
fn more_than_one_per_nanosecond() {
    for per_second in [3_000_000_000, 18_000_000_000_000_000_000_u64] {
        let per_nano = usize::try_from(per_second / 1_000_000_000).unwrap();
        let most = per_nano.min(100);
        let (mut line, zero) = (line(Rate::per_second(per_second), most as u64), start());
        assert_eq!(at_once(&mut line, zero, 1000), 1);
        for nano in 1..10 {
            assert_eq!(at_once(&mut line, zero + nanos(nano), 1000), most);
        }
    }
}

/// One per 584 years, the slowest there is: the first passes, and the second is told to ask again.
#[test]
fn one_in_all_time() {
    let rate = Rate::new(1, Duration::from_nanos(u64::MAX)).unwrap();
    let (mut machine, now) = (RateLimit::items(rate), start());
    assert_eq!(machine.write('a', now).unwrap(), Some('a'));
    assert_eq!(machine.write('b', now).unwrap(), None);
    assert_eq!(machine.read(now).unwrap(), Step::NotBefore(now + YEAR));
    assert_eq!(machine.read(now + YEAR).unwrap(), Step::NotBefore(now + YEAR * 2));
}

/// C80: what is saved up is a burst, at the start as well if that is asked for, and nothing otherwise.
#[test]
fn a_burst_is_saved_up_at_the_start_if_asked_for() {
    let passed = |limiter: Limiter| {
        let (mut machine, now) = (RateLimit::items(limiter), start());
        (0..100).take_while(|n| machine.write(*n, now).unwrap().is_some()).count()
    };
    assert_eq!(passed(Limiter::new(Rate::per_second(1)).with_burst(7)), 1);
    assert_eq!(passed(Limiter::new(Rate::per_second(1)).with_burst(7).saved_up()), 7);
    assert_eq!(passed(Limiter::new(Rate::per_second(1)).saved_up().with_burst(7)), 7);
    assert_eq!(passed(Limiter::new(Rate::per_second(100)).saved_up()), 6);
}

/// A change of the rate or of the burst saves nothing up and forgives nothing.
#[test]
fn a_change_leaves_what_has_passed() {
    let (mut line, zero) = (line(Rate::per_second(10), 10), start());
    assert_eq!(at_once(&mut line, zero, 100), 1);
    line.bucket().set_rate(Rate::per_minute(60), zero + Duration::from_millis(200));
    // Two at the old rate, and then one per second.
    assert_eq!(at_once(&mut line, zero + Duration::from_millis(200), 100), 2);
    assert_eq!(at_once(&mut line, zero + Duration::from_millis(3200), 100), 3);
    line.bucket().set_burst(1000);
    assert_eq!(at_once(&mut line, zero + Duration::from_millis(3200), 100), 0);
    assert_eq!(at_once(&mut line, zero + Duration::from_millis(14_200), 100), 11);
    // A debt stays one: 30 more than what is there.
    let now = zero + Duration::from_millis(14_200) + YEAR;
    let mut ticket = None;
    assert_eq!(line.ask(&mut ticket, 1030, now, Duration::MAX), Turn::Pass);
    line.bucket().set_burst(3);
    line.bucket().set_rate(Rate::per_second(1), now);
    assert_eq!(
        line.ask(&mut ticket, 1, now, Duration::MAX),
        Turn::Wait(now + Duration::from_secs(31))
    );
}

proptest! {
    /// F54, F55: no number and no clock makes it panic, wait for the past, or let more than a burst pass at once.
    /// Shows F29.
    #[test]
    fn nothing_overflows(
        rate in (1..=u64::MAX, 1..=u64::MAX),
        burst in 1..=u64::MAX,
        saved_up in any::<bool>(),
        asks in vec((any::<u64>(), -(1_i64 << 62)..1_i64 << 62), 1..40),
        change in (1..=u64::MAX, 1..=u64::MAX, 1..=u64::MAX),
    ) {
        let rate = Rate::new(rate.0, nanos(rate.1)).unwrap();
        let mut bucket = Bucket::new(rate);
        if saved_up {
            bucket.save_up();
        }
        bucket.set_burst(burst);
        let mut line = Line::new(bucket);
        let zero = start() + Duration::from_nanos(1 << 62);
        let (mut tickets, mut now) = ([None; 3], zero);
        for (n, (weight, jump)) in asks.iter().enumerate() {
            let jump_by = nanos(jump.unsigned_abs());
            now = if *jump < 0 { now.checked_sub(jump_by) } else { now.checked_add(jump_by) }.unwrap_or(zero);
            if n == 20 {
                line.bucket().set_rate(Rate::new(change.0, nanos(change.1)).unwrap(), now);
                line.bucket().set_burst(change.2);
            }
            if let Turn::Wait(at) = line.ask(&mut tickets[n % 3], *weight, now, YEAR) {
                prop_assert!(at > now && at <= now + YEAR);
            }
            line.is_late();
        }
        for ticket in tickets {
            line.leave(ticket);
        }
        prop_assert_eq!(line.len(), 0);
    }
}
