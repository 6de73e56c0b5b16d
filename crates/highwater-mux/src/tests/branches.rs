//! Tee, broadcast and route: policies, lag, ends, and drops.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use highwater_core::stage::RunsOn;
use highwater_core::{HighWaterMark, Readable, destination_fn, task};
use tokio::time::{sleep, timeout};

use super::{MS, Random, Watch, failing, settle, slow, soon};
use crate::{Branch, DropCounter, MuxExt as _, OnFull};

fn items<T>(items: usize, on_full: OnFull) -> Branch<T> {
    Branch::new(HighWaterMark::items(items)).on_full(on_full)
}

/// I20, C92: the source is read as fast as the slowest branch reads, and no branch is ahead by more than its mark.
#[tokio::test]
async fn the_slowest_branch_sets_the_pace() {
    let watch = Watch::default();
    let (_, mut branches) = watch.source().broadcast([4, 9].map(|n| items(n, OnFull::Wait)));
    let (mut wide, mut narrow) = (branches.remove(1), branches.remove(0));
    assert_eq!(watch.pulled(), 0, "it is lazy");
    let mut read = 0;
    for round in 0..20 {
        while let Some(chunk) = wide.next().now_or_never() {
            assert_eq!(chunk.unwrap().unwrap(), read);
            read += 1;
            settle().await;
        }
        settle().await;
        assert!((round..=round + 6).contains(&watch.pulled()), "{round}: {}", watch.pulled());
        assert_eq!(narrow.next().await.unwrap().unwrap(), round);
        settle().await;
    }
}

/// I20, C89, N120: a branch that is dropped does not count any more, even while the others wait for it.
#[tokio::test(start_paused = true)]
async fn a_branch_that_is_dropped_unblocks_the_others() {
    let mut branches = Readable::from_iter(0..1000).tee(3);
    let (stuck, gone) = (branches.pop().unwrap(), branches.pop().unwrap());
    drop(gone);
    let mut rest = task::spawn(branches.pop().unwrap().to_vec());
    settle().await;
    assert!((&mut rest).now_or_never().is_none());
    drop(stuck);
    assert_eq!(soon(rest).await.unwrap().unwrap().len(), 1000);
}

/// C89: several branches that are dropped while a chunk waits for them leave it to those that are there.
#[tokio::test]
async fn branches_dropped_at_the_same_time_lose_nothing_of_the_others() {
    let waiting = [1, 1, 1].map(|mark| items(mark, OnFull::Wait));
    let (_, mut branches) = Readable::from_iter(0..100).broadcast(waiting);
    let mut last = branches.pop().unwrap();
    assert!(last.next().now_or_never().is_none(), "it starts the task");
    settle().await;
    drop(branches);
    assert!(last.to_vec().await.unwrap().into_iter().eq(0..100));
}

/// C89, C90: a branch that is required and dropped is reported to all others.
#[tokio::test]
async fn a_required_branch_that_is_dropped_fails_all() {
    let (_, mut branches) =
        Readable::from_iter(0..1000).broadcast([Branch::default(), Branch::default().required()]);
    drop(branches.pop());
    let error = branches.pop().unwrap().to_vec().await.unwrap_err();
    assert!(error.is_premature_close(), "{error}");
    assert_eq!((error.stage(), error.chunk()), (Some("tee"), Some(0)));
}

/// C89: a full branch with its policy: what it gets, and what the other gets.
#[tokio::test]
async fn a_full_branch_does_what_its_policy_says() {
    let (oldest, newest) = (DropCounter::default(), DropCounter::default());
    let drops = [OnFull::DropOldest(oldest.clone()), OnFull::DropNewest(newest.clone())];
    let policies = drops.into_iter().chain([OnFull::Detach, OnFull::Wait]);
    let (_, mut branches) = Readable::from_iter(0..100).broadcast(policies.map(|on| items(3, on)));
    assert!(branches.pop().unwrap().to_vec().await.unwrap().into_iter().eq(0..100));
    let mut detached = branches.pop().unwrap();
    for n in 0..3 {
        assert_eq!(detached.next().await.unwrap().unwrap(), n);
    }
    assert!(detached.next().await.unwrap().unwrap_err().is_limit());
    assert!(detached.next().await.is_none());
    assert_eq!(branches.pop().unwrap().to_vec().await.unwrap(), [0, 1, 2]);
    assert_eq!(branches.pop().unwrap().to_vec().await.unwrap(), [97, 98, 99]);
    assert_eq!((oldest.count(), newest.count()), (97, 97));
}

