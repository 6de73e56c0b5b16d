//! N39 to N57: destroying and closing.

use std::pin::pin;

use futures::FutureExt;
use highwater_core::{Destination, Error, HighWaterMark, Result, Writable};
use highwater_test::{Demand, Log, Op, Recorder, Trouble, When, poll_once};

use super::{ends, seen};
use crate::buffer::made::settle;
use crate::buffer::rules::{failed, next};

/// A destination that never completes its first write.
fn stuck(log: &Log<u32>) -> Writable<u32> {
    Writable::new(
        Recorder::new(log).with_demand(&Demand::new()),
        HighWaterMark::items(2).with_low(0),
    )
}

#[test]
fn n039_a_destroy_counts_at_once_and_is_told_once() {
    let (writable, mut readable) = ends(4);
    let mut events = writable.control().events();
    writable.destroy(Error::msg("enough"));
    assert!(writable.is_destroyed());
    assert!(writable.write(1).is_err());
    failed(next(&mut readable));
    assert_eq!(seen(&mut events), ["Error", "Close"]);
}

#[tokio::test]
async fn n044_no_finish_behind_a_destroy() {
    let log = Log::default();
    let writable = stuck(&log);
    assert!(!writable.write(1).unwrap().is_full());
    settle().await;
    let mut events = writable.control().events();
    writable.end();
    writable.destroy(None);
    assert!(writable.finished().await.unwrap_err().is_premature_close());
    assert_eq!(log.calls(), "open, write 1, abort");
    assert!(!seen(&mut events).contains(&"Finish".to_owned()));
}

#[tokio::test]
async fn n045_what_is_queued_at_a_destroy_is_dropped_and_its_error_told() {
    let log = Log::default();
    let writable = stuck(&log);
    assert!(!writable.write(0).unwrap().is_full());
    settle().await;
    assert!(writable.write(1).unwrap().is_full());
    writable.destroy(Error::msg("enough"));
    assert_eq!(writable.buffered(), 0);
    assert!(writable.finished().await.unwrap_err().to_string().starts_with("enough"));
    assert_eq!(log.calls(), "open, write 0, abort");
    assert!(log.reasons()[0].starts_with("enough"), "{:?}", log.reasons());
}

#[tokio::test]
async fn n046_a_destroy_is_told_though_the_write_never_completes() {
    let log = Log::default();
    let writable = stuck(&log);
    assert_eq!((0..2).filter(|x| writable.write(*x).unwrap().is_full()).count(), 1);
    settle().await;
    let mut drain = pin!(writable.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    writable.destroy(Error::msg("enough"));
    assert!(drain.now_or_never().unwrap().is_err(), "at once");
    assert!(writable.finished().await.is_err());
}

#[tokio::test]
async fn n047_an_end_behind_a_destroy_is_told() {
    let (writable, _readable) = ends(4);
    writable.destroy(None);
    assert!(writable.finish().now_or_never().unwrap().unwrap_err().is_premature_close());
    let writable = stuck(&Log::default());
    writable.destroy(None);
    assert!(writable.finish().await.unwrap_err().is_premature_close());
}

#[test]
fn n048_a_write_behind_a_destroy_changes_nothing() {
    let (writable, _readable) = ends(4);
    let mut events = writable.control().events();
    writable.destroy(Error::msg("first"));
    let refused = writable.write(7).unwrap_err();
    assert!(refused.error().to_string().starts_with("first"));
    assert_eq!(refused.into_chunk(), 7);
    assert_eq!(seen(&mut events), ["Error", "Close"]);
}

#[test]
fn n049_a_destroy_between_the_end_and_the_finish() {
    let (writable, mut readable) = ends(4);
    let mut events = writable.control().events();
    assert!(!writable.write(1).unwrap().is_full());
    writable.end();
    writable.destroy(None);
    assert!(writable.finished().now_or_never().unwrap().unwrap_err().is_premature_close());
    assert!(failed(next(&mut readable)).is_premature_close());
    assert_eq!(seen(&mut events), ["Error", "Close"]);
}

/// Opens when it is allowed to.
struct Slow(Recorder<u32>, Demand);

impl Destination for Slow {
    type Chunk = u32;

    async fn open(&mut self) -> Result<()> {
        self.1.take().await;
        self.0.open().await
    }

    async fn write(&mut self, chunk: u32) -> Result<()> {
        self.0.write(chunk).await
    }

    async fn finish(&mut self) -> Result<()> {
        self.0.finish().await
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        self.0.abort(error).await
    }
}

#[tokio::test]
async fn n053_writes_made_before_it_is_open_wait_and_count() {
    let (log, demand) = (Log::default(), Demand::new());
    let writable =
        Writable::new(Slow(Recorder::new(&log), demand.clone()), HighWaterMark::items(2));
    assert_eq!((0..2).filter(|x| writable.write(*x).unwrap().is_full()).count(), 1);
    settle().await;
    assert_eq!((log.calls().as_str(), writable.buffered()), ("", 2));
    demand.allow(1);
    writable.finish().await.unwrap();
    assert_eq!(log.calls(), "open, write 0, write 1, finish");
}

#[tokio::test]
async fn n054_a_failed_open_fails_what_was_written_meanwhile() {
    let log = Log::default();
    let broken = Recorder::new(&log).with_trouble(When::Every(Op::Open), Trouble::Error);
    let writable = Writable::new(broken, HighWaterMark::items(1).with_low(0));
    assert!(writable.write(1).unwrap().is_full());
    assert!(writable.drain().await.is_err());
    assert!(writable.finish().await.is_err());
    assert_eq!((log.calls().as_str(), writable.buffered()), ("open, abort", 0));
}

#[tokio::test]
async fn n055_a_destroy_before_the_open_opens_nothing() {
    let log = Log::default();
    let writable = stuck(&log);
    writable.destroy(Error::msg("enough"));
    assert!(writable.finished().await.unwrap_err().to_string().starts_with("enough"));
    assert_eq!(log.calls(), "");
}
