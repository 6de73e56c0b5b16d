//! Durations from nanoseconds.

use std::time::Duration;

/// So many nanoseconds; the longest duration there is where they are more.
pub(crate) fn from_nanos(nanos: u128) -> Duration {
    let part = u32::try_from(nanos % SECOND).expect("it is below a second");
    u64::try_from(nanos / SECOND).map_or(Duration::MAX, |seconds| Duration::new(seconds, part))
}

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_go_there_and_back() {
        for duration in [Duration::ZERO, Duration::from_nanos(1_999_999_999), Duration::MAX] {
            assert_eq!(from_nanos(duration.as_nanos()), duration);
        }
        assert_eq!(from_nanos(u128::MAX), Duration::MAX);
    }
}
