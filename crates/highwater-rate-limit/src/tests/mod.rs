//! The machine and the line behind it without a runtime: a plain loop decides what time it is.

mod conformance;
mod limits;
mod line;
mod machine;
mod rate;

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::Rate;

fn start() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

/// What has passed: when, in nanoseconds, and how heavy it was.
type Passed = Vec<(u64, u64)>;

/// I60: in every window, whatever its ends, no more passed than a burst and what the rate allows in its time. Something
/// heavier than the burst counts as a burst of its own where it is the last.
fn assert_quota(passed: &[(u64, u64)], rate: Rate, burst: u64) {
    let parts = |weight: u64| i128::try_from(u128::from(weight) * rate.per()).unwrap();
    let leaked = |at: u64| i128::try_from(u128::from(at) * rate.amount()).unwrap();
    // For each end the fullest window is the one whose beginning was the lowest before.
    let (mut sum, mut lowest) = (0, i128::MAX);
    for &(at, weight) in passed {
        lowest = lowest.min(sum - leaked(at));
        sum += parts(weight);
        let over = sum - leaked(at) - lowest - parts(burst.max(weight));
        assert!(over <= 0, "{over} parts over {rate} and a burst of {burst}, at {at} ns");
    }
}

/// When something of this weight may pass, from what has passed before: the latest that any window up to then allows.
///
/// At the start nothing is saved up: it is as if so much had just passed that the first may.
fn earliest(passed: &[(u64, u64)], weight: u64, rate: Rate, burst: u64) -> u64 {
    let Some(&(first, first_weight)) = passed.first() else { return 0 };
    let (mut latest, mut weight) = (0, u128::from(weight.min(burst)));
    for &(at, before) in passed.iter().rev() {
        weight += u128::from(before);
        latest = latest.max(room(weight, at, rate, burst));
    }
    weight += u128::from(burst.saturating_sub(first_weight));
    latest.max(room(weight, first, rate, burst))
}

/// When there is room for this weight, of which the first part passed at `from`.
fn room(weight: u128, from: u64, rate: Rate, burst: u64) -> u64 {
    let over = weight.saturating_sub(u128::from(burst)) * rate.per();
    from + u64::try_from(over.div_ceil(rate.amount())).unwrap()
}

/// From one per day to more than one per nanosecond.
fn rates() -> impl Strategy<Value = Rate> {
    let amount = prop_oneof![1..5_u64, 10..2000_u64, 900_000_000..20_000_000_000_u64];
    let period = prop_oneof![Just(1), Just(60), Just(3600), Just(24 * 3600)];
    (amount, period)
        .prop_map(|(amount, seconds)| Rate::new(amount, Duration::from_secs(seconds)).unwrap())
}
