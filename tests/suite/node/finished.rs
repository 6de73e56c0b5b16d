//! N142 to N149: waiting for the end.

use std::pin::pin;

use futures::FutureExt;
use highwater_core::{HighWaterMark, Writable, duplex_pair};
use highwater_test::{Demand, poll_once};

use super::{at_hand, ends, is_finished};
use crate::buffer::made::settle;
use crate::support::{Log, Recorder, run_woken};

/// A destination that takes its time to close.
#[tokio::test]
async fn n142_it_is_finished_when_the_destination_has_closed() {
    let log = Log::default();
    let writable = Writable::new(Recorder::new(&log).with_pends(5), HighWaterMark::items(4));
    writable.send(1).await.unwrap();
    writable.finish().await.unwrap();
    assert_eq!(log.events().last(), Some(&crate::support::Event::DestinationDropped));
}

#[test]
fn n143_what_is_over_says_so_again_and_again() {
    let (writable, mut readable) = ends(4);
    let control = readable.control();
    writable.end();
    assert_eq!(is_finished(&control), None);
    run_woken(async { assert!(readable.next().await.is_none()) }).unwrap();
    for _ in 0..3 {
        assert_eq!(is_finished(&control), Some(true));
        assert!(writable.finished().now_or_never().unwrap().is_ok());
    }
}

#[test]
fn n145_one_side_alone_may_be_waited_for() {
    let (client, mut server) = duplex_pair::<u32>(HighWaterMark::items(4));
    client.writable.end();
    assert!(server.readable.next().now_or_never().unwrap().is_none());
    assert!(client.writable.finished().now_or_never().unwrap().is_ok());
    assert!(server.writable.finished().now_or_never().is_none(), "the other way is open");
}

#[test]
fn n147_giving_up_the_wait_leaves_nothing_behind() {
    let (writable, mut readable) = ends(1);
    let control = readable.control();
    for _ in 0..100 {
        assert!(control.finished().now_or_never().is_none());
        assert!(poll_once(pin!(writable.finished())).is_pending());
    }
    assert_eq!(control.stats().waiting, 0);
    assert!(writable.write(1).unwrap().is_full());
    writable.end();
    assert_eq!(at_hand(&mut readable), [1]);
    assert_eq!(is_finished(&control), Some(true));
}

#[tokio::test]
async fn n148_what_nobody_reads_does_not_finish_and_shows_why() {
    let (writable, readable) = ends(4);
    assert!(!writable.write(1).unwrap().is_full());
    writable.end();
    settle().await;
    assert_eq!(is_finished(&readable.control()), None);
    assert_eq!(readable.control().stats().buffered, 1);

    let log = Log::default();
    let stuck = Recorder::new(&log).with_demand(&Demand::new());
    let writable = Writable::new(stuck, HighWaterMark::items(4));
    writable.send(1).await.unwrap();
    writable.end();
    settle().await;
    assert_eq!((is_finished(&writable.control()), writable.buffered()), (None, 1));
}
