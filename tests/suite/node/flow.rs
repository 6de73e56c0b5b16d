//! N82 to N89: pausing, and the 'readable' event.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Context;

use highwater_core::{HighWaterMark, Readable};

use super::{at_hand, counted, ends};
use crate::buffer::made::settle;
use crate::buffer::rules::{given, next};
use crate::support::Wakes;

#[tokio::test]
async fn n082_untouched_paused_and_flowing() {
    let (numbers, made) = counted(100);
    let mut readable = Readable::from_iter(numbers).buffer(HighWaterMark::items(4));
    settle().await;
    assert_eq!(made.load(SeqCst), 0, "untouched: nothing is made");
    readable.pause();
    assert!(next(&mut readable).is_pending());
    settle().await;
    let ahead = made.load(SeqCst);
    assert!((4..=5).contains(&ahead), "paused: up to the mark, {ahead}");
    assert!(next(&mut readable).is_pending());
    readable.resume();
    assert_eq!(readable.count().await.unwrap(), 100);
}

#[test]
fn n083_a_pause_in_the_middle_loses_and_doubles_nothing() {
    let (writable, mut readable) = ends(100);
    assert!((0..9).all(|x| !writable.write(x).unwrap().is_full()));
    for x in 0..9 {
        assert_eq!(given(next(&mut readable)), x);
        readable.pause();
        assert!(next(&mut readable).is_pending());
        readable.resume();
    }
}

#[test]
fn n085_a_resume_throws_nothing_away() {
    let (writable, mut readable) = ends(8);
    readable.pause();
    assert!((0..3).all(|x| !writable.write(x).unwrap().is_full()));
    readable.resume();
    assert_eq!(at_hand(&mut readable), [0, 1, 2]);
}

#[test]
fn n086_what_comes_while_nobody_reads_is_kept() {
    let (writable, mut readable) = ends(8);
    assert!(!writable.write(1).unwrap().is_full());
    assert_eq!(given(next(&mut readable)), 1);
    drop(readable.by_ref());
    assert!((2..4).all(|x| !writable.write(x).unwrap().is_full()));
    assert_eq!(at_hand(&mut readable), [2, 3]);
}

#[test]
fn n088_that_something_is_there_is_told_to_the_late_and_again() {
    let (writable, mut readable) = ends(8);
    let (waker, wakes) = Wakes::waker();
    let cx = &mut Context::from_waker(&waker);
    assert!(pin!(readable.readable()).poll(cx).is_pending());
    assert!((0..3).all(|x| !writable.write(x).unwrap().is_full()));
    assert_eq!(wakes.count(), 1, "once for all three");
    for _ in 0..2 {
        assert!(pin!(readable.readable()).poll(cx).is_ready(), "it has not been read");
    }
    assert_eq!([readable.read(), readable.read(), readable.read()], [Some(0), Some(1), Some(2)]);
    assert!(pin!(readable.readable()).poll(cx).is_pending());
    writable.end();
    assert_eq!(wakes.count(), 2, "so is the end");
}