/// C90: a branch that must not be full fails all, behind what came before.
#[tokio::test]
async fn a_full_branch_may_fail_all() {
    let (_, mut branches) =
        Readable::from_iter(0..100).broadcast([items(8, OnFull::Wait), items(2, OnFull::Fail)]);
    let full = branches.pop().unwrap();
    let mut other = branches.pop().unwrap();
    for n in 0..3 {
        assert_eq!(other.next().await.unwrap().unwrap(), n);
    }
    let error = other.next().await.unwrap().unwrap_err();
    assert!(error.is_limit());
    assert_eq!((error.stage(), error.chunk()), (Some("tee"), Some(2)));
    assert!(full.to_vec().await.unwrap_err().is_limit());
}

/// Errors and panics of the source come to every branch, behind the chunks before them.
#[tokio::test]
async fn a_failure_of_the_source_comes_to_all() {
    let mut branches = failing(5).tee(2);
    for branch in &mut branches {
        for n in 0..5 {
            assert_eq!(branch.next().await.unwrap().unwrap(), n);
        }
        assert_eq!(branch.next().await.unwrap().unwrap_err().stage(), Some("try_map"));
        assert!(branch.next().await.is_none());
    }
    let panics = Readable::from_iter(0..3).map(|n| if n < 2 { n } else { panic!("boom") });
    for mut branch in panics.tee(2) {
        assert_eq!(branch.next().await.unwrap().unwrap(), 0);
        assert_eq!(branch.next().await.unwrap().unwrap(), 1);
        assert!(branch.next().await.unwrap().unwrap_err().is_panic());
    }
}

/// C92: who comes later, or again, gets what is read from then on, and nothing of before.
#[tokio::test]
async fn a_later_subscriber_gets_what_comes_later() {
    let (broadcast, mut branches) = Readable::from_iter(0..100).broadcast([items(1, OnFull::Wait)]);
    let mut first = branches.pop().unwrap();
    for n in 0..10 {
        assert_eq!(first.next().await.unwrap().unwrap(), n);
    }
    let second = broadcast.subscribe(items(200, OnFull::Fail));
    drop(broadcast.subscribe(Branch::default()));
    let first = first.to_vec().await.unwrap();
    let second = second.to_vec().await.unwrap();
    assert!(first.into_iter().eq(10..100));
    let from = second[0];
    assert!((10..=13).contains(&from) && second.into_iter().eq(from..100));
    assert!(broadcast.subscribe(Branch::default()).to_vec().await.unwrap().is_empty());
}

/// C91: whoever subscribes around the end sees an end, on real threads; what it gets has no hole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribing_at_the_end_never_hangs() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let numbers = random.below(200);
        let (broadcast, mut branches) =
            Readable::from_iter(0..numbers).broadcast([Branch::default()]);
        let reading = task::spawn(branches.pop().unwrap().to_vec());
        for _ in 0..random.below(300) {
            std::hint::spin_loop();
        }
        let late =
            timeout(Duration::from_secs(30), broadcast.subscribe(Branch::default()).to_vec());
        let late = late.await.expect("it ends");
        assert_eq!(reading.await.unwrap().unwrap().len() as u64, numbers);
        let late = late.unwrap();
        let from = numbers - late.len() as u64;
        assert!(late.into_iter().eq(from..numbers), "seed {seed}");
    }
}

/// C91: an end that no subscriber reads to, because all branches are gone, is a premature close for those to come.
#[tokio::test(start_paused = true)]
async fn the_source_is_dropped_with_the_last_branch() {
    let watch = Watch::default();
    let (broadcast, mut branches) =
        watch.source().broadcast([Branch::default(), Branch::default()]);
    let mut first = branches.pop().unwrap();
    first.next().await.unwrap().unwrap();
    drop(first);
    settle().await;
    assert!(!watch.is_dropped());
    drop(branches);
    settle().await;
    assert!(watch.is_dropped());
    let error = soon(broadcast.subscribe(Branch::default()).to_vec()).await.unwrap_err();
    assert!(error.is_premature_close());
    let unread = Watch::default();
    drop(unread.source().tee(2));
    assert!(unread.is_dropped(), "one that was never read, as well");
}

/// The pipeline of the last branch waits until the task is gone; the one before it does not wait for the last.
#[tokio::test(start_paused = true)]
async fn the_last_pipeline_joins_the_task() {
    let watch = Watch::default();
    let mut branches = watch.source().tee(2);
    let ignore = || destination_fn(|_: usize| async { Ok(()) });
    let (last, first) = (branches.pop().unwrap().take(5), branches.pop().unwrap().take(3));
    // It does not wait for the other.
    soon(first.pipe_to(ignore()).run()).await.unwrap();
    assert!(!watch.is_dropped());
    last.pipe_to(ignore()).await.unwrap();
    assert!(watch.is_dropped());
}

