//! N164 to N168: items, wrapping, and what can be asked.

use highwater_core::{Error, HighWaterMark, Readable, Writable, pass_through};

use super::ends;
use crate::buffer::rules::next;

#[tokio::test]
async fn n164_nothing_like_values_are_values() {
    let zeros = Readable::from_iter([0, 0]).map(|n| n).to_vec().await.unwrap();
    assert_eq!(zeros, [0, 0]);
    let nones = Readable::from_iter([None, Some(1), None]).map(|n| n).to_vec().await.unwrap();
    assert_eq!(nones, [None, Some(1), None]);
    let empty = Readable::from_iter(["", "a", ""]).filter(|_| true).to_vec().await.unwrap();
    assert_eq!(empty, ["", "a", ""]);
}

#[tokio::test]
async fn n165_an_identity_keeps_the_chunks_as_they_are() {
    let chunks = ["ab", "", "cde", "f"].map(bytes::Bytes::from);
    let same = Readable::from_iter(chunks.clone()).map(|chunk| chunk).to_vec().await.unwrap();
    assert_eq!(same, chunks);
}

#[tokio::test]
async fn n167_a_foreign_source_is_held_back_and_its_error_comes_in_its_place() {
    let (mut sender, receiver) = futures::channel::mpsc::channel::<Result<u32, Error>>(0);
    let mut readable = Readable::from_results(receiver);
    assert!(sender.try_send(Ok(1)).is_ok());
    assert!(sender.try_send(Ok(2)).is_err(), "nobody has read");
    assert_eq!(readable.next().await.unwrap().unwrap(), 1);
    assert!(sender.try_send(Err(Error::msg("foreign"))).is_ok());
    assert!(readable.next().await.unwrap().unwrap_err().to_string().starts_with("foreign"));
    assert!(readable.next().await.is_none());
    assert!(sender.is_closed(), "it was let go");
}

/// Ended, finished, destroyed, failed.
fn states(writable: &Writable<u32>) -> [bool; 4] {
    let failed = writable.error().is_some();
    [writable.is_ended(), writable.is_finished(), writable.is_destroyed(), failed]
}

#[test]
fn n168_what_can_be_asked_agrees_behind_every_step() {
    let (writable, mut readable) = ends(4);
    assert_eq!(states(&writable), [false; 4]);
    writable.end();
    assert_eq!(states(&writable), [true, false, false, false]);
    drop(next(&mut readable));
    assert_eq!(states(&writable), [true, true, false, false]);
    writable.destroy(None);
    assert_eq!(states(&writable), [true, true, false, false], "it is over");

    let (writable, readable) = pass_through(HighWaterMark::items(4));
    drop(readable);
    assert_eq!(states(&writable), [false, false, true, true]);
    writable.end();
    assert_eq!(states(&writable), [false, false, true, true], "it was destroyed first");

    let (writable, _readable) = ends(4);
    writable.end();
    writable.destroy(None);
    assert_eq!(states(&writable), [false, false, true, true], "it did not come to its end");

    let (writable, mut readable) = ends(4);
    writable.fail(Error::msg("behind the last"));
    assert_eq!(states(&writable), [true, false, false, false]);
    drop(next(&mut readable));
    assert_eq!(states(&writable), [true, false, false, true]);
}
