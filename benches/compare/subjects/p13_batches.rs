//! P13: numbers in batches of 500, of which each is summed.

use std::future::ready;
use std::hint::black_box;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use highwater::batch::Batch;
use highwater::prelude::*;
use highwater::{Error, Readable, destination_fn};

use super::block_on;
use crate::contestant::{Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P13",
    title: "batches of 500 numbers",
    work: Work::Items { count: 50_000_000, expected: plain_loop },
    contestants: &[
        Contestant::items(Role::Ours, BATCH, batch),
        Contestant::items(Role::Ours, CHUNKS, chunks),
        Contestant::items(Role::Ours, AGED, batch_with_age),
        Contestant::items(Role::Aside, "highwater, batch by number, while let", batch_while_let),
        Contestant::items(Role::Aside, "highwater, batch with age, pipe_to", aged_pipe_to),
        Contestant::items(Role::Limit, "reused Vec", plain_loop),
        Contestant::items(Role::Peer, FUTURES, futures_chunks),
        Contestant::items(Role::Peer, "futures, results as ours", futures_results),
        Contestant::items(Role::Peer, "futures ready_chunks", futures_ready_chunks),
        // Looks at its clock only when its source has nothing: behind one that always has, a batch is late.
        Contestant::items(Role::Peer, "tokio-stream chunks_timeout", tokio_chunks_timeout),
    ],
    goals: &[
        Goal::Cost { ours: BATCH, at_most: 1.0, of_best: &[FUTURES] },
        Goal::Cost { ours: CHUNKS, at_most: 1.0, of_best: &[FUTURES] },
    ],
};

const BATCH: &str = "highwater, batch by number";
const CHUNKS: &str = "highwater, chunks";
const AGED: &str = "highwater, batch with age";
const FUTURES: &str = "futures chunks";
const SIZE: usize = 500;
const AGE: Duration = Duration::from_secs(1);

fn batch(n: u64) -> u64 {
    let batch = Batch::new().with_max_items(SIZE).unlimited_age();
    let batches = Readable::from_iter(0..black_box(n)).pipe(batch);
    block_on(batches.fold(0, |sum, batch| add(sum, &batch))).expect("numbers do not fail")
}

fn batch_while_let(n: u64) -> u64 {
    let batch = Batch::new().with_max_items(SIZE).unlimited_age();
    let mut batches = Readable::from_iter(0..black_box(n)).pipe(batch);
    block_on(async {
        let mut sum = 0;
        while let Some(batch) = batches.next().await {
            sum = add(sum, &batch.expect("numbers do not fail"));
        }
        sum
    })
}

fn aged_pipe_to(n: u64) -> u64 {
    let mut sum = 0;
    let adds = destination_fn(|batch: Vec<u64>| {
        sum = add(sum, &batch);
        ready(Ok(()))
    });
    let batches = Readable::from_iter(0..black_box(n)).batch(SIZE, AGE);
    block_on(batches.pipe_to(adds).run()).expect("numbers do not fail");
    sum
}

fn chunks(n: u64) -> u64 {
    let batches = Readable::from_iter(0..black_box(n)).chunks(SIZE);
    block_on(batches.fold(0, |sum, batch| add(sum, &batch))).expect("numbers do not fail")
}

fn batch_with_age(n: u64) -> u64 {
    let batches = Readable::from_iter(0..black_box(n)).batch(SIZE, AGE);
    block_on(batches.fold(0, |sum, batch| add(sum, &batch))).expect("numbers do not fail")
}

fn plain_loop(n: u64) -> u64 {
    let (mut batch, mut sum) = (Vec::with_capacity(SIZE), 0);
    for x in 0..black_box(n) {
        batch.push(x);
        if batch.len() == SIZE {
            sum = add(sum, &batch);
            batch.clear();
        }
    }
    if batch.is_empty() { sum } else { add(sum, &batch) }
}

fn futures_chunks(n: u64) -> u64 {
    let batches = stream::iter(0..black_box(n)).chunks(SIZE);
    block_on(batches.fold(0, |sum, batch| ready(add(sum, &batch))))
}

fn futures_results(n: u64) -> u64 {
    use futures::TryStreamExt as _;
    let batches = stream::iter((0..black_box(n)).map(Ok::<_, Error>)).try_chunks(SIZE);
    let sum = batches.try_fold(0, |sum, batch| ready(Ok(add(sum, &batch))));
    block_on(sum).expect("numbers do not fail")
}

fn futures_ready_chunks(n: u64) -> u64 {
    let batches = stream::iter(0..black_box(n)).ready_chunks(SIZE);
    block_on(batches.fold(0, |sum, batch| ready(add(sum, &batch))))
}

fn tokio_chunks_timeout(n: u64) -> u64 {
    let numbers = tokio_stream::iter(0..black_box(n));
    block_on(async {
        let batches = tokio_stream::StreamExt::chunks_timeout(numbers, SIZE, AGE);
        batches.fold(0, |sum, batch| ready(add(sum, &batch))).await
    })
}

/// The sum, in which the ends of the batches show.
fn add(sum: u64, batch: &[u64]) -> u64 {
    batch.iter().fold(sum.rotate_left(1), |sum, x| sum.wrapping_add(*x))
}
