//! `Limit`: exact at every cut.

use bytes::Bytes;
use highwater_core::{Error, Readable, Transform};
use highwater_test::{Cue, Cut};
use proptest::prelude::*;

use super::failing;
use crate::{Limit, MeterExt};

/// What passes, and the error behind it.
fn drive<T>(limit: &mut Limit<T>, chunks: impl IntoIterator<Item = T>) -> (Vec<T>, Option<Error>) {
    let outcome = highwater_test::drive(limit, chunks.into_iter().map(Cue::Chunk));
    (outcome.outputs, outcome.error)
}

/// I53: bytes, for each limit and all ways to cut into three.
#[test]
fn bytes_are_limited_exactly_at_every_cut() {
    let input = Bytes::from_static(b"0123456789ab");
    for most in 0..=input.len() + 1 {
        for first in 0..=input.len() {
            for second in first..=input.len() {
                let cut = Cut::at([first, second]);
                let (passed, error) = drive(&mut Limit::bytes(most as u64), cut.chunks(&input));
                let expected = &input[..most.min(input.len())];
                assert_eq!(passed.concat(), expected, "{most}, {cut}");
                assert_eq!(error.is_some(), input.len() > most, "{most}, {cut}");
                if let Some(error) = error {
                    assert!(error.is_limit());
                    assert_eq!(error.offset(), Some(most as u64));
                    assert_eq!(error.to_string(), format!("more than {most} bytes (byte {most})"));
                }
            }
        }
    }
}

/// What passes is the memory that came in, and nothing empty is made up.
#[test]
fn chunks_are_not_copied() {
    let input = Bytes::from(vec![7; 10]);
    let mut limit = Limit::bytes(6);
    let whole = limit.write(input.slice(..4)).unwrap().unwrap();
    assert_eq!((whole.as_ptr(), whole.len()), (input.as_ptr(), 4));
    assert!(!limit.is_done());
    let part = limit.write(input.slice(4..)).unwrap().unwrap();
    assert_eq!((part.as_ptr(), part.len()), (input[4..].as_ptr(), 2));
    assert!(limit.is_done());
    assert!(limit.read().unwrap_err().is_limit());

    // Exactly at the limit there is no part before the error.
    let (passed, error) = drive(&mut Limit::bytes(4), Cut::at([4]).chunks(&input));
    assert_eq!((passed.len(), error.unwrap().offset()), (1, Some(4)));
}

/// Empty chunks weigh nothing, also at the limit.
#[test]
fn empty_chunks_pass() {
    let chunks = ["", "ab", "", ""].map(Bytes::from);
    let (passed, error) = drive(&mut Limit::bytes(2), chunks.clone());
    assert!(error.is_none());
    assert_eq!(passed, chunks);
    let (passed, error) = drive(&mut Limit::bytes(0), [Bytes::new()]);
    assert!(error.is_none() && passed.len() == 1);
}

#[test]
fn items_are_limited_exactly() {
    for most in 0..7_usize {
        let (passed, error) = drive(&mut Limit::items(most as u64), 0..5_usize);
        assert_eq!(passed, (0..most.min(5)).collect::<Vec<_>>());
        assert_eq!(error.is_some(), most < 5);
        if let Some(error) = error {
            assert_eq!(error.to_string(), format!("more than {most} items"));
        }
    }
}

/// Nothing is unlimited by an overflow.
#[test]
fn the_largest_limit() {
    let (passed, error) = drive(&mut Limit::weighed(u64::MAX, |weight| *weight), [usize::MAX, 0]);
    assert!(error.is_none() && passed.len() == 2);
    let (passed, error) = drive(&mut Limit::weighed(u64::MAX, |weight| *weight), [usize::MAX, 1]);
    assert!(error.unwrap().is_limit() && passed.len() == 1);
}

proptest! {
    /// What cannot be cut passes whole or not at all, and nothing passes behind what did not.
    #[test]
    fn weighed_chunks_pass_whole(
        weights in proptest::collection::vec(0..20_usize, 0..20),
        most in 0..200_usize,
    ) {
        let mut sum = 0;
        let fit = weights.iter().take_while(|weight| { sum += **weight; sum <= most }).count();
        let mut limit = Limit::weighed(most as u64, |weight: &usize| *weight);
        let (passed, error) = drive(&mut limit, weights.clone());
        prop_assert_eq!(&passed[..], &weights[..fit]);
        prop_assert_eq!(error.is_some(), fit < weights.len());
    }
}

/// In a stream: the part comes first, the error says where, and nothing follows.
#[tokio::test]
async fn the_error_comes_behind_what_was_allowed() {
    let mut source = Readable::from_iter(["abc", "def", "ghi"].map(Bytes::from)).limit(4);
    assert_eq!(source.next().await.unwrap().unwrap(), "abc");
    assert_eq!(source.next().await.unwrap().unwrap(), "d");
    let error = source.next().await.unwrap().unwrap_err();
    assert!(error.is_limit());
    assert_eq!((error.stage(), error.chunk(), error.offset()), (Some("limit"), Some(1), Some(4)));
    assert!(source.next().await.is_none());
}

/// The source is not kept once it has given too much.
#[tokio::test]
async fn the_source_is_dropped_when_the_limit_is_crossed() {
    let held = std::sync::Arc::new(());
    let watched = std::sync::Arc::clone(&held);
    let endless = std::iter::repeat_with(move || {
        let _ = &watched;
        Bytes::from("abc")
    });
    let mut source = Readable::from_iter(endless).limit(4);
    source.next().await.unwrap().unwrap();
    assert_eq!(std::sync::Arc::strong_count(&held), 2);
    assert_eq!(source.next().await.unwrap().unwrap(), "a");
    assert_eq!(std::sync::Arc::strong_count(&held), 1);
}

/// The failure of a source is not taken for a limit, nor the other way round.
#[tokio::test]
async fn an_error_of_the_source_passes() {
    let error = failing().limit_items(2).to_vec().await.unwrap_err();
    assert_eq!(error.to_string(), "unplugged (in from_results)");
    let error = failing().limit_items(1).to_vec().await.unwrap_err();
    assert!(error.is_limit());
    assert_eq!(error.chunk(), Some(1));
}
