//! P12: waits, 1024 at once, with a consumer that takes what comes, and with one that is busy as long as they are.

use std::future::ready;
use std::hint::black_box;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use highwater::Readable;
use highwater::prelude::*;
use tokio::time::sleep;

use super::block_on;
use crate::contestant::{Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P12",
    title: "waits of 1 ms, 1024 at once",
    work: Work::Items { count: 300_000, expected: sum },
    contestants: &[
        Contestant::items(Role::Ours, OURS, parallel_map),
        Contestant::items(Role::Ours, UNORDERED, parallel_map_unordered),
        Contestant::items(Role::Peer, BUFFERED, buffered),
        Contestant::items(Role::Peer, "futures buffer_unordered", buffer_unordered),
    ],
    goals: &[Goal::Cost { ours: OURS, at_most: 1.0, of_best: &[BUFFERED] }],
};

pub(crate) const BUSY: Subject = Subject {
    id: "P12b",
    title: "waits of 10 ms while the consumer is busy",
    work: Work::Items { count: 60_000, expected: sum },
    contestants: &[
        Contestant::items(Role::Ours, OURS, parallel_map_busy),
        Contestant::items(Role::Peer, BUFFERED, buffered_busy),
    ],
    goals: &[Goal::Cost { ours: OURS, at_most: 0.7, of_best: &[BUFFERED] }],
};

const OURS: &str = "highwater, parallel_map";
const UNORDERED: &str = "highwater, parallel_map_unordered";
const BUFFERED: &str = "futures buffered";

fn parallel_map(n: u64) -> u64 {
    let mapped = Readable::from_iter(0..black_box(n))
        .parallel_map(AT_ONCE, |x| async move { Ok(wait(x, SHORT).await) });
    block_on(mapped.fold(0, u64::wrapping_add)).expect("a wait does not fail")
}

fn parallel_map_unordered(n: u64) -> u64 {
    let waits = Readable::from_iter(0..black_box(n));
    let mapped = waits.parallel_map_unordered(AT_ONCE, |x| async move { Ok(wait(x, SHORT).await) });
    block_on(mapped.fold(0, u64::wrapping_add)).expect("a wait does not fail")
}

fn buffered(n: u64) -> u64 {
    let mapped = stream::iter(0..black_box(n)).map(|x| wait(x, SHORT)).buffered(AT_ONCE);
    block_on(mapped.fold(0, |sum: u64, x| ready(sum.wrapping_add(x))))
}

fn buffer_unordered(n: u64) -> u64 {
    let mapped = stream::iter(0..black_box(n)).map(|x| wait(x, SHORT)).buffer_unordered(AT_ONCE);
    block_on(mapped.fold(0, |sum: u64, x| ready(sum.wrapping_add(x))))
}

fn parallel_map_busy(n: u64) -> u64 {
    let mut mapped = Readable::from_iter(0..black_box(n))
        .parallel_map(AT_ONCE, |x| async move { Ok(wait(x, LONG).await) });
    block_on(async {
        let mut sum = 0;
        while let Some(x) = mapped.next().await {
            sum = take(sum, x.expect("a wait does not fail")).await;
        }
        sum
    })
}

fn buffered_busy(n: u64) -> u64 {
    let mut mapped = stream::iter(0..black_box(n)).map(|x| wait(x, LONG)).buffered(AT_ONCE);
    block_on(async {
        let mut sum = 0;
        while let Some(x) = mapped.next().await {
            sum = take(sum, x).await;
        }
        sum
    })
}

async fn wait(x: u64, time: Duration) -> u64 {
    sleep(time).await;
    x
}

/// Busy for a while after as many as are waited for at once.
async fn take(sum: u64, x: u64) -> u64 {
    if (x + 1) % AT_ONCE as u64 == 0 {
        sleep(LONG).await;
    }
    sum.wrapping_add(x)
}

fn sum(n: u64) -> u64 {
    (0..n).fold(0, u64::wrapping_add)
}

const AT_ONCE: usize = 1024;
const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_millis(10);
