//! Compressing on several cores: C64, C66 to C68, I58.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use highwater_core::{Error, Readable, Result};

use super::{Random, SEED, pack, pieces, unpack};
use crate::{Gunzip, Gzip, GzipExt, Header, ParallelGzip};

const BLOCK: usize = 32 * 1024;

fn small_blocks(threads: usize) -> ParallelGzip {
    ParallelGzip::threads(threads).with_block_size(BLOCK)
}

async fn packed(settings: ParallelGzip, text: &[u8], chunk: usize) -> Bytes {
    let chunks: Vec<Bytes> = pieces(text, chunk).collect();
    Readable::from_iter(chunks).parallel_gzip(settings).to_bytes().await.unwrap()
}

/// One valid member, whatever the number of threads and the chunks, and always the same one.
#[tokio::test]
async fn the_result_is_one_member_and_always_the_same() {
    let mut random = Random(SEED);
    for text in [vec![], vec![7], random.text(BLOCK), random.text(10 * BLOCK), random.bytes(99_999)]
    {
        let first = packed(small_blocks(1), &text, 1 << 20).await;
        let gunzip = Gunzip::new().single_member();
        let info = gunzip.info();
        assert!(unpack(gunzip, &first).whole() == text);
        assert_eq!((info.members(), info.header()), (1, Some(Header::default())));
        for threads in [1, 2, 5] {
            for chunk in [100, BLOCK - 1, BLOCK, BLOCK + 1, 1 << 20] {
                let again = packed(small_blocks(threads), &text, chunk).await;
                assert!(again == first, "{threads} threads, {chunk} bytes at a time");
            }
        }
    }
}

#[tokio::test]
async fn every_level_comes_back_and_costs_less_than_a_percent() {
    let text = Random(SEED).text(1 << 20);
    for level in 0..=9 {
        let many = packed(ParallelGzip::all_cores().with_level(level), &text, 1 << 16).await;
        assert!(unpack(Gunzip::new(), &many).whole() == text, "level {level}");
        let one = pack(Gzip::new(level), text.clone());
        assert!(many.len() * 100 < one.len() * 101, "level {level}: {}, {}", many.len(), one.len());
    }
}

#[tokio::test]
async fn the_header_is_put_in_once() {
    let header = Header { name: Some("many".into()), ..Header::default() };
    let settings = small_blocks(2).with_header(header.clone()).unwrap();
    let packed = packed(settings, &[1; 5 * BLOCK], 1000).await;
    let gunzip = Gunzip::new();
    let info = gunzip.info();
    unpack(gunzip, &packed).whole();
    assert_eq!((info.header(), info.members()), (Some(header), 1));
    let nul = Header { name: Some("\0".into()), ..Header::default() };
    assert!(small_blocks(2).with_header(nul).is_err());
}

/// A3, C64: what was taken comes out, then the error, and no trailer: nobody takes it for whole.
#[tokio::test]
async fn an_error_of_the_source_comes_behind_what_was_taken() {
    let text = Random(SEED).text(10 * BLOCK + 77);
    for taken in [0, 1, BLOCK, BLOCK + 1, text.len()] {
        let chunks = pieces(&text[..taken], 999).map(Ok);
        let source = chunks.chain([Err(Error::msg("unplugged"))]).collect::<Vec<Result<Bytes>>>();
        let source = Readable::from_results(futures_util::stream::iter(source));
        let mut stage = source.parallel_gzip(small_blocks(3));
        let mut given = BytesMut::new();
        let error = loop {
            match stage.next().await.expect("an error before the end") {
                Ok(bytes) => given.extend_from_slice(&bytes),
                Err(error) => break error,
            }
        };
        assert_eq!(error.to_string(), "unplugged (in from_results)");
        assert!(stage.next().await.is_none());
        let outcome = unpack(Gunzip::new(), &given);
        assert!(outcome.output == text[..taken] && outcome.error.is_some());
        assert_eq!(given.is_empty(), taken == 0);
    }
}

/// C66: nothing is read, and no job begun, before it is polled.
#[test]
fn nothing_happens_before_it_is_polled() {
    // Outside of a runtime a job would panic.
    let source = Readable::from_iter([Bytes::from_static(b"x")]).inspect(|_| panic!("it was read"));
    drop(source.parallel_gzip(ParallelGzip::threads(2)));
}

/// Memory is bounded: while no job gets a thread, no more is read than they have in work and one block
/// more for each.
#[test]
fn no_more_is_read_than_is_worked_on() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.max_blocking_threads(1).build().unwrap();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let _guard = runtime.enter();
    let blocker = runtime.spawn_blocking(move || blocked.recv());
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let source = Readable::from_iter(std::iter::repeat_n(Bytes::from(vec![1; 1024]), 4096))
        .inspect(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    let threads = 3;
    let mut stage = source.parallel_gzip(small_blocks(threads));
    runtime.block_on(async {
        for _ in 0..100 {
            let next = std::pin::pin!(stage.next());
            assert!(futures_util::poll!(next).is_pending());
        }
    });
    assert_eq!(read.load(Ordering::Relaxed) * 1024, 2 * threads * BLOCK);
    release.send(()).unwrap();
    let bytes = runtime.block_on(stage.to_bytes()).unwrap();
    assert_eq!(unpack(Gunzip::new(), &bytes).whole().len(), 4096 * 1024);
    runtime.block_on(blocker).unwrap().unwrap();
}

#[test]
#[should_panic = "1 thread at the least"]
fn no_thread_is_refused() {
    ParallelGzip::threads(0);
}

#[test]
#[should_panic = "this is 10"]
fn there_is_no_level_10() {
    drop(ParallelGzip::threads(1).with_level(10));
}

#[test]
#[should_panic = "a block has at least 32 KiB"]
fn a_block_is_not_smaller_than_the_window() {
    drop(ParallelGzip::threads(1).with_block_size(32 * 1024 - 1));
}
