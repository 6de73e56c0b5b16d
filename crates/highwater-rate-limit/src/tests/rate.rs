//! F54.

use std::time::Duration;

use crate::{Limiter, Rate};

#[test]
fn a_rate_is_checked_when_it_is_made() {
    let second = Duration::from_secs(1);
    assert!(Rate::new(0, second).is_err());
    assert!(Rate::new(1, Duration::ZERO).is_err());
    assert!(Rate::new(1, Duration::MAX).is_err());
    let error = Rate::new(0, second).unwrap_err();
    assert_eq!(error.to_string(), "0 per 1s is no rate");
    assert!(Rate::new(u64::MAX, Duration::from_nanos(1)).is_ok());
    assert!(Rate::new(1, Duration::from_nanos(u64::MAX)).is_ok());
}

#[test]
fn rates_are_equal_where_the_same_passes() {
    assert_eq!(Rate::per_second(1), Rate::per_minute(60));
    assert_eq!(Rate::per_hour(1), Rate::per_day(24));
    assert_ne!(Rate::per_second(1), Rate::per_minute(61));
    assert_ne!(Rate::per_second(u64::MAX), Rate::per_second(u64::MAX - 1));
}

/// The defaults of the documentation.
#[test]
fn the_usual_burst_is_one_and_the_share_of_50_ms() {
    let burst = |rate| Limiter::new(rate).burst();
    assert_eq!(burst(Rate::per_second(1000)), 51);
    assert_eq!(burst(Rate::per_second(10)), 2);
    assert_eq!(burst(Rate::per_day(1)), 2);
    assert_eq!(burst(Rate::per_second(u64::MAX)), u64::MAX / 20 + 2);
    let limiter = Limiter::new(Rate::per_second(1000)).with_burst(7);
    limiter.set_rate(Rate::per_second(5));
    assert_eq!(limiter.burst(), 7);
}

/// Shows F54.
#[test]
#[should_panic(expected = "a rate of 0")]
fn a_rate_of_nothing_is_a_mistake() {
    drop(Limiter::new(Rate::per_hour(0)));
}

/// Shows F54.
#[test]
#[should_panic(expected = "a burst of 0")]
fn a_burst_of_nothing_is_a_mistake() {
    drop(Limiter::new(Rate::per_second(1)).with_burst(0));
}
