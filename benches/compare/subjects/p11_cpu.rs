//! P11: SHA-256 of many pieces on all processors, in order: of 64 KiB, and of 1 KiB, which are worth it only in batches.

use std::hint::black_box;
use std::thread::available_parallelism;

use bytes::Bytes;
use highwater::Readable;
use highwater::prelude::*;
use rayon::iter::{IntoParallelIterator as _, ParallelBridge as _, ParallelIterator as _};
use rayon::{ThreadPool, ThreadPoolBuilder};
use sha2::{Digest as _, Sha256};

use super::block_on;
use crate::contestant::{Contestant, Role, Subject, Work};
use crate::goal::Goal;

pub(crate) const LARGE: Subject = Subject {
    id: "P11",
    title: "sha256 of 64 KiB on all processors",
    work: Work::Items { count: 16_384, expected: serial::<65_536> },
    contestants: &[
        Contestant::items(Role::Ours, OURS, parallel_map_cpu::<65_536>),
        Contestant::items(Role::Limit, RAYON, rayon_in_order::<65_536>),
        Contestant::items(Role::Peer, SERIAL, serial::<65_536>),
    ],
    goals: &[
        Goal::Cost { ours: OURS, at_most: 1.03, of_best: &[RAYON] },
        Goal::Cost { ours: OURS, at_most: 0.51, of_best: &[SERIAL] },
    ],
};

pub(crate) const SMALL: Subject = Subject {
    id: "P11b",
    title: "sha256 of 1 KiB on all processors",
    work: Work::Items { count: 500_000, expected: serial::<1024> },
    contestants: &[
        Contestant::items(Role::Ours, OURS, parallel_map_cpu::<1024>),
        Contestant::items(Role::Peer, BRIDGE, rayon_bridge::<1024>),
        Contestant::items(Role::Limit, RAYON, rayon_in_order::<1024>),
        Contestant::items(Role::Peer, SERIAL, serial::<1024>),
    ],
    goals: &[Goal::Cost { ours: OURS, at_most: 1.11, of_best: &[BRIDGE] }],
};

const OURS: &str = "highwater, parallel_map_cpu";
const RAYON: &str = "rayon, all at hand";
const BRIDGE: &str = "rayon par_bridge";
const SERIAL: &str = "one after the other";

fn parallel_map_cpu<const BYTES: usize>(n: u64) -> u64 {
    let pieces = Pieces::<BYTES>::new();
    let digests = Readable::from_iter((0..black_box(n)).map(move |index| pieces.piece(index)))
        .parallel_map_cpu(processors(), |piece| Ok(digest(&piece)));
    // The place in the output counts: they come in order.
    let sum = digests.enumerate().fold(0, |sum, (place, digest)| add(sum, place, digest));
    block_on(sum).expect("a digest does not fail")
}

fn rayon_in_order<const BYTES: usize>(n: u64) -> u64 {
    let pieces = Pieces::<BYTES>::new();
    let work = || (0..black_box(n)).into_par_iter().map(|index| digest(&pieces.piece(index)));
    let digests: Vec<u64> = pool().install(|| work().collect());
    (0..).zip(digests).fold(0, |sum, (place, digest)| add(sum, place, digest))
}

fn rayon_bridge<const BYTES: usize>(n: u64) -> u64 {
    let pieces = Pieces::<BYTES>::new();
    let items = (0..black_box(n)).map(|index| (index, pieces.piece(index)));
    let summed = || {
        let digests = items.par_bridge().map(|(index, piece)| add(0, index, digest(&piece)));
        digests.reduce(|| 0, u64::wrapping_add)
    };
    pool().install(summed)
}

fn serial<const BYTES: usize>(n: u64) -> u64 {
    let pieces = Pieces::<BYTES>::new();
    (0..black_box(n)).fold(0, |sum, index| add(sum, index, digest(&pieces.piece(index))))
}

/// Pieces that differ, of one block of memory.
struct Pieces<const BYTES: usize>(Bytes);

impl<const BYTES: usize> Pieces<BYTES> {
    fn new() -> Self {
        Self((0..=250).cycle().take(BYTES + DIFFERENT).collect::<Vec<u8>>().into())
    }

    fn piece(&self, index: u64) -> Bytes {
        let start = usize::try_from(index).unwrap_or_default() % DIFFERENT;
        self.0.slice(start..start + BYTES)
    }
}

fn digest(piece: &[u8]) -> u64 {
    let digest = Sha256::digest(piece);
    u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

/// A sum in which the places show, and which may be made in any order.
fn add(sum: u64, place: u64, digest: u64) -> u64 {
    sum.wrapping_add(digest.wrapping_mul(2 * place + 1))
}

fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

fn pool() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(processors()).build().expect("there are threads left")
}

/// Pieces that differ from each other; a prime, so that batches do, too.
const DIFFERENT: usize = 251;
