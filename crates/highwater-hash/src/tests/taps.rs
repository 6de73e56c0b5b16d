//! What passes, what is delivered, and when not.

use bytes::Bytes;
use highwater_core::{BoxReadable, Error, Readable, Result, Transform};
use highwater_test::{Cue, drive};

use super::pattern;
use crate::{Algorithm, Hash, HashExt, Verify};

/// What passes through a machine.
fn passed<M: Transform<Input = Bytes>>(machine: &mut M, chunks: &[Bytes]) -> Vec<M::Output> {
    let outcome = drive(machine, chunks.iter().cloned().map(Cue::Chunk));
    assert!(outcome.error.is_none());
    outcome.outputs
}

/// The chunks that come out are those that went in: the same memory, empty ones included.
#[test]
fn chunks_pass_untouched_and_are_not_copied() {
    let whole = Bytes::from(pattern(100));
    let chunks = [whole.slice(..0), whole.slice(..60), whole.slice(60..60), whole.slice(60..)];
    let mut hash = Hash::new();
    let _digest = hash.digest(Algorithm::Sha256);
    let places = |chunks: &[Bytes]| -> Vec<_> {
        chunks.iter().map(|chunk| (chunk.as_ptr(), chunk.len())).collect()
    };
    assert_eq!(places(&passed(&mut hash, &chunks)), places(&chunks));
    let mut verify = Verify::new(Algorithm::Sha256.digest(&whole));
    assert_eq!(places(&passed(&mut verify, &chunks)), places(&chunks));
}

/// One pass for all of them, asked for twice as well.
#[test]
fn several_digests_at_once() {
    let input = Bytes::from(pattern(1000));
    let mut hash = Hash::new();
    let twice = Algorithm::ALL.iter().chain(Algorithm::ALL);
    let handles: Vec<_> = twice.map(|&algorithm| (algorithm, hash.digest(algorithm))).collect();
    passed(&mut hash, &[input.slice(..333), input.slice(333..)]);
    assert_eq!(handles.len(), 2 * Algorithm::ALL.len());
    for (algorithm, mut handle) in handles {
        assert_eq!(handle.try_get().unwrap().unwrap(), algorithm.digest(&input));
    }
}

#[test]
fn a_tap_that_makes_no_digest_is_a_pipe() {
    assert_eq!(passed(&mut Hash::new(), &[Bytes::from("a")]), ["a"]);
    assert_eq!(Hash::new().max_bytes(), Some(0));
}

/// Nobody has to want what was asked for.
#[test]
fn a_dropped_handle_disturbs_nobody() {
    let mut hash = Hash::new();
    drop(hash.digest(Algorithm::Sha256));
    let mut kept = hash.digest(Algorithm::Sha256);
    passed(&mut hash, &[Bytes::from("abc")]);
    assert_eq!(kept.try_get().unwrap().unwrap(), Algorithm::Sha256.digest(b"abc"));
}

/// Before the end there is nothing; afterwards it is there for ever, whoever asks.
#[tokio::test]
async fn a_digest_is_there_at_the_end_and_not_before() {
    let mut hash = Hash::new();
    let mut digest = hash.digest(Algorithm::Sha256);
    assert!(digest.try_get().is_none());
    hash.write(Bytes::from("abc")).unwrap();
    assert!(digest.try_get().is_none());
    hash.end().unwrap();
    let expected = Algorithm::Sha256.digest(b"abc");
    assert_eq!((&mut digest).await.unwrap(), expected);
    assert_eq!(digest.try_get().unwrap().unwrap(), expected);
    assert_eq!((&mut digest).await.unwrap(), expected);
    drop(hash);
    assert_eq!(digest.await.unwrap(), expected);
}

/// Whoever waits is woken when the stream ends, and when it is dropped.
#[tokio::test]
async fn who_waits_is_woken() {
    for end in [true, false] {
        let mut hash = Hash::new();
        let digest = hash.digest(Algorithm::Sha256);
        let waiting = highwater_core::task::spawn(digest);
        tokio::task::yield_now().await;
        if end {
            hash.end().unwrap();
        }
        drop(hash);
        let result = waiting.await.unwrap();
        assert_eq!(result.is_ok(), end);
    }
}

