//! P5: map, filter and map on numbers. Each contestant is a function of its own, so that no two are inlined into one.

use std::future::ready;
use std::hint::black_box;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use highwater::{Destination, Error, Readable, Result, destination_fn};

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
        Contestant::items(Role::Ours, PIPE_TO, pipe_to),
        Contestant::items(Role::Aside, "highwater, pipe_to, async", pipe_to_async),
        Contestant::items(Role::Ours, WHILE_LET, fused_while_let),
        Contestant::items(Role::Peer, WHILE_LET_RESULTS, futures_while_let),
    ],
    goals: &[
        Goal::Cost { ours: FUSED, at_most: 1.05, of_best: &[RESULTS] },
        Goal::Cost { ours: BATCHES, at_most: 2.0, of_best: &[ITERATOR] },
        Goal::Cost { ours: PIPE_TO, at_most: 1.7, of_best: &[FUSED] },
        Goal::Cost { ours: WHILE_LET, at_most: 1.1, of_best: &[WHILE_LET_RESULTS] },
    ],
};

const FUSED: &str = "highwater, fused";
const BATCHES: &str = "highwater, batches of 1024";
const PIPE_TO: &str = "highwater, pipe_to";
const WHILE_LET: &str = "highwater, while let";
const WHILE_LET_RESULTS: &str = "futures results, while let";
const ITERATOR: &str = "iterator";
const RESULTS: &str = "futures, results as ours";

fn fused(n: u64) -> u64 {
    let numbers = Readable::from_iter(0..black_box(n)).map(first).filter(|x| kept(*x)).map(second);
    block_on(numbers.fold(0, u64::wrapping_add)).expect("numbers do not fail")
}

/// A destination that takes every chunk without waiting.
struct Sum(u64);

impl Destination for Sum {
    type Chunk = u64;

    fn accept(&mut self, chunk: u64) -> Result<Option<u64>> {
        self.0 = self.0.wrapping_add(chunk);
        Ok(None)
    }

    async fn write(&mut self, chunk: u64) -> Result<()> {
        self.accept(chunk).map(drop)
    }
}

fn pipe_to(n: u64) -> u64 {
    let numbers = Readable::from_iter(0..black_box(n)).map(first).filter(|x| kept(*x)).map(second);
    let mut sum = Sum(0);
    block_on(numbers.pipe_to(&mut sum).run()).expect("numbers do not fail");
    sum.0
}

/// The same with a future per chunk, which is ready at once.
fn pipe_to_async(n: u64) -> u64 {
    let numbers = Readable::from_iter(0..black_box(n)).map(first).filter(|x| kept(*x)).map(second);
    let mut sum = 0_u64;
    let adds = destination_fn(|x: u64| {
        sum = sum.wrapping_add(x);
        ready(Ok(()))
    });
    block_on(numbers.pipe_to(adds).run()).expect("numbers do not fail");
    sum
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
