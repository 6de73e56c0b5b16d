//! N15 to N24: corks and batches.

use highwater_core::{Destination, Error, HighWaterMark, Result, Writable};

use crate::buffer::made::{Pieces, settle};

fn pieces() -> (Pieces, Writable<u32>) {
    let pieces = Pieces::default();
    let writable = Writable::new(pieces.clone(), HighWaterMark::items(16));
    (pieces, writable)
}

fn write(writable: &Writable<u32>, chunks: impl IntoIterator<Item = u32>) {
    for chunk in chunks {
        assert!(!writable.write(chunk).unwrap().is_full());
    }
}

#[tokio::test]
async fn n018_the_end_opens_every_cork() {
    let (pieces, writable) = pieces();
    pieces.demand.allow(1);
    let _corks = [writable.cork(), writable.cork(), writable.cork()];
    write(&writable, [1, 2, 3]);
    settle().await;
    assert!(pieces.sent.lock().unwrap().is_empty());
    writable.finish().await.unwrap();
    assert_eq!(*pieces.sent.lock().unwrap(), [vec![1, 2, 3]]);
}

#[tokio::test]
async fn n019_an_uncork_during_a_write_starts_nothing() {
    let (pieces, writable) = pieces();
    write(&writable, [0]);
    settle().await;
    let cork = writable.cork();
    write(&writable, [1, 2]);
    drop(cork);
    settle().await;
    assert!(pieces.sent.lock().unwrap().is_empty(), "0 is being written");
    pieces.demand.allow(2);
    writable.finish().await.unwrap();
    assert_eq!(*pieces.sent.lock().unwrap(), [vec![0], vec![1, 2]]);
}

#[tokio::test]
async fn n020_a_write_that_completes_opens_no_cork() {
    let (pieces, writable) = pieces();
    write(&writable, [0]);
    settle().await;
    let cork = writable.cork();
    write(&writable, [1, 2]);
    pieces.demand.allow(9);
    settle().await;
    assert_eq!(*pieces.sent.lock().unwrap(), [vec![0]]);
    assert_eq!(writable.buffered(), 2);
    drop(cork);
    settle().await;
    assert_eq!(*pieces.sent.lock().unwrap(), [vec![0], vec![1, 2]]);
}

/// Accepts every chunk, and cannot send them.
struct Unsendable;

impl Destination for Unsendable {
    type Chunk = u32;

    fn accept(&mut self, _: u32) -> Result<Option<u32>> {
        Ok(None)
    }

    async fn write(&mut self, _: u32) -> Result<()> {
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        Err(Error::msg("no batches"))
    }
}

#[tokio::test]
async fn n023_a_batch_that_fails_is_everybodys_error() {
    let writable = Writable::new(Unsendable, HighWaterMark::items(2).with_low(0));
    let other = writable.clone();
    write(&writable, [1]);
    assert!(other.write(2).unwrap().is_full());
    settle().await;
    let failures = [writable.drain().await, other.finish().await, writable.finished().await];
    for failure in failures {
        assert!(failure.unwrap_err().to_string().starts_with("no batches"));
    }
}

#[tokio::test]
async fn n024_a_destroy_fails_what_is_corked() {
    let (pieces, writable) = pieces();
    let cork = writable.cork();
    write(&writable, [1, 2]);
    writable.destroy(Error::msg("enough"));
    assert_eq!(writable.buffered(), 0);
    drop(cork);
    assert!(writable.finish().await.unwrap_err().to_string().starts_with("enough"));
    assert!(pieces.sent.lock().unwrap().is_empty());
}