fn failing() -> BoxReadable<Bytes> {
    let chunks = [Ok(Bytes::from("a")), Err(Error::msg("unplugged")), Ok(Bytes::from("b"))];
    Readable::from_results(futures::stream::iter(chunks)).boxed()
}

/// I59: no digest of a part, on an error, a drop or an early stop.
#[tokio::test]
async fn there_is_no_digest_of_a_part() {
    let tapped = |source: BoxReadable<Bytes>| {
        let mut hash = Hash::new();
        let digest = hash.digest(Algorithm::Sha256);
        (source.hash(hash), digest)
    };
    let (source, digest) = tapped(failing());
    assert_eq!(source.to_vec().await.unwrap_err().to_string(), "unplugged (in from_results)");
    let error = digest.await.unwrap_err();
    assert!(error.is_premature_close());
    assert_eq!(error.stage(), Some("hash"));

    let (mut source, mut digest) = tapped(failing());
    source.next().await.unwrap().unwrap();
    assert!(digest.try_get().is_none());
    drop(source);
    assert!(digest.try_get().unwrap().unwrap_err().is_premature_close());
    assert!(digest.await.unwrap_err().is_premature_close());

    let (source, digest) = tapped(Readable::from_iter(["a", "b"].map(Bytes::from)).boxed());
    assert_eq!(source.take(1).to_vec().await.unwrap(), ["a"]);
    assert!(digest.await.unwrap_err().is_premature_close());
}

/// Before an upstream error a machine is told to release what it holds: that is not an end.
#[test]
fn a_release_delivers_nothing() {
    let mut hash = Hash::new();
    let mut digest = hash.digest(Algorithm::Sha256);
    hash.write(Bytes::from("a")).unwrap();
    hash.release().unwrap();
    assert!(digest.try_get().is_none());
    hash.write(Bytes::from("bc")).unwrap();
    hash.end().unwrap();
    assert_eq!(digest.try_get().unwrap().unwrap(), Algorithm::Sha256.digest(b"abc"));
}

/// F49: the error says what was expected, what was found, and where.
#[tokio::test]
async fn a_wrong_digest_is_an_error_with_both() {
    let (found, expected) = (Algorithm::Sha256.digest(b"ab"), Algorithm::Sha256.digest(b"abc"));
    let mut source = Readable::from_iter(["a", "b"].map(Bytes::from)).verify(expected);
    assert_eq!(source.next().await.unwrap().unwrap(), "a");
    assert_eq!(source.next().await.unwrap().unwrap(), "b");
    let error = source.next().await.unwrap().unwrap_err();
    assert!(error.is_corrupt());
    assert_eq!(error.stage(), Some("verify"));
    let text = error.to_string();
    assert!(text.contains(&found.to_string()) && text.contains(&expected.to_string()), "{text}");
    assert!(source.next().await.is_none());
}

/// What failed before its end is not judged: the error is that of the source.
#[tokio::test]
async fn a_failed_stream_is_not_verified() {
    let error = failing().verify(Algorithm::Sha256.digest(b"a")).to_vec().await.unwrap_err();
    assert!(!error.is_corrupt() && error.to_string().contains("unplugged"));
    assert!(error.suppressed().is_empty());
}

#[tokio::test]
async fn the_digest_of_a_stream() -> Result<()> {
    let digest = Readable::from_iter(["a", "", "bc"].map(Bytes::from)).digest(Algorithm::Sha256);
    assert_eq!(digest.await?, Algorithm::Sha256.digest(b"abc"));
    let error = failing().digest(Algorithm::Sha256).await.unwrap_err();
    assert!(error.to_string().contains("unplugged"));
    Ok(())
}

/// A task may be given all of it.
#[test]
fn everything_is_send() {
    fn is_send<T: Send>(_: T) {}
    let mut hash = Hash::new();
    is_send(hash.digest(Algorithm::Sha256));
    is_send(hash);
    is_send(Verify::new(Algorithm::Sha256.digest(b"")));
    is_send(Readable::once(Bytes::new()).digest(Algorithm::Sha256));
}
