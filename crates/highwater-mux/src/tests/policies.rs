//! Policies of a branch where several of its limits meet.

use highwater_core::{Budget, HighWaterMark, Readable, pass_through};

use super::{Watch, settle, soon};
use crate::{Branch, DropCounter, MuxExt as _, OnFull};

fn policies() -> [OnFull; 5] {
    let (oldest, newest) = (DropCounter::default(), DropCounter::default());
    [
        OnFull::Wait,
        OnFull::DropOldest(oldest),
        OnFull::DropNewest(newest),
        OnFull::Fail,
        OnFull::Detach,
    ]
}

/// C89: a required branch that is dropped fails all, whatever it does when it is full.
#[tokio::test(start_paused = true)]
async fn a_required_branch_of_any_policy_fails_all_when_it_is_dropped() {
    for on_full in policies() {
        let required = Branch::new(HighWaterMark::items(2)).on_full(on_full.clone()).required();
        let (_, mut branches) = Readable::from_iter(0..9).broadcast([Branch::default(), required]);
        let (stays, goes) = (branches.remove(0), branches.remove(0));
        drop(goes);
        let error = soon(stays.to_vec()).await.unwrap_err();
        assert!(error.is_premature_close(), "{on_full:?}: {error}");
    }
}

/// A branch with room neither drops nor fails, however many chunks its reader has taken out since it counted last.
#[tokio::test]
async fn a_branch_that_has_room_is_not_taken_for_full() {
    for on_full in policies() {
        let (writable, source) = pass_through(HighWaterMark::items(64));
        let branch = Branch::new(HighWaterMark::items(16)).on_full(on_full.clone());
        let mut branch = source.broadcast([branch]).1.remove(0);
        (0..15).for_each(|n| assert!(writable.try_write(n).is_ok()));
        for n in 0..4 {
            assert_eq!(branch.next().await.unwrap().unwrap(), n);
            settle().await;
        }
        (15..20).for_each(|n| assert!(writable.try_write(n).is_ok()));
        writable.end();
        settle().await;
        let rest = branch.to_vec().await;
        assert!(rest.is_ok_and(|rest| rest.into_iter().eq(4..20)), "{on_full:?}");
    }
}

/// A branch that drops the oldest and has none to drop, because the others have spent the budget, does without the chunk.
#[tokio::test(start_paused = true)]
async fn a_spent_budget_is_no_endless_search_for_the_oldest() {
    let (budget, dropped) = (Budget::new(2), DropCounter::default());
    let mark = HighWaterMark::items(4).with_budget(&budget);
    let waits = Branch::new(mark.clone());
    let drops = Branch::new(mark).on_full(OnFull::DropOldest(dropped.clone()));
    let (_, mut branches) = Readable::from_iter(0..20_u64).broadcast([waits, drops]);
    let (waits, drops) = (branches.remove(0), branches.remove(0));
    assert!(waits.to_vec().await.unwrap().into_iter().eq(0..20));
    let kept = soon(drops.to_vec()).await.unwrap();
    assert_eq!(kept.len() as u64 + dropped.count(), 20);
    assert!(dropped.count() > 0 && budget.used() == 0);
}

/// When every branch has lost its place, the source is not read for nobody.
#[tokio::test(start_paused = true)]
async fn the_source_is_not_read_for_branches_that_are_detached() {
    let watch = Watch::default();
    let detach = Branch::new(HighWaterMark::items(4)).on_full(OnFull::Detach);
    let (broadcast, mut branches) = watch.source().broadcast([detach]);
    let mut branch = branches.remove(0);
    assert_eq!(branch.next().await.unwrap().unwrap(), 0);
    settle().await;
    assert!(watch.is_dropped() && watch.pulled() < 10, "{}", watch.pulled());
    let late = soon(broadcast.subscribe(Branch::default()).to_vec()).await;
    assert!(late.unwrap_err().is_premature_close());
}
