//! P5: map, filter and map on numbers. Each contestant is a function of its own, so that no two are inlined into one.

use std::future::ready;
use std::hint::black_box;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use highwater::{Error, Readable};

use super::block_on;
use crate::contestant::{Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P5",
    title: "map, filter, map on u64",
    work: Work::Items { count: 200_000_000, expected: plain_iterator },
    contestants: &[
        Contestant::items(Role::Ours, FUSED, fused),
        Contestant::items(Role::Ours, BATCHES, batches),
        Contestant::items(Role::Limit, ITERATOR, plain_iterator),
        Contestant::items(Role::Peer, RESULTS, futures_results),
        Contestant::items(Role::Peer, "futures", futures_plain),
        Contestant::items(Role::Peer, "tokio-stream", tokio_stream),
        Contestant::items(Role::Aside, "highwater, while let", fused_while_let),
        Contestant::items(Role::Aside, "futures results, while let", futures_while_let),
    ],
    goals: &[
        Goal::Cost { ours: FUSED, at_most: 1.05, of_best: &[RESULTS] },
        Goal::Cost { ours: BATCHES, at_most: 2.0, of_best: &[ITERATOR] },
    ],
};

const FUSED: &str = "highwater, fused";
const BATCHES: &str = "highwater, batches of 1024";
const ITERATOR: &str = "iterator";
const RESULTS: &str = "futures, results as ours";

fn fused(n: u64) -> u64 {
    let numbers = Readable::from_iter(0..black_box(n)).map(first).filter(|x| kept(*x)).map(second);
    block_on(numbers.fold(0, u64::wrapping_add)).expect("numbers do not fail")
}

fn batches(n: u64) -> u64 {
    let n = black_box(n);
    let starts = (0..n).step_by(1024);
    let numbers = Readable::from_iter(starts.map(|start| (start..n.min(start + 1024)).collect()))
        .map(|mut batch: Vec<u64>| {
            batch.iter_mut().for_each(|x| *x = first(*x));
            batch
        })
        .map(|mut batch| {
            batch.retain(|x| kept(*x));
            batch
        })
        .map(|mut batch| {
            batch.iter_mut().for_each(|x| *x = second(*x));
            batch
        });
    let sum = numbers.fold(0, |sum, batch| batch.into_iter().fold(sum, u64::wrapping_add));
    block_on(sum).expect("numbers do not fail")
}

fn plain_iterator(n: u64) -> u64 {
    (0..black_box(n)).map(first).filter(|x| kept(*x)).map(second).fold(0, u64::wrapping_add)
}

fn futures_results(n: u64) -> u64 {
    let numbers = stream::iter((0..black_box(n)).map(Ok::<_, Error>))
        .map_ok(first)
        .try_filter(|x| ready(kept(*x)))
        .map_ok(second);
    let sum = numbers.try_fold(0_u64, |sum, x| ready(Ok(sum.wrapping_add(x))));
    block_on(sum).expect("numbers do not fail")
}

fn futures_plain(n: u64) -> u64 {
    let numbers = stream::iter(0..black_box(n)).map(first).filter(|x| ready(kept(*x))).map(second);
    block_on(numbers.fold(0_u64, |sum, x| ready(sum.wrapping_add(x))))
}

fn tokio_stream(n: u64) -> u64 {
    use tokio_stream::StreamExt;
    let numbers = tokio_stream::iter(0..black_box(n));
    let numbers = StreamExt::filter(StreamExt::map(numbers, first), |x| kept(*x));
    block_on(StreamExt::fold(StreamExt::map(numbers, second), 0, u64::wrapping_add))
}

fn fused_while_let(n: u64) -> u64 {
    block_on(async {
        let mut numbers =
            Readable::from_iter(0..black_box(n)).map(first).filter(|x| kept(*x)).map(second);
        let mut sum = 0_u64;
        while let Some(x) = numbers.next().await {
            sum = sum.wrapping_add(x.expect("numbers do not fail"));
        }
        sum
    })
}

fn futures_while_let(n: u64) -> u64 {
    block_on(async {
        let mut numbers = stream::iter((0..black_box(n)).map(Ok::<_, Error>))
            .map_ok(first)
            .try_filter(|x| ready(kept(*x)))
            .map_ok(second);
        let mut sum = 0_u64;
        while let Some(x) = numbers.next().await {
            sum = sum.wrapping_add(x.expect("numbers do not fail"));
        }
        sum
    })
}

fn first(x: u64) -> u64 {
    x.wrapping_mul(31)
}

fn kept(x: u64) -> bool {
    x % 3 != 0
}

fn second(x: u64) -> u64 {
    x ^ 0x55
}
