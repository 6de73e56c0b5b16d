//! `RateLimit`: I60, C79, C80, C82, F53, F55.

use std::time::Instant;

use bytes::Bytes;
use highwater_core::TimedTransform;
use highwater_core::stage::Step;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Passed, assert_quota, earliest, nanos, rates, start};
use crate::{Limiter, Rate, RateLimit};

/// Something that arrives `gap` after the one before was taken, and whose timer is late.
#[derive(Debug, Clone)]
struct Arrival {
    gap: u64,
    weight: u64,
    late: u64,
}

fn arrivals(heaviest: u64) -> impl Strategy<Value = Vec<Arrival>> {
    let gap = prop_oneof![3 => Just(0), 1 => 0..5_000_000_u64, 1 => 0..200_000_000_000_u64];
    let late = prop_oneof![1 => Just(0), 1 => 0..3_000_000_u64, 1 => 0..200_000_000_u64];
    let arrival = (gap, 0..=heaviest, late);
    vec(arrival.prop_map(|(gap, weight, late)| Arrival { gap, weight, late }), 1..40)
}

/// Drives the machine as `Pipe` does, and checks that it says the same however often it is asked.
fn run(machine: &mut RateLimit<u64, fn(&u64) -> u64>, arrivals: &[Arrival]) -> Passed {
    let zero = start();
    let at = |now: u64| zero + nanos(now);
    let since = |at: Instant| u64::try_from((at - zero).as_nanos()).unwrap();
    let (mut now, mut passed) = (0, Vec::new());
    for arrival in arrivals {
        assert_eq!(machine.read(at(now)).unwrap(), Step::NeedsInput);
        now += arrival.gap;
        let mut output = machine.write(arrival.weight, at(now)).unwrap();
        while output.is_none() {
            let Step::NotBefore(until) = machine.read(at(now)).unwrap() else { panic!("it waits") };
            let until = since(until);
            assert!(until > now, "it waits for what has come");
            assert_eq!(machine.read(at(until - 1)).unwrap(), Step::NotBefore(at(until)));
            now = until + arrival.late;
            if let Step::Output(weight) = machine.read(at(now)).unwrap() {
                output = Some(weight);
            }
        }
        passed.push((now, output.unwrap()));
    }
    passed
}

fn weighed(limiter: Limiter) -> RateLimit<u64, fn(&u64) -> u64> {
    RateLimit::weighed(limiter, |weight: &u64| *weight)
}

proptest! {
    /// I60, C79, C80, F53: never above the quota, also after idleness and late timers, also by chunks that are heavier than
    /// the burst; and nothing waits longer than the quota of what has passed before says.
    #[test]
    fn what_passes_is_what_the_quota_allows_and_no_less(
        rate in rates(), burst in 1..30_u64, arrivals in arrivals(60),
    ) {
        let passed = run(&mut weighed(Limiter::new(rate).with_burst(burst)), &arrivals);
        assert_quota(&passed, rate, burst);
        let mut taken = 0;
        for (n, arrival) in arrivals.iter().enumerate() {
            taken += arrival.gap;
            let (at, weight) = passed[n];
            prop_assert_eq!(weight, arrival.weight);
            let earliest = earliest(&passed[..n], weight, rate, burst);
            let expected = if earliest > taken { earliest + arrival.late } else { taken };
            prop_assert_eq!(at, expected, "number {}", n);
            taken = at;
        }
    }

    /// I60: if always more is wanted, the rate is kept to the nanosecond, though every timer is up to 40 ms late.
    #[test]
    fn late_timers_are_made_up_for(
        rate in prop_oneof![400..5000_u64, 900_000_000..20_000_000_000_u64],
        weights in vec(1..4_u64, 200),
        late in vec(0..40_000_000_u64, 200),
    ) {
        let rate = Rate::per_second(rate);
        let arrivals: Vec<_> = weights.iter().zip(&late)
            .map(|(weight, late)| Arrival { gap: 0, weight: *weight, late: *late })
            .collect();
        let passed = run(&mut weighed(Limiter::new(rate)), &arrivals);
        let all: u64 = weights[1..].iter().sum();
        let ideal = (u128::from(all) * rate.per()).div_ceil(rate.amount());
        let last = u128::from(passed.last().unwrap().0);
        prop_assert!((ideal..=ideal + 40_000_000).contains(&last), "{last} {ideal}");
    }

    /// F53: bytes are cut, nothing of them is lost, and the quota is kept by chunks of any size.
    #[test]
    fn bytes_are_cut_into_bursts(
        rate in rates(), burst in 1..30_u64, chunks in vec(0..100_usize, 1..10),
    ) {
        let zero = start();
        let mut machine = RateLimit::bytes(Limiter::new(rate).with_burst(burst));
        let (mut now, mut passed, mut all) = (zero, Vec::new(), Vec::new());
        let mut sent = Vec::new();
        for (n, length) in chunks.into_iter().enumerate() {
            let chunk = vec![u8::try_from(n).unwrap(); length];
            sent.extend_from_slice(&chunk);
            let mut output = machine.write(Bytes::from(chunk), now).unwrap();
            loop {
                if let Some(piece) = output.take() {
                    prop_assert!(piece.len() as u64 <= burst);
                    passed.push((u64::try_from((now - zero).as_nanos()).unwrap(), piece.len() as u64));
                    all.extend_from_slice(&piece);
                }
                match machine.read(now).unwrap() {
                    Step::Output(piece) => output = Some(piece),
                    Step::NotBefore(at) => now = at,
                    _ => break,
                }
            }
        }
        prop_assert_eq!(all, sent);
        assert_quota(&passed, rate, burst);
    }
}
