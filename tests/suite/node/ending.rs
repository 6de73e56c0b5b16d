//! N25 to N38: the end, and errors of writing.

use std::pin::pin;

use futures::FutureExt;
use highwater_core::{Error, HighWaterMark, Writable};
use highwater_test::{Demand, Log, Op, Recorder, Trouble, When, poll_once};

use super::{at_hand, ends, seen};
use crate::buffer::made::settle;
use crate::buffer::rules::next;

#[tokio::test]
async fn n026_it_finishes_only_when_the_last_write_has_completed() {
    let (log, demand) = (Log::default(), Demand::new());
    let writable = Writable::new(Recorder::new(&log).with_demand(&demand), HighWaterMark::items(4));
    assert!((0..2).all(|x| !writable.write(x).unwrap().is_full()));
    let mut finish = pin!(writable.finish());
    for written in 0..2 {
        assert!(poll_once(finish.as_mut()).is_pending(), "{written} are written");
        settle().await;
        assert!(!writable.is_finished());
        demand.allow(1);
    }
    finish.await.unwrap();
    assert_eq!(log.calls(), "open, write 0, write 1, finish");
}

#[tokio::test]
async fn n027_an_end_with_nothing_pending_finishes_later_not_within_the_call() {
    let log = Log::<u32>::default();
    let writable = Writable::new(Recorder::new(&log), HighWaterMark::items(4));
    writable.end();
    assert!(writable.is_ended() && !writable.is_finished());
    writable.finished().await.unwrap();
    assert_eq!(log.calls(), "open, finish");
}

#[test]
fn n028_it_has_ended_at_once_and_finished_when_all_was_read() {
    let (writable, mut readable) = ends(4);
    assert!(!writable.write(1).unwrap().is_full());
    writable.end();
    assert_eq!((writable.is_ended(), writable.is_finished()), (true, false));
    assert_eq!(at_hand(&mut readable), [1]);
    assert_eq!((writable.is_ended(), writable.is_finished()), (true, true));
}

#[tokio::test]
async fn n029_everybody_who_ends_it_is_told_and_it_finishes_once() {
    let log = Log::<u32>::default();
    let writable = Writable::new(Recorder::new(&log).with_pends(2), HighWaterMark::items(4));
    let other = writable.clone();
    let (one, two) = tokio::join!(writable.finish(), other.finish());
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(log.calls(), "open, finish");
}

#[tokio::test]
async fn n030_an_end_behind_the_finish_is_told_of_the_finish() {
    let log = Log::<u32>::default();
    let writable = Writable::new(Recorder::new(&log), HighWaterMark::items(4));
    writable.finish().await.unwrap();
    writable.finish().await.unwrap();
    assert!(writable.error().is_none());
    assert_eq!(log.calls(), "open, finish");
}

#[test]
fn n031_a_write_after_the_end_fails_alone() {
    let (writable, mut readable) = ends(4);
    assert!(!writable.write(1).unwrap().is_full());
    writable.end();
    let (error, chunk) = writable.write(2).unwrap_err().into_parts();
    assert!(error.is_write_after_end());
    assert_eq!(chunk, 2);
    writable.end();
    assert!(writable.error().is_none() && !writable.is_destroyed());
    assert_eq!(at_hand(&mut readable), [1]);
    assert!(writable.finished().now_or_never().unwrap().is_ok(), "what was ended well stays so");
}

#[tokio::test]
async fn n033_an_error_of_a_write_empties_the_buffer_and_ends_it() {
    let log = Log::default();
    let failing = Recorder::new(&log).with_trouble(When::Every(Op::Write), Trouble::Error);
    let writable = Writable::new(failing, HighWaterMark::items(1).with_low(0));
    let mut events = writable.control().events();
    assert!((0..3).all(|x| writable.write(x).unwrap().is_full()));
    writable.end();
    assert!(writable.finished().await.is_err());
    assert_eq!((writable.buffered(), writable.is_finished()), (0, false));
    assert_eq!(log.count_where(|event| matches!(event, highwater_test::Event::Finish)), 0);
    let seen = seen(&mut events);
    assert!(!seen.iter().any(|event| event == "Drain" || event == "Finish"), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "Close");
}

/// How a writer task fails.
#[derive(Clone, Copy)]
enum Failure {
    Write,
    Finish,
    Destroy,
    Fail,
}

/// N34, N39: of a writer task as well, whoever fails it.
#[tokio::test]
async fn n034_one_error_is_told_at_the_most() {
    for failure in [Failure::Write, Failure::Finish, Failure::Destroy, Failure::Fail] {
        let mut recorder = Recorder::new(&Log::default());
        if let Failure::Write | Failure::Finish = failure {
            let op = if matches!(failure, Failure::Write) { Op::Write } else { Op::Finish };
            recorder = recorder.with_trouble(When::Every(op), Trouble::Error);
        }
        let writable = Writable::new(recorder, HighWaterMark::items(4));
        let mut events = writable.control().events();
        assert!(!writable.write(1).unwrap().is_full());
        match failure {
            Failure::Destroy => writable.destroy(Error::msg("enough")),
            Failure::Fail => writable.fail(Error::msg("enough")),
            Failure::Write | Failure::Finish => {}
        }
        assert!(writable.finish().await.is_err());
        let told: Vec<_> = seen(&mut events).into_iter().filter(|event| event != "End").collect();
        assert_eq!(told, ["Error", "Close"]);
    }
}

#[test]
fn n036_an_error_stays_known_also_behind_an_end() {
    let (writable, mut readable) = ends(4);
    writable.end();
    writable.destroy(Error::msg("enough"));
    for _ in 0..2 {
        assert!(writable.error().unwrap().to_string().starts_with("enough"));
        assert!(writable.is_destroyed() && !writable.is_finished());
        drop(next(&mut readable));
    }
}
