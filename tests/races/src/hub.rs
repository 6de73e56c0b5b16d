//! The task behind the branches of a tee, whose branches start it, end it and join it from several threads.

use highwater_core::{HighWaterMark, Readable};
use highwater_mux::{Branch, MuxExt as _};

use crate::checker::{block_on, check, thread};
use crate::scenarios::{items, read_all, whole};

/// I1, I20: two branches that are read by two threads, both of which may start the task.
#[test]
fn branches_beside_each_other() {
    check("branches beside each other", || {
        let branches = Readable::from_iter(0..3).tee(2);
        let readers: Vec<_> = branches
            .into_iter()
            .map(|branch| thread::spawn(move || assert_eq!(whole(read_all(branch)), [0, 1, 2])))
            .collect();
        assert!(readers.into_iter().all(|reader| reader.join().is_ok()));
    });
}

/// I42: the last branch that goes takes the task and the source with it, also if the task is just being started.
#[test]
fn drops_beside_the_start() {
    check("drops beside the start", || {
        let (writable, source) = items(1);
        let control = writable.control();
        // The handle stays, and keeps nothing.
        let (_broadcast, mut branches) = source.broadcast([Branch::default(), Branch::default()]);
        let (goes, mut starts) = (branches.remove(0), branches.remove(0));
        assert!(writable.write(1).is_ok());
        let drops = thread::spawn(move || drop(goes));
        let reads = thread::spawn(move || {
            assert!(matches!(block_on(starts.next()), Some(Ok(1))));
        });
        assert!(block_on(control.finished()).is_err(), "nobody reads any more");
        assert!(drops.join().is_ok() && reads.join().is_ok());
    });
}

/// I30: a branch that joins while the source ends has an end as well.
#[test]
fn subscribe_beside_the_end() {
    check("subscribe beside the end", || {
        let (writable, source) = items(2);
        let (broadcast, mut branches) = source.broadcast([Branch::default()]);
        let first = branches.remove(0);
        let joins = thread::spawn(move || {
            let (read, error) = read_all(broadcast.subscribe(Branch::default()));
            assert!(error.is_none() && (read.is_empty() || read == [1]), "{read:?} {error:?}");
        });
        let writes = thread::spawn(move || {
            assert!(writable.write(1).is_ok());
            writable.end();
        });
        assert_eq!(whole(read_all(first)), [1]);
        assert!(joins.join().is_ok() && writes.join().is_ok());
    });
}

/// I20: a branch that is full is dropped while the others wait for it.
#[test]
fn drop_of_a_full_branch_beside_read() {
    check("drop of a full branch beside read", || {
        let mark = HighWaterMark::items(1);
        let (_, mut branches) =
            Readable::from_iter(0..4).broadcast([Branch::new(mark.clone()), Branch::new(mark)]);
        let (stays, goes) = (branches.remove(0), branches.remove(0));
        let drops = thread::spawn(move || drop(goes));
        assert_eq!(whole(read_all(stays)), [0, 1, 2, 3]);
        assert!(drops.join().is_ok());
    });
}
