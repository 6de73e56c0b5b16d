//! Everything that a pipeline may do to the machine.

use std::time::Duration;

use bytes::Bytes;
use highwater_test::{Case, conformance_timed};

use crate::{Limiter, Rate, RateLimit};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// N102: neither the end nor an error overtakes a chunk that waits, and no chunk waits when there is nothing before it.
#[test]
fn items() {
    let times = [0, 0, 0, 100, 101, 500, 500, 500, 500];
    let gives = [0, 10, 20, 100, 101, 500, 500, 510, 520];
    let numbered = |times: [u64; 9]| times.into_iter().zip(0..).map(|(at, n)| (ms(at), n));
    let all = |taken: usize, given: &[(Duration, i32)]| given.len() == taken;
    conformance_timed(
        || RateLimit::items(Limiter::new(Rate::per_second(100)).with_burst(2)),
        [Case::new([]), Case::new(numbered(times)).gives(numbered(gives)).releases_where(all)],
    );
}

#[test]
fn items_by_their_weight() {
    let times = [(0, 20), (0, 30), (0, 10), (0, 400), (0, 1)];
    let gives = [(0, 20), (0, 30), (100, 10), (600, 400), (4110, 1)];
    conformance_timed(
        || {
            let limiter = Limiter::new(Rate::per_second(100)).with_burst(50).saved_up();
            RateLimit::weighed(limiter, |weight: &u64| *weight)
        },
        [Case::new(times.map(|(at, weight)| (ms(at), weight)))
            .gives(gives.map(|(at, weight)| (ms(at), weight)))
            .releases_where(|taken, given: &[(Duration, u64)]| given.len() == taken)],
    );
}

#[test]
fn bytes() {
    let chunk = |at, length| (ms(at), Bytes::from(vec![b'x'; length]));
    conformance_timed(
        || RateLimit::bytes(Limiter::new(Rate::per_second(1000)).with_burst(100)),
        [
            Case::new([chunk(0, 0)]).gives([chunk(0, 0)]).releases_where(|_, _: &[_]| true),
            Case::new([chunk(0, 250), chunk(0, 60), chunk(2000, 101)])
                .gives([
                    chunk(0, 100),
                    chunk(100, 100),
                    chunk(150, 50),
                    chunk(210, 60),
                    chunk(2000, 100),
                    chunk(2001, 1),
                ])
                .releases_where(|taken, given: &[(Duration, Bytes)]| {
                    let bytes: usize = given.iter().map(|(_, piece)| piece.len()).sum();
                    bytes == [0, 250, 310, 411][taken]
                }),
        ],
    );
}
