//! Speeds from readings, with the time passed in.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::ms;
use crate::speed::{Rolling, Smoothed, per_second};

fn start() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

#[test]
fn a_steady_speed_is_seen_at_once_and_stays() {
    let now = start();
    let mut speed = Smoothed::new(now, 0);
    assert_eq!(speed.per_second(), 0.0);
    for n in 1..=100 {
        speed.read(now + ms(100) * n, u64::from(n) * 50);
        assert!(close(speed.per_second(), 500.0), "{}", speed.per_second());
    }
}

/// After five seconds of another speed, 1/e is left of the old one.
#[test]
fn what_is_five_seconds_old_counts_a_third() {
    let now = start();
    let mut speed = Smoothed::new(now, 0);
    speed.read(now + ms(100_000), 100_000);
    assert!(close(speed.per_second(), 1000.0));
    for n in 1..=50 {
        speed.read(now + ms(100_000) + ms(100) * n, 100_000);
    }
    let left = speed.per_second() / 1000.0;
    assert!((left - (-1_f64).exp()).abs() < 1e-6, "{left}");
}

/// How often it is read makes no difference to a speed that does not change meanwhile.
#[test]
fn readings_in_between_make_no_difference() {
    let now = start();
    let (mut often, mut seldom) = (Smoothed::new(now, 0), Smoothed::new(now, 0));
    for n in 1..=20 {
        often.read(now + ms(50) * n, u64::from(n) * 10);
    }
    seldom.read(now + ms(1000), 200);
    often.read(now + ms(3000), 200);
    seldom.read(now + ms(3000), 200);
    assert!(close(often.per_second(), seldom.per_second()));
}

/// Two readings at one time, or a clock that stands still, divide nothing by zero and lose nothing.
#[test]
fn no_time_is_no_speed() {
    let now = start();
    let mut speed = Smoothed::new(now, 0);
    speed.read(now, 10);
    assert_eq!(speed.per_second(), 0.0);
    speed.read(now + ms(1000), 20);
    assert!(close(speed.per_second(), 20.0));
    assert_eq!(per_second(10, Duration::ZERO), 0.0);
    let mut rolling = Rolling::new(ms(1000), now, 0);
    assert_eq!(rolling.read(now, 10), 0.0);
}

#[test]
fn a_rolling_speed_forgets_what_is_outside_of_its_window() {
    let now = start();
    let mut speed = Rolling::new(ms(1000), now, 0);
    // 100 in the first second, 10 in each of the next.
    assert!(close(speed.read(now + ms(500), 50), 100.0));
    assert!(close(speed.read(now + ms(1000), 100), 100.0));
    assert!(close(speed.read(now + ms(1500), 105), 55.0));
    assert!(close(speed.read(now + ms(2000), 110), 10.0));
    assert!(close(speed.read(now + ms(3000), 110), 0.0));
}

proptest! {
    /// The speed is what passed between two readings, of which the older one is as old as the window or the first.
    #[test]
    fn a_rolling_speed_is_that_of_its_window(
        steps in proptest::collection::vec((1..300_u64, 0..100_u64), 1..60),
    ) {
        let (now, window) = (start(), ms(1000));
        let mut speed = Rolling::new(window, now, 0);
        let mut readings = vec![(now, 0)];
        for (time, done) in steps {
            let (then, before) = *readings.last().unwrap();
            readings.push((then + ms(time), before + done));
            let (now, done) = *readings.last().unwrap();
            let old = readings.iter().rev().find(|(then, _)| now - *then >= window);
            let (then, before) = *old.unwrap_or(&readings[0]);
            let expected = (done - before) as f64 / (now - then).as_secs_f64();
            prop_assert!(close(speed.read(now, done), expected));
        }
    }
}
