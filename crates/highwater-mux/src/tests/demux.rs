//! Demux: conservation per key, the cap, and streams that are dropped.

use std::collections::HashMap;

use futures::FutureExt;
use highwater_core::task::{self, Task};
use highwater_core::{HighWaterMark, Readable, Result};
use tokio::time::sleep;

use super::{Random, Watch, failing, settle, slow, soon};
use crate::{Branch, Demux, MuxExt as _, OnFull};

/// Every chunk comes once, in the stream of its key, in the order of the input, whatever the delays and windows.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_each_key_keeps_its_order() {
    for seed in 0..30 {
        let mut random = Random::new(seed);
        let (total, keys) = (random.below(200), 1 + random.below(9));
        let window = usize::try_from(1 + random.below(5)).unwrap();
        let demux = Demux::new(move |n: &u64| (n * 7919) % keys)
            .branch(Branch::new(HighWaterMark::items(window)));
        let mut streams = slow(total, seed).demux(demux);
        let mut readers: Vec<(u64, Task<Vec<u64>>)> = Vec::new();
        while let Some((key, mut stream)) = streams.next().await.transpose().unwrap() {
            let mut random = Random(seed + key);
            let reader = async move {
                let mut got = Vec::new();
                while let Some(n) = stream.next().await {
                    got.push(n.unwrap());
                    sleep(random.pause()).await;
                }
                got
            };
            readers.push((key, task::spawn(reader)));
        }
        let mut by_key = HashMap::new();
        for (key, reader) in readers {
            assert!(
                by_key.insert(key, reader.await.unwrap()).is_none(),
                "seed {seed}: {key} twice"
            );
        }
        for key in 0..keys {
            let expected: Vec<_> = (0..total).filter(|n| (n * 7919) % keys == key).collect();
            assert_eq!(by_key.remove(&key).unwrap_or_default(), expected, "seed {seed}");
        }
    }
}

/// C93: one key too many is an error, for the streams as well, and never a hang.
#[tokio::test(start_paused = true)]
async fn one_key_too_many_is_an_error() {
    let mut streams = Readable::from_iter(0..5).demux(Demux::new(|n: &u32| *n).with_max_keys(3));
    let mut open = Vec::new();
    let error = loop {
        match soon(streams.next()).await.unwrap() {
            Ok((_, stream)) => open.push(stream),
            Err(error) => break error,
        }
    };
    assert!(error.is_limit());
    assert_eq!((error.stage(), error.chunk(), open.len()), (Some("demux"), Some(3), 3));
    for (n, stream) in (0..).zip(&mut open) {
        assert_eq!(stream.next().await.unwrap().unwrap(), n);
        assert!(stream.next().await.unwrap().unwrap_err().is_limit());
    }
}

/// C93: or the key that was idle for the longest time ends, and comes again with its next chunk.
#[tokio::test]
async fn the_idle_key_makes_room() {
    let numbers = [1, 2, 1, 3, 2];
    let demux = Demux::new(|n: &u32| *n).with_max_keys(2).evict();
    let streams = Readable::from_iter(numbers).demux(demux).to_vec().await.unwrap();
    let mut got = Vec::new();
    for (key, stream) in streams {
        got.push((key, stream.to_vec().await.unwrap()));
    }
    assert_eq!(got, [(1, vec![1, 1]), (2, vec![2]), (3, vec![3]), (2, vec![2])]);
}

/// C93: streams that were dropped do not count, and who drops every stream sees each chunk open one.
#[tokio::test]
async fn keys_that_were_dropped_make_room() {
    let mut streams = Readable::from_iter(0..500).demux(Demux::new(|n: &u32| *n).with_max_keys(40));
    let mut keys = 0;
    while let Some((key, stream)) = streams.next().await.transpose().unwrap() {
        assert_eq!(key, keys);
        keys += 1;
        drop(stream);
    }
    assert_eq!(keys, 500);
    let same = Readable::from_iter(0..50).demux(Demux::new(|_: &u32| ()));
    let opened = same.map(drop).to_vec().await.unwrap().len();
    assert!((1..=50).contains(&opened), "{opened}");
}

/// A key that is not read holds up the others when its window is full, by default; cut off, it does not.
#[tokio::test]
async fn a_key_that_is_not_read_stays_alone_if_told_so() {
    let numbers = || Readable::from_iter((0..100).flat_map(|n| [(0, n), (1, n)]));
    let mut streams = numbers().demux(Demux::new(|chunk: &(u32, u32)| chunk.0));
    let stuck = streams.next().await.unwrap().unwrap();
    let mut read = task::spawn(streams.next().await.unwrap().unwrap().1.to_vec());
    settle().await;
    assert!((&mut read).now_or_never().is_none());
    assert_eq!(stuck.0, 0);
    drop(stuck);
    settle().await;
    let again = streams.next().await.unwrap().unwrap();
    assert_eq!(again.0, 0, "the chunk that waited opens a new stream");
    drop(again);
    let rest = task::spawn(async move { streams.map(drop).to_vec().await });
    assert_eq!(read.await.unwrap().unwrap().len(), 100);
    rest.await.unwrap().unwrap();

    let cut = Branch::new(HighWaterMark::items(200)).on_full(OnFull::Detach);
    let small = Branch::new(HighWaterMark::items(4)).on_full(OnFull::Detach);
    for (branch, streams_of_0) in [(cut, 1), (small, 25)] {
        let demux = Demux::new(|_: &u32| 0).branch(branch);
        let streams = Readable::from_iter(0..100).demux(demux).to_vec().await.unwrap();
        assert_eq!(streams.len(), streams_of_0);
        let last = streams.into_iter().last().unwrap().1.to_vec().await.unwrap();
        assert_eq!(last.last(), Some(&99));
    }
}

/// An error of the source comes to every stream and to the keys; a dropped demux is a premature close.
#[tokio::test]
async fn streams_end_as_the_source_does() -> Result<()> {
    let mut streams = failing(4).demux(Demux::new(|n: &u64| n % 2));
    let (mut even, mut odd) = (streams.next().await.unwrap()?.1, streams.next().await.unwrap()?.1);
    assert_eq!(streams.next().await.unwrap().unwrap_err().stage(), Some("try_map"));
    for (stream, first) in [(&mut even, 0), (&mut odd, 1)] {
        assert_eq!(stream.next().await.unwrap()?, first);
        assert_eq!(stream.next().await.unwrap()?, first + 2);
        assert_eq!(stream.next().await.unwrap().unwrap_err().stage(), Some("try_map"));
    }
    let watch = Watch::default();
    let mut streams = watch.source().demux(Demux::new(|_: &usize| ()));
    let (_, stream) = streams.next().await.unwrap()?;
    drop(streams);
    assert!(stream.to_vec().await.unwrap_err().is_premature_close());
    assert!(watch.is_dropped());
    Ok(())
}

/// It would take nothing.
#[test]
#[should_panic(expected = "a demux of 0 keys")]
fn a_demux_of_no_keys_is_a_mistake() {
    drop(Demux::new(|n: &u32| *n).with_max_keys(0));
}
