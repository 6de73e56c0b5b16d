//! The writing end as a `Sink`.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use bytes::Bytes;
use futures::{Sink, SinkExt};
use highwater_core::{HighWaterMark, Writable, pass_through};
use highwater_test::{Woken, poll_once};

use super::rules::{given, items, next};

/// The `Sink` waits in the same line, and its close is the end.
#[test]
fn a_sink_waits_in_line_and_closes_with_the_end() {
    let (mut writable, readable) = items(2);
    let mut tasks = Woken::new();
    let written = tasks.spawn(async move {
        for x in 0..20 {
            writable.feed(x).await?;
        }
        SinkExt::close(&mut writable).await
    });
    let read = tasks.spawn(readable.to_vec());
    tasks.run();
    assert!(written.take().unwrap().is_ok());
    assert!(read.take().unwrap().unwrap().into_iter().eq(0..20));
}

/// C43: a slot of the sink that is not used is free again.
#[test]
fn a_slot_of_the_sink_that_is_not_used_is_free_again() {
    let (writable, mut readable) = items(1);
    let mut idle = writable.clone();
    assert!(poll_once(pin!(poll_fn(|cx| Pin::new(&mut idle).poll_ready(cx)))).is_ready());
    let mut waits = pin!(writable.reserve());
    assert!(poll_once(waits.as_mut()).is_pending());
    drop(idle);
    assert!(poll_once(waits.as_mut()).is_ready());
    assert!(next(&mut readable).is_pending());
}

/// B18: the `Sink` keeps room for what it is about to be given, in whatever unit.
#[test]
fn sinks_by_weight_take_turns() {
    let (mut one, mut readable) = pass_through(HighWaterMark::bytes(8));
    let mut two = one.clone();
    let ready = |sink: &mut Writable<Bytes>| {
        poll_once(pin!(poll_fn(|cx| Pin::new(&mut *sink).poll_ready(cx)))).is_ready()
    };
    assert!(ready(&mut one) && !ready(&mut two));
    one.start_send_unpin(Bytes::from(vec![0; 20])).unwrap();
    assert!(!ready(&mut two));
    given(next(&mut readable));
    assert!(ready(&mut two));
    two.start_send_unpin(Bytes::from(vec![0; 20])).unwrap();
    assert_eq!(one.buffered(), 20);
}
