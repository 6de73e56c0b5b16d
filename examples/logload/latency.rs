//! How long something took, for many of them in little memory.

use std::time::Duration;

/// Counts of times, by microseconds in steps of a sixteenth.
#[derive(Debug)]
pub(crate) struct Latencies(Box<[u64; BUCKETS]>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Box::new([0; BUCKETS]))
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0[bucket(micros)] += 1;
    }

    pub(crate) fn add(&mut self, more: &Self) {
        for (count, more) in self.0.iter_mut().zip(more.0.iter()) {
            *count += more;
        }
    }

    /// The time that this part of them stays within, up to a sixteenth more. Zero if there are none.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let mut left = self.0.iter().sum::<u64>() as f64 * part;
        for (bucket, count) in self.0.iter().enumerate() {
            left -= *count as f64;
            if *count > 0 && left <= 0.0 {
                return Duration::from_micros(least(bucket + 1).saturating_sub(1));
            }
        }
        Duration::ZERO
    }
}

/// Below 16 each number is its own; above, the first five digits of the binary number tell.
fn bucket(micros: u64) -> usize {
    let scale = micros.max(STEPS).ilog2() - STEPS.ilog2();
    let steps = usize::try_from(micros >> scale).unwrap_or(usize::MAX);
    // Each scale has the steps from 16 to 31.
    scale as usize * 16 + steps
}

/// The least number of a bucket.
fn least(bucket: usize) -> u64 {
    let scale = (bucket / 16).saturating_sub(1);
    ((bucket - scale * 16) as u64)
        .checked_shl(u32::try_from(scale).unwrap_or(u32::MAX))
        .unwrap_or(u64::MAX)
}

const STEPS: u64 = 16;
/// As many as the longest time needs.
const BUCKETS: usize = 60 * 16 + 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_a_bucket_that_is_exact_to_a_sixteenth() {
        let mut last = 0;
        for micros in (0..5000).chain((1..44).map(|n| 3_u64.pow(n.min(40)))).chain([u64::MAX]) {
            let bucket = bucket(micros);
            assert!(bucket < BUCKETS, "{micros}");
            assert!(least(bucket) <= micros && least(bucket) >= micros - micros / 16, "{micros}");
            last = last.max(bucket);
        }
        assert!(last < BUCKETS);
    }

    #[test]
    fn quantiles_are_those_of_the_times() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.5), Duration::ZERO);
        for millis in 1..=100 {
            latencies.record(Duration::from_millis(millis));
        }
        let mut both = Latencies::default();
        both.add(&latencies);
        both.add(&latencies);
        for (part, millis) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = both.quantile(part).as_secs_f64() * 1000.0;
            assert!((millis..millis * 17.0 / 16.0).contains(&found), "{part}: {found}");
        }
    }
}
