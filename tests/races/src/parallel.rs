//! A parallel map: its items, which end, fail and panic beside each other, its driver and its reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use highwater_core::{Buffered, Error, Readable, Result};
use highwater_parallel_map::ParallelMapExt as _;

use crate::checker::{check, thread};
use crate::scenarios::{read_all, whole};

/// How many items are worked on.
#[derive(Clone, Default)]
struct Inside(Arc<AtomicUsize>);

impl Inside {
    fn enter(&self) -> Entered {
        self.0.fetch_add(1, SeqCst);
        Entered(self.clone())
    }
}

struct Entered(Inside);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}

/// Gives way while it works, and fails with item 2.
fn work(x: u32, inside: &Inside) -> Result<u32> {
    let _entered = inside.enter();
    thread::yield_now();
    if x == 2 { Err(Error::msg("as it should")) } else { Ok(x) }
}

type Map = fn(Inside) -> Readable<Buffered<u32>>;

const MAPS: [(&str, Map); 4] = [
    ("in order", |inside| {
        Readable::from_iter(0..4).parallel_map(2, move |x| {
            let inside = inside.clone();
            async move { work(x, &inside) }
        })
    }),
    ("as they come", |inside| {
        Readable::from_iter(0..4).parallel_map_unordered(2, move |x| {
            let inside = inside.clone();
            async move { work(x, &inside) }
        })
    }),
    ("by key", |inside| {
        Readable::from_iter(0..4).parallel_map_by_key(
            2,
            |x| x % 2,
            move |x| {
                let inside = inside.clone();
                async move { work(x, &inside) }
            },
        )
    }),
    ("on the pool", |inside| {
        Readable::from_iter(0..4).parallel_map_cpu(2, move |x| work(x, &inside))
    }),
];

/// C34, I62: whichever item is quicker, the error comes once, behind what must come before it, and when no item runs any
/// more.
#[test]
fn a_failure_beside_other_items() {
    for (name, map) in MAPS {
        check(name, move || {
            let inside = Inside::default();
            let (read, error) = read_all(map(inside.clone()));
            assert_eq!(inside.0.load(SeqCst), 0, "somebody works on");
            assert_eq!(error.and_then(|error| error.chunk()), Some(2));
            assert!(!read.contains(&2));
            match name {
                "in order" | "on the pool" => assert_eq!(read, [0, 1]),
                "by key" => assert!(read.contains(&0)),
                _ => {}
            }
        });
    }
}

/// I62: all items arrive, whichever is quicker.
#[test]
fn items_beside_each_other() {
    check("items beside each other", || {
        let slow = |x: u32| async move {
            thread::yield_now();
            Ok(x)
        };
        let read = whole(read_all(Readable::from_iter(0..5).parallel_map(2, slow)));
        assert_eq!(read, [0, 1, 2, 3, 4]);
        let mut read = whole(read_all(Readable::from_iter(0..5).parallel_map_unordered(2, slow)));
        read.sort_unstable();
        assert_eq!(read, [0, 1, 2, 3, 4]);
    });
}
