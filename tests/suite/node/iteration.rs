//! N90 to N97: iterating, and `from`.

use std::sync::atomic::Ordering::SeqCst;

use highwater_core::Readable;
use highwater_test::{Cue, Tokens};

use super::counted;
use crate::support::{Event, Log, chunks_of, run_woken, script};

#[test]
fn n090_leaving_a_loop_drops_the_source() {
    let log = Log::default();
    let mut readable = script(&log, &chunks_of(0..9));
    let left = run_woken(async {
        while let Some(chunk) = readable.next().await {
            if chunk? == 2 {
                return Err(highwater_core::Error::msg("my own"));
            }
        }
        Ok(())
    });
    assert_eq!(left.unwrap().output.unwrap_err().to_string(), "my own");
    drop(readable);
    assert_eq!((log.count(Event::SourceDropped), log.count(Event::Poll)), (1, 3));
}

#[test]
fn n092_what_was_lent_to_a_loop_goes_on_behind_it() {
    let log = Log::default();
    let mut readable = script(&log, &chunks_of(0..4));
    let first = run_woken(readable.by_ref().find(|x| *x == 1)).unwrap().output.unwrap();
    assert_eq!((first, log.count(Event::SourceDropped)), (Some(1), 0));
    assert_eq!(run_woken(readable.to_vec()).unwrap().output.unwrap(), [2, 3]);
    assert_eq!(log.count(Event::SourceDropped), 1);
}

#[tokio::test]
async fn n095_an_iterator_is_asked_for_one_at_a_time_and_dropped_once() {
    let tokens = Tokens::new();
    let held = tokens.token(());
    let (numbers, made) = counted(9);
    let mut readable = Readable::from_iter(numbers.inspect(move |_| {
        let _held = &held;
    }));
    assert_eq!(readable.next().await.unwrap().unwrap(), 0);
    assert_eq!((made.load(SeqCst), tokens.alive()), (1, 1));
    drop(readable);
    assert_eq!((made.load(SeqCst), tokens.alive()), (1, 0));
}

#[tokio::test]
async fn n097_a_text_is_one_chunk() {
    assert_eq!(Readable::once("text").to_vec().await.unwrap(), ["text"]);
}

#[test]
fn n094_what_has_ended_ends_again_at_once() {
    let mut readable = script(&Log::default(), &[Cue::Chunk(1), Cue::Error]);
    run_woken(async {
        assert_eq!(readable.next().await.unwrap().unwrap(), 1);
        assert!(readable.next().await.unwrap().is_err());
        for _ in 0..3 {
            assert!(readable.next().await.is_none());
        }
    })
    .unwrap();
}
