//! Rules B15 and B17: the user's pause.

use std::pin::Pin;
use std::task::Context;

use futures::{FutureExt, Stream};
use highwater_core::{HighWaterMark, pass_through};
use highwater_test::Wakes;

use super::rules::{given, items, next};

/// B15, I52: paused delivers nothing, fills to the mark, and can be read by hand.
#[test]
fn b15_paused_delivers_nothing_and_fills_to_the_mark() {
    let (writable, mut readable) = items(2);
    readable.pause();
    assert!((0..2).map(|x| writable.write(x).unwrap().is_full()).eq([false, true]));
    assert!(next(&mut readable).is_pending());
    assert!(writable.drain().now_or_never().is_none());
    assert_eq!(readable.read(), Some(0));
    assert!(next(&mut readable).is_pending());
    readable.resume();
    assert_eq!(given(next(&mut readable)), 1);
}

/// B15: what was taken out before the pause is held as well, and not forgotten by the resume.
#[test]
fn b15_a_pause_holds_what_was_taken_out_already() {
    let (writable, mut readable) = items(4);
    (0..2).for_each(|x| writable.write(x).map(|_| ()).unwrap());
    assert_eq!(given(next(&mut readable)), 0);
    let control = readable.control();
    control.pause();
    let (waker, wakes) = Wakes::waker();
    assert!(Pin::new(&mut readable).poll_next(&mut Context::from_waker(&waker)).is_pending());
    control.resume();
    assert_eq!(wakes.count(), 1);
    assert_eq!(given(next(&mut readable)), 1);
}

/// B17, N87: the end of backpressure does not end the user's pause, nor the other way round.
#[test]
fn b17_the_users_pause_and_backpressure_are_two_bits() {
    let (writable, mut readable) = pass_through(HighWaterMark::items(1).with_low(0));
    readable.pause();
    assert!(writable.write(1).unwrap().is_full());
    assert_eq!(readable.read(), Some(1));
    assert!(!writable.needs_drain() && readable.is_paused());
    assert!(writable.write(2).unwrap().is_full());
    readable.resume();
    assert!(writable.needs_drain(), "resuming drains nothing");
    assert_eq!(given(next(&mut readable)), 2);
}
