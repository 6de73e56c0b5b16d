//! Places for so many connections, and so many from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections that were refused, readable while the listener waits; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Refused(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    total: AtomicU64,
    per_address: AtomicU64,
}

impl Refused {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.total.load(Relaxed)
    }

    /// Those refused because their address had its share.
    pub fn for_their_address(&self) -> u64 {
        self.0.per_address.load(Relaxed)
    }

    fn one_more(&self, has_its_share: bool) {
        self.0.total.fetch_add(1, Relaxed);
        self.0.per_address.fetch_add(u64::from(has_its_share), Relaxed);
    }
}

/// The places of one listener.
#[derive(Debug)]
pub(super) struct Seats {
    pub(super) most: usize,
    pub(super) per_address: usize,
    pub(super) refused: Refused,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Seats {
    pub(super) fn new(most: usize, per_address: usize) -> Arc<Self> {
        let (refused, taken) = (Refused::default(), Mutex::default());
        Arc::new(Self { most, per_address, refused, taken })
    }

    /// Connections that have a place.
    pub(super) fn open(&self) -> usize {
        self.taken().total
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let mut taken = self.taken();
        let from_there = taken.by_address.get(&address).copied().unwrap_or_default();
        let has_its_share = from_there >= self.per_address;
        if has_its_share || taken.total >= self.most {
            self.refused.one_more(has_its_share);
            return None;
        }
        taken.total += 1;
        taken.by_address.insert(address, from_there + 1);
        Some(Seat { seats: Arc::clone(self), address })
    }
}

/// A place for one connection, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.total -= 1;
        if let Some(left) = taken.by_address.get_mut(&self.address) {
            *left -= 1;
            if *left == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}
