//! P14: items at a rate, one by one, from a source that always has one.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::{Quota, RateLimiter};
use highwater::Readable;
use highwater::prelude::*;
use highwater::rate_limit::{Limiter, Rate};

use super::block_on;
use crate::contestant::{Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::pace::Pace;

pub(crate) const TEN: Subject = subject("P14a", "rate limit, 10 per second", 10);
pub(crate) const THOUSAND: Subject = subject("P14b", "rate limit, 1 000 per second", 1000);
pub(crate) const FIFTY_THOUSAND: Subject = subject("P14c", "rate limit, 50 000 per second", 50_000);
pub(crate) const MILLION: Subject = subject("P14d", "rate limit, 1 000 000 per second", 1_000_000);

const fn subject(id: &'static str, title: &'static str, per_second: u64) -> Subject {
    // One, and the share of 50 ms: highwater's usual burst, and that of the peers that have one to choose.
    let work = Work::AtRate { per_second, burst: 1 + per_second.div_ceil(20) };
    Subject { id, title, work, contestants: CONTESTANTS, goals: GOALS }
}

const CONTESTANTS: &[Contestant] = &[
    Contestant::at_rate(Role::Ours, STREAM, stream),
    Contestant::at_rate(Role::Ours, ACQUIRE, acquire),
    Contestant::at_rate(Role::Peer, GOVERNOR, |pace| governor(pace, None)),
    Contestant::at_rate(Role::Peer, GOVERNOR_BURST, |pace| {
        let burst = usual_burst(pace.per_second());
        governor(pace, Some(burst))
    }),
    Contestant::at_rate(Role::Peer, "tokio-stream throttle", throttle),
    Contestant::at_rate(Role::Peer, "leaky-bucket", leaky_bucket),
];

const GOALS: &[Goal] = &[
    Goal::Rate { ours: STREAM, within: 0.5 },
    Goal::Rate { ours: ACQUIRE, within: 0.5 },
    Goal::Cpu { ours: STREAM, at_most: 1.0, of_best: &[GOVERNOR, GOVERNOR_BURST] },
];

const STREAM: &str = "highwater, rate_limit";
const ACQUIRE: &str = "highwater, acquire";
const GOVERNOR: &str = "governor (burst: a second)";
const GOVERNOR_BURST: &str = "governor, burst as ours";

fn usual_burst(per_second: u64) -> u64 {
    Limiter::new(Rate::per_second(per_second)).burst()
}

fn stream(mut pace: Pace) -> Pace {
    let mut items = Readable::from_iter(0..).rate_limit(Rate::per_second(pace.per_second()));
    block_on(async {
        while let Some(item) = items.next().await {
            let _: u64 = item.expect("numbers do not fail");
            if pace.is_enough() {
                break;
            }
        }
    });
    pace
}

fn acquire(mut pace: Pace) -> Pace {
    let limiter = Limiter::new(Rate::per_second(pace.per_second()));
    block_on(async {
        loop {
            limiter.acquire(1).await;
            if pace.is_enough() {
                return pace;
            }
        }
    })
}

fn governor(mut pace: Pace, burst: Option<u64>) -> Pace {
    let cells = |n| u32::try_from(n).ok().and_then(NonZeroU32::new).expect("it is small");
    let mut quota = Quota::per_second(cells(pace.per_second()));
    if let Some(burst) = burst {
        quota = quota.allow_burst(cells(burst));
    }
    let limiter = RateLimiter::direct(quota);
    block_on(async {
        loop {
            limiter.until_ready().await;
            if pace.is_enough() {
                return pace;
            }
        }
    })
}

fn throttle(mut pace: Pace) -> Pace {
    let interval = Duration::from_nanos(1_000_000_000 / pace.per_second());
    block_on(async {
        let items = tokio_stream::StreamExt::throttle(tokio_stream::iter(0_u64..), interval);
        let mut items = std::pin::pin!(items);
        while let Some(_item) = futures::StreamExt::next(&mut items).await {
            if pace.is_enough() {
                break;
            }
        }
        pace
    })
}

/// As exact as its timer is: refilled each millisecond, or for each item if those are rarer.
fn leaky_bucket(mut pace: Pace) -> Pace {
    let per_second = pace.per_second();
    let refills = per_second.min(1000);
    let small = |n| usize::try_from(n).expect("it is small");
    let limiter = leaky_bucket::RateLimiter::builder()
        .initial(1)
        .refill(small(per_second / refills))
        .interval(Duration::from_secs(1) / u32::try_from(refills).expect("at most 1000"))
        .max(small(usual_burst(per_second)))
        .build();
    block_on(async {
        loop {
            limiter.acquire_one().await;
            if pace.is_enough() {
                return pace;
            }
        }
    })
}
