//! P6: numbers from one task to another, on a runtime of two threads, with room for 1024.

use std::future::Future;
use std::hint::black_box;

use highwater::{HighWaterMark, Readable, Source, pass_through, task};
use tokio::sync::mpsc;

use crate::contestant::{Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const SUBJECT: Subject = Subject {
    id: "P6",
    title: "hop between two tasks",
    work: Work::Items { count: 20_000_000, expected: |n| (0..n).fold(0, u64::wrapping_add) },
    contestants: &[
        Contestant::items(Role::Ours, BUFFER, buffer),
        Contestant::items(Role::Ours, SEND, send),
        Contestant::items(Role::Ours, WRITE, write_and_drain),
        Contestant::items(Role::Ours, FOUR, four_buffers),
        Contestant::items(Role::Peer, MPSC, tokio_mpsc),
        Contestant::items(Role::Peer, FOUR_MPSC, four_tokio_mpsc),
        Contestant::items(Role::Peer, "tokio mpsc, recv_many", tokio_recv_many),
        Contestant::items(Role::Peer, KANAL, kanal_bounded),
        Contestant::items(Role::Peer, "flume", flume_bounded),
    ],
    goals: &[
        Goal::Cost { ours: BUFFER, at_most: 0.1, of_best: &[MPSC] },
        Goal::Cost { ours: BUFFER, at_most: 0.5, of_best: &[KANAL] },
        Goal::Cost { ours: SEND, at_most: 0.3, of_best: &[MPSC] },
        Goal::Cost { ours: WRITE, at_most: 0.3, of_best: &[MPSC] },
        Goal::Cost { ours: SEND, at_most: 1.2, of_best: &[KANAL] },
        Goal::Cost { ours: WRITE, at_most: 1.2, of_best: &[KANAL] },
        Goal::Cost { ours: FOUR, at_most: 0.1, of_best: &[FOUR_MPSC] },
    ],
};

const BUFFER: &str = "highwater, buffer";
const SEND: &str = "highwater, send";
const WRITE: &str = "highwater, write and drain";
const FOUR: &str = "highwater, four buffers";
const MPSC: &str = "tokio mpsc";
const FOUR_MPSC: &str = "four tokio mpsc";
const KANAL: &str = "kanal";

const ROOM: usize = 1024;

fn buffer(n: u64) -> u64 {
    two_tasks(async {}, sum(Readable::from_iter(0..black_box(n)).buffer(mark())))
}

fn four_buffers(n: u64) -> u64 {
    let numbers = Readable::from_iter(0..black_box(n)).buffer(mark()).buffer(mark());
    two_tasks(async {}, sum(numbers.buffer(mark()).buffer(mark())))
}

fn send(n: u64) -> u64 {
    let (writable, readable) = pass_through(mark());
    let produce = async move {
        for x in 0..black_box(n) {
            writable.send(x).await.expect("the reader is there");
        }
        writable.end();
    };
    two_tasks(produce, sum(readable))
}

fn write_and_drain(n: u64) -> u64 {
    let (writable, readable) = pass_through(mark());
    let produce = async move {
        for x in 0..black_box(n) {
            if writable.write(x).expect("the reader is there").is_full() {
                writable.drain().await.expect("the reader is there");
            }
        }
        writable.end();
    };
    two_tasks(produce, sum(readable))
}

fn tokio_mpsc(n: u64) -> u64 {
    let (sender, receiver) = mpsc::channel(ROOM);
    two_tasks(fill(sender, n), receive(receiver))
}

fn four_tokio_mpsc(n: u64) -> u64 {
    let (sender, mut receiver) = mpsc::channel(ROOM);
    let runtime = runtime();
    runtime.spawn(fill(sender, n));
    for _ in 0..3 {
        let (next, last) = mpsc::channel(ROOM);
        let mut from = std::mem::replace(&mut receiver, last);
        runtime.spawn(async move {
            while let Some(x) = from.recv().await {
                next.send(x).await.expect("the receiver is there");
            }
        });
    }
    runtime.block_on(async { task::spawn(receive(receiver)).await.expect("it does not panic") })
}

fn tokio_recv_many(n: u64) -> u64 {
    let (sender, mut receiver) = mpsc::channel(ROOM);
    let consume = async move {
        let (mut sum, mut batch) = (0_u64, Vec::with_capacity(ROOM));
        while receiver.recv_many(&mut batch, ROOM).await > 0 {
            sum = batch.drain(..).fold(sum, u64::wrapping_add);
        }
        sum
    };
    two_tasks(fill(sender, n), consume)
}

fn kanal_bounded(n: u64) -> u64 {
    let (sender, receiver) = kanal::bounded_async(ROOM);
    let produce = async move {
        for x in 0..black_box(n) {
            sender.send(x).await.expect("the receiver is there");
        }
    };
    let consume = async move {
        let mut sum = 0_u64;
        while let Ok(x) = receiver.recv().await {
            sum = sum.wrapping_add(x);
        }
        sum
    };
    two_tasks(produce, consume)
}

fn flume_bounded(n: u64) -> u64 {
    let (sender, receiver) = flume::bounded(ROOM);
    let produce = async move {
        for x in 0..black_box(n) {
            sender.send_async(x).await.expect("the receiver is there");
        }
    };
    let consume = async move {
        let mut sum = 0_u64;
        while let Ok(x) = receiver.recv_async().await {
            sum = sum.wrapping_add(x);
        }
        sum
    };
    two_tasks(produce, consume)
}

async fn fill(sender: mpsc::Sender<u64>, n: u64) {
    for x in 0..black_box(n) {
        sender.send(x).await.expect("the receiver is there");
    }
}

async fn receive(mut receiver: mpsc::Receiver<u64>) -> u64 {
    let mut sum = 0_u64;
    while let Some(x) = receiver.recv().await {
        sum = sum.wrapping_add(x);
    }
    sum
}

async fn sum<S: Source<Chunk = u64> + Unpin>(mut numbers: Readable<S>) -> u64 {
    let mut sum = 0_u64;
    while let Some(x) = numbers.next().await {
        sum = sum.wrapping_add(x.expect("numbers do not fail"));
    }
    sum
}

fn mark() -> HighWaterMark<u64> {
    HighWaterMark::items(ROOM)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the system has threads left")
}

/// Each on a task of its own.
fn two_tasks(
    produce: impl Future<Output = ()> + Send + 'static,
    consume: impl Future<Output = u64> + Send + 'static,
) -> u64 {
    runtime().block_on(async {
        let produced = task::spawn(produce);
        let sum = task::spawn(consume).await.expect("it does not panic");
        produced.await.expect("it does not panic");
        sum
    })
}
