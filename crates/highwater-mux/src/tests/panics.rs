//! Panics: they come to every branch, behind the chunks before them.

use highwater_core::{BoxReadable, Error, HighWaterMark, Readable};

use super::soon;
use crate::{Branch, Branched, Demux, DropCounter, MuxExt as _, OnFull, merge};

/// Numbers from 0 to 8, then a panic.
fn broken() -> BoxReadable<u64> {
    let nine = |x: u64| if x < 9 { x } else { panic!("nine") };
    Readable::from_iter(0..20).map(nine).boxed()
}

async fn read(mut branch: Branched<u64>) -> (Vec<u64>, Option<Error>) {
    let mut given = Vec::new();
    while let Some(next) = soon(branch.next()).await {
        match next {
            Ok(x) => given.push(x),
            Err(error) => return (given, Some(error)),
        }
    }
    (given, None)
}

fn assert_panic(error: Option<Error>) {
    let error = error.expect("it does not end well");
    assert!(error.is_panic() && error.to_string().contains("nine"), "{error}");
}

/// I1, C33: every branch has what came before, whatever its policy, and then the panic.
#[tokio::test(start_paused = true)]
async fn chunks_before_a_panic_come_first_in_every_branch() {
    let kinds = [
        OnFull::Wait,
        OnFull::DropOldest(DropCounter::default()),
        OnFull::DropNewest(DropCounter::default()),
        OnFull::Detach,
    ];
    let branches = kinds.map(|kind| Branch::new(HighWaterMark::items(16)).on_full(kind));
    let (broadcast, branches) = broken().broadcast(branches);
    for branch in branches {
        let (given, error) = read(branch).await;
        assert!(given.into_iter().eq(0..9));
        assert_panic(error);
    }
    assert_panic(read(broadcast.subscribe(Branch::default())).await.1);

    let (even, odd) = broken().route(|x| x % 2 == 0);
    let ((even, first), (odd, second)) = (read(even).await, read(odd).await);
    assert_eq!((even, odd), (vec![0, 2, 4, 6, 8], vec![1, 3, 5, 7]));
    assert_panic(first);
    assert_panic(second);
}

/// I1, C33: so do the keys of a demux, and the readable that gives the keys.
#[tokio::test(start_paused = true)]
async fn chunks_before_a_panic_come_first_in_every_key() {
    let whole = || Readable::from_iter(0..20).boxed();
    let panics = |x: &u64| if *x < 9 { x % 3 } else { panic!("nine") };
    for mut keys in [broken().demux(Demux::new(|x| x % 3)), whole().demux(Demux::new(panics))] {
        let mut streams = Vec::new();
        let error = loop {
            match soon(keys.next()).await.unwrap() {
                Ok(stream) => streams.push(stream),
                Err(error) => break error,
            }
        };
        assert_panic(Some(error));
        assert_eq!(streams.len(), 3);
        for (key, stream) in streams {
            let (given, error) = read(stream).await;
            assert_eq!(given, [key, key + 3, key + 6]);
            assert_panic(error);
        }
    }
}

/// A merge panics on the task that reads it, and has given what came before.
#[tokio::test(start_paused = true)]
async fn chunks_before_a_panic_of_an_input_have_been_given() {
    let mut merged = merge([broken()]).boxed().buffer(HighWaterMark::items(1));
    for x in 0..9 {
        assert_eq!(merged.next().await.unwrap().unwrap(), x);
    }
    assert_panic(Some(merged.next().await.unwrap().unwrap_err()));
}
