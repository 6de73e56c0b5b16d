//! `read_bytes` and `readable_bytes`: so many bytes, however the chunks were cut.

use bytes::Bytes;
use futures::poll;
use highwater_core::{Budget, Error, HighWaterMark, Readable, Result, pass_through};
use proptest::prelude::*;
use std::pin::pin;

fn chunks_of(text: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let (mut rest, mut chunks) = (text, Vec::new());
    for size in sizes.iter().cycle().take(text.len() + sizes.len()) {
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        chunks.push(Bytes::copy_from_slice(chunk));
        rest = after;
    }
    chunks.push(Bytes::copy_from_slice(rest));
    chunks
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Any cuts on the way in and any sizes on the way out give the same bytes, with a writer that waits for room.
    #[test]
    fn the_bytes_are_those_that_were_written(
        text in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(0_usize..9, 1..6),
        sizes in prop::collection::vec(1_usize..40, 1..6),
        mark in 1_usize..20,
        by_items in any::<bool>(),
    ) {
        prop_assume!(cuts.iter().any(|cut| *cut > 0));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read: Result<Vec<u8>> = runtime.block_on(async {
            let mark = if by_items { HighWaterMark::items(mark) } else { HighWaterMark::bytes(mark) };
            let budget = Budget::new(64);
            let (writable, mut readable) = pass_through(mark.with_budget(&budget));
            let writes = async {
                for chunk in chunks_of(&text, &cuts) {
                    writable.send(chunk).await?;
                }
                writable.finish().await
            };
            let reads = async {
                let mut all = Vec::new();
                for size in sizes.iter().cycle() {
                    if !readable.readable_bytes(*size).await? {
                        break;
                    }
                    let read = readable.read_bytes(*size).expect("it is there");
                    assert!(read.len() == *size || all.len() + read.len() == text.len());
                    all.extend_from_slice(&read);
                }
                Ok::<_, Error>(all)
            };
            let (written, all) = tokio::join!(writes, reads);
            written?;
            assert_eq!(budget.used(), 0);
            all
        });
        prop_assert_eq!(read.unwrap(), text);
    }
}

async fn rest(mut readable: Readable<highwater_core::Buffered<Bytes>>) -> Result<()> {
    while let Some(chunk) = readable.next().await {
        chunk?;
    }
    Ok(())
}

/// Of a failed stream, what came before the error is read first, also when it is less than was asked for.
#[tokio::test]
async fn an_error_comes_behind_the_bytes_before_it() -> Result<()> {
    let (writable, mut readable) = pass_through(HighWaterMark::bytes(100));
    writable.send(Bytes::from_static(b"abc")).await?;
    writable.fail(Error::msg("broken"));
    assert!(readable.readable_bytes(10).await?);
    assert_eq!(readable.read_bytes(2).unwrap(), "ab");
    assert_eq!(readable.read_bytes(10).unwrap(), "c");
    assert_eq!(readable.read_bytes(10), None);
    assert_eq!(readable.readable_bytes(1).await.unwrap_err().to_string(), "broken");
    assert!(rest(readable).await.unwrap_err().to_string().contains("broken"));
    Ok(())
}

/// More than the mark is waited for without a lock-up, and a wait that is dropped loses nothing.
#[tokio::test]
async fn more_than_the_mark_can_be_waited_for() -> Result<()> {
    let (writable, mut readable) = pass_through(HighWaterMark::bytes(4));
    {
        let mut wait = pin!(readable.readable_bytes(10));
        for _ in 0..2 {
            assert!(poll!(wait.as_mut()).is_pending());
            writable.send(Bytes::from_static(b"1234")).await?;
        }
        assert!(poll!(wait.as_mut()).is_pending());
    }
    assert_eq!(readable.read_bytes(10), None);
    writable.send(Bytes::from_static(b"56")).await?;
    writable.end();
    assert!(readable.readable_bytes(10).await?);
    assert_eq!(readable.read_bytes(10).unwrap(), "1234123456");
    assert!(!readable.readable_bytes(1).await?);
    rest(readable).await
}

/// What a part was taken of comes as a chunk afterwards, and a destroy drops all of it.
#[tokio::test]
async fn the_rest_of_a_chunk_stays() -> Result<()> {
    let (writable, mut readable) = pass_through(HighWaterMark::bytes(100));
    writable.send(Bytes::from_static(b"abcdef")).await?;
    writable.send(Bytes::from_static(b"gh")).await?;
    assert_eq!(readable.read_bytes(4).unwrap(), "abcd");
    assert_eq!(readable.buffered(), 4);
    assert_eq!(readable.next().await.unwrap()?, "ef");
    writable.destroy(Error::msg("away"));
    assert_eq!(readable.read_bytes(1), None);
    assert_eq!(readable.readable_bytes(1).await.unwrap_err().to_string(), "away");
    Ok(())
}