/// A pipeline says how much a branch holds, in bytes, and that a task runs.
#[test]
fn explain_tells_what_a_branch_holds() {
    let dropping = OnFull::DropOldest(DropCounter::default());
    for on_full in [OnFull::Wait, dropping] {
        let branch = Branch::new(HighWaterMark::bytes(4096)).on_full(on_full);
        let source = Readable::from_iter([Bytes::from_static(b"x")]);
        let branch = source.broadcast([branch]).1.pop().unwrap();
        let explained = branch.pipe_to(destination_fn(|_: Bytes| async { Ok(()) })).explain();
        let held: Option<usize> =
            explained.stages()[..3].iter().map(|stage| stage.max_bytes()).sum();
        assert_eq!(held, Some(4096));
        assert_eq!(
            (explained.stages()[2].name(), explained.stages()[2].runs_on()),
            ("tee", RunsOn::Task)
        );
    }
}

/// Whatever the delays, marks and policies: who waits gets all; who drops gets the rest, in order, and it adds up.
#[tokio::test(start_paused = true)]
async fn every_chunk_is_given_or_counted() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let total = 50 + random.below(100);
        let branches: Vec<_> = (0..1 + random.below(5))
            .map(|_| {
                let (kind, mark) = (random.below(3), 1 + random.below(8));
                (kind, usize::try_from(mark).unwrap(), DropCounter::default(), random.below(1000))
            })
            .collect();
        let (_, readables) = slow(total, seed).broadcast(branches.iter().map(|branch| {
            let (kind, mark, dropped, _) = branch;
            items(
                *mark,
                match kind {
                    0 => OnFull::Wait,
                    1 => OnFull::DropOldest(dropped.clone()),
                    _ => OnFull::DropNewest(dropped.clone()),
                },
            )
        }));
        let readers = readables.into_iter().zip(&branches).map(|(mut readable, branch)| {
            let mut random = Random(branch.3);
            task::spawn(async move {
                let mut got = Vec::new();
                while let Some(n) = readable.next().await {
                    got.push(n.unwrap());
                    sleep(random.pause() * 3).await;
                }
                got
            })
        });
        let readers: Vec<_> = readers.collect();
        for (reader, (kind, _, dropped, _)) in readers.into_iter().zip(&branches) {
            let got = reader.await.unwrap();
            assert_eq!(got.len() as u64 + dropped.count(), total, "seed {seed}, kind {kind}");
            assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}");
            assert!(*kind == 2 || got.last() == Some(&(total - 1)), "seed {seed}");
        }
    }
}

/// Each chunk goes to the branch that is chosen; one that is not there is an error for all.
#[tokio::test]
async fn a_route_must_exist() {
    let branches = [Branch::default(), Branch::default()];
    let [even, mut odd] = Readable::from_iter([0, 1, 2, 3, 7])
        .route_to(branches, |x| if *x < 4 { x % 2 } else { *x });
    let error = even.to_vec().await.unwrap_err();
    assert_eq!((error.stage(), error.chunk()), (Some("route"), Some(4)));
    assert_eq!(odd.next().await.unwrap().unwrap(), 1);
    assert_eq!(odd.next().await.unwrap().unwrap(), 3);
    assert!(odd.next().await.unwrap().is_err());
}

/// C89: a route that was dropped takes nothing from the other, and fails it only if it is required.
#[tokio::test]
async fn a_route_that_is_dropped_is_left_out() {
    let (even, odd) = Readable::from_iter(0..100).route(|x| x % 2 == 0);
    drop(odd);
    assert_eq!(even.to_vec().await.unwrap().len(), 50);
    let branches = [Branch::default(), Branch::default().required()];
    let [even, odd] = Readable::from_iter(0..100_usize).route_to(branches, |x| x % 2);
    drop(odd);
    assert!(even.to_vec().await.unwrap_err().is_premature_close());
}

/// It would never be read.
#[test]
#[should_panic(expected = "a tee of 0 branches")]
fn a_tee_of_no_branches_is_a_mistake() {
    drop(Readable::from_iter([1]).tee(0));
}

/// A branch that waits is woken by what comes, and does not need to be polled again for it.
#[tokio::test(start_paused = true)]
async fn a_branch_that_waits_is_woken() {
    for on_full in [OnFull::Wait, OnFull::DropOldest(DropCounter::default())] {
        let mut branch = slow(50, 7).broadcast([items(50, on_full)]).1.pop().unwrap();
        for n in 0..50 {
            assert_eq!(timeout(MS * 100, branch.next()).await.unwrap().unwrap().unwrap(), n);
        }
    }
}
