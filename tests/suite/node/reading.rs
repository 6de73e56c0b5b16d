//! N69 to N81: reading, putting back, and the end.

use std::pin::pin;

use bytes::Bytes;
use futures::FutureExt;
use highwater_core::{Error, HighWaterMark, Readable, pass_through};
use tokio::io::{AsyncReadExt, ErrorKind};

use super::{at_hand, ends, is_finished, seen};
use crate::buffer::rules::{failed, given, next};

fn bytes<const N: usize>(chunks: [&'static str; N]) -> [Bytes; N] {
    chunks.map(Bytes::from)
}

#[tokio::test]
async fn n069_so_many_bytes_or_an_error() {
    let mut reader = Readable::from_iter(bytes(["ab", "cde", "f"])).into_async_read();
    let mut four = [0; 4];
    reader.read_exact(&mut four).await.unwrap();
    assert_eq!(&four, b"abcd");
    let error = reader.read_exact(&mut four).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(&four[..2], b"ef", "what is left is there");
}

#[tokio::test]
async fn n070_reading_more_than_the_mark_leaves_the_mark_alone() {
    let (writable, readable) = pass_through(HighWaterMark::<Bytes>::bytes(4));
    let write = async {
        for chunk in bytes(["abc", "def", "gh"]) {
            writable.send(chunk).await?;
        }
        writable.finish().await
    };
    let mut all = [0; 8];
    let mut reader = readable.into_async_read();
    let (written, read) = tokio::join!(write, async {
        reader.read_exact(&mut all).await?;
        reader.read(&mut [0; 1]).await
    });
    written.unwrap();
    assert_eq!((read.unwrap(), &all), (0, b"abcdefgh"));
    assert_eq!(writable.high_water_mark().high(), 4);
}

#[test]
fn n071_chunks_come_out_as_they_went_in() {
    let (writable, mut readable) = pass_through(HighWaterMark::<Bytes>::bytes(100));
    for chunk in bytes(["ab", "c", "def"]) {
        assert!(!writable.write(chunk).unwrap().is_full());
    }
    assert_eq!(readable.read().unwrap(), "ab");
    assert_eq!(at_hand(&mut readable), ["c", "def"]);
}

#[test]
fn n073_the_end_comes_once_behind_the_last_chunk_when_somebody_reads() {
    let (writable, mut readable) = ends(4);
    let mut events = writable.control().events();
    assert!(!writable.write(1).unwrap().is_full());
    writable.end();
    assert!(readable.readable().now_or_never().unwrap().unwrap());
    assert!(seen(&mut events).is_empty());
    assert_eq!(readable.read(), Some(1));
    assert!(seen(&mut events).is_empty(), "nobody has seen the end");
    for _ in 0..3 {
        assert!(!readable.readable().now_or_never().unwrap().unwrap());
    }
    assert_eq!(seen(&mut events), ["End", "Finish", "Close"]);
}

#[test]
fn n075_what_is_put_back_is_the_very_first() {
    let (writable, mut readable) = ends(8);
    assert!((3..6).all(|x| !writable.write(x).unwrap().is_full()));
    assert_eq!(given(next(&mut readable)), 3);
    for x in [3, 2, 1] {
        readable.unshift(x).unwrap();
    }
    assert_eq!(readable.buffered(), 5);
    assert_eq!(at_hand(&mut readable), [1, 2, 3, 4, 5]);
}

#[test]
fn n076_putting_back_is_in_time_until_the_end_was_seen() {
    let (writable, mut readable) = ends(4);
    assert!(!writable.write(2).unwrap().is_full());
    writable.end();
    assert_eq!(readable.read(), Some(2));
    readable.unshift(1).unwrap();
    assert_eq!(given(next(&mut readable)), 1, "it puts the end off");
    assert!(matches!(next(&mut readable), std::task::Poll::Ready(None)));
    assert_eq!(readable.unshift(0).unwrap_err().into_chunk(), 0);
}

#[test]
fn n078_a_destroy_gives_the_error_and_nothing_that_was_buffered() {
    for reason in [Some(Error::msg("enough")), None] {
        let (writable, mut readable) = ends(4);
        assert!((0..3).all(|x| !writable.write(x).unwrap().is_full()));
        let premature = reason.is_none();
        writable.destroy(reason);
        assert_eq!(failed(next(&mut readable)).is_premature_close(), premature);
        assert!(matches!(next(&mut readable), std::task::Poll::Ready(None)));
    }
}

#[test]
fn n079_behind_a_destroy_nothing_is_read_any_more() {
    let (writable, mut readable) = ends(4);
    let control = readable.control();
    assert!((0..3).all(|x| !writable.write(x).unwrap().is_full()));
    assert_eq!(given(next(&mut readable)), 0, "the others have been taken out with it");
    control.destroy(None);
    assert_eq!(readable.read(), None);
    failed(next(&mut readable));
}

#[test]
fn n080_what_was_cut_short_is_told_from_what_has_ended() {
    for reads in [true, false] {
        let (writable, readable) = ends(4);
        let control = writable.control();
        let mut readable = pin!(readable);
        assert!(!writable.write(1).unwrap().is_full());
        writable.end();
        assert_eq!(is_finished(&control), None);
        if reads {
            assert_eq!(at_hand(&mut readable), [1]);
        } else {
            control.destroy(None);
        }
        assert_eq!(is_finished(&control), Some(reads));
    }
}
