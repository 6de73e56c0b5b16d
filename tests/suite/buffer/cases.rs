//! What users of other channels and streams have lost, one by one.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use futures::FutureExt;
use highwater_core::{HighWaterMark, Readable, duplex_pair, pass_through, task};

use super::made::settle;

/// C37, C38: a `next` that is dropped after it was woken has taken neither the chunk nor the wake-up with it.
#[tokio::test]
async fn a_next_that_is_dropped_after_its_wake_up_loses_nothing() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(1));
    for x in 0..200 {
        {
            let mut given_up = pin!(readable.next());
            let mut context = Context::from_waker(Waker::noop());
            assert!(given_up.as_mut().poll(&mut context).is_pending());
            writable.send(x).await.unwrap();
        }
        assert_eq!(readable.next().await.unwrap().unwrap(), x);
    }
}

/// C39: what was written before the writer went is delivered before its going is told.
#[tokio::test]
async fn the_last_chunk_before_a_drop_is_delivered() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(4));
    assert!(!writable.write("last").unwrap().is_full());
    drop(writable);
    assert_eq!(readable.next().await.unwrap().unwrap(), "last");
    assert!(readable.next().await.unwrap().unwrap_err().is_premature_close());
}

/// C40: with a mark of 0 each chunk is handed over: one that is written waits for its reader, and the next one for it.
/// Shows F15.
#[tokio::test]
async fn a_mark_of_nothing_hands_over() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(0));
    let sender = task::spawn(async move {
        for x in 0..100 {
            writable.send(x).await.unwrap();
        }
        writable.end();
    });
    for x in 0..100 {
        settle().await;
        assert_eq!(readable.next().await.unwrap().unwrap(), x);
    }
    assert!(readable.next().await.is_none());
    sender.await.unwrap();
}

/// C10, C11: whichever half of a pair goes, who waits at the other end is told.
#[tokio::test]
async fn a_half_that_goes_wakes_the_other() {
    let (here, there) = duplex_pair::<u8>(HighWaterMark::items(1));
    let (mut reads, writes) = here.split();
    let (peer_reads, peer_writes) = there.split();
    writes.send(0).await.unwrap();
    let reader = task::spawn(async move { reads.next().await.unwrap().unwrap_err() });
    let mut writer = task::spawn(async move { writes.send(1).await.unwrap_err().into_chunk() });
    settle().await;
    drop(peer_writes);
    assert!(reader.await.unwrap().is_premature_close());
    assert!((&mut writer).now_or_never().is_none(), "its half is still there");
    drop(peer_reads);
    assert_eq!(writer.await.unwrap(), 1);
}

/// C9: a chunk of no bytes is no end, and the largest number is no overflow.
#[tokio::test]
async fn an_empty_chunk_is_no_end() {
    let some = ["", "a", ""].map(Bytes::from);
    let all = Readable::from_iter(some.clone()).chain(Readable::from_iter(some)).take(usize::MAX);
    assert_eq!(all.to_vec().await.unwrap(), ["", "a", "", "", "a", ""]);
}
