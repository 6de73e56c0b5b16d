//! The scripted source.

use std::pin::pin;
use std::task::Poll;

use crate::{Cue, Event, Log, Script, drive, poll_once, run_woken};

/// A source that ends too early is not one that ended, and a machine is told as of any error.
#[test]
fn a_premature_close() {
    let log = Log::default();
    let mut readable = Script::new(&log, [Cue::Chunk(1), Cue::PrematureClose]).readable();
    let reading = async {
        let first = readable.next().await;
        (first, readable.next().await, readable.next().await)
    };
    let (first, second, third) = run_woken(reading).expect("woken").output;
    assert_eq!(first.and_then(Result::ok), Some(1));
    assert!(second.is_some_and(|item| item.is_err_and(|error| error.is_premature_close())));
    assert!(third.is_none());

    let mut copy = highwater_core::operators::Map::new(|x: u32| x);
    let outcome = drive(&mut copy, [Cue::Chunk(1), Cue::PrematureClose, Cue::Chunk(2)]);
    assert_eq!(outcome.outputs, [1]);
    assert!(outcome.error.is_some_and(|error| error.is_premature_close()));
}

/// What a source is asked behind its end is seen in the log, and in what it gives.
#[test]
fn a_poll_behind_the_end() {
    let log = Log::<u32>::default();
    let mut script = Script::new(&log, []);
    for (round, expected) in [None, Some("the source was polled after its end")].iter().enumerate()
    {
        let next =
            std::future::poll_fn(|cx| futures_core::Stream::poll_next(pin!(&mut script), cx));
        let Poll::Ready(item) = poll_once(pin!(next)) else { panic!("it is pending") };
        let text = item.map(|item| item.expect_err("no chunk").to_string());
        assert_eq!(text.as_deref(), *expected);
        assert_eq!(log.count(Event::PollAfterEnd), round);
    }
}
