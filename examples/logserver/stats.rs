//! What is counted.

use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use highwater::Error;

use crate::lines::{Batch, Counts};
use crate::patience;

/// Counts what the parts of the server do. Lines count when they are stored.
#[derive(Debug, Default)]
pub(crate) struct Stats(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    totals: Totals,
    /// Since it was last taken.
    fresh: Tally,
    errors: VecDeque<String>,
}

/// Since the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) stored: Counts,
    /// Lines that were longer than the limit.
    pub(crate) truncated: u64,
    /// Connections that are open.
    pub(crate) connections: usize,
    /// Connections that gave nothing for too long.
    pub(crate) idle: u64,
    /// Connections whose line took too long.
    pub(crate) slow: u64,
    /// Connections that broke.
    pub(crate) broken: u64,
    /// Connections whose client did not take its answers.
    pub(crate) unanswered: u64,
    /// Files that were full.
    pub(crate) rotations: u64,
    /// Lines cannot be stored for now.
    pub(crate) troubled: bool,
}

/// Lines over some time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    /// Lines by address. Those of addresses beyond the first thousand are only in `counts`.
    pub(crate) sources: HashMap<IpAddr, u64>,
}

impl Stats {
    pub(crate) fn stored(&self, batch: &Batch) {
        let mut state = self.lock();
        state.totals.stored.add(&batch.counts);
        state.fresh.count(batch.peer.address.ip(), &batch.counts);
        if let Some(error) = &batch.error {
            if state.errors.len() == ERRORS {
                state.errors.pop_back();
            }
            state.errors.push_front(format!("{}: {error}", batch.peer.address));
        }
    }

    pub(crate) fn truncated(&self, lines: u64) {
        if lines > 0 {
            self.lock().totals.truncated += lines;
        }
    }

    /// A connection was given up.
    pub(crate) fn lost(&self, error: &Error) {
        let totals = &mut self.lock().totals;
        *match error.stage() {
            Some(patience::NAME) => &mut totals.slow,
            Some("idle_timeout") => &mut totals.idle,
            // What was sent was not taken in time.
            _ if error.io_kind() == Some(ErrorKind::TimedOut) => &mut totals.unanswered,
            _ => &mut totals.broken,
        } += 1;
    }

    pub(crate) fn unanswered(&self) {
        self.lock().totals.unanswered += 1;
    }

    pub(crate) fn rotated(&self, files: u64) {
        self.lock().totals.rotations += files;
    }

    pub(crate) fn set_connections(&self, open: usize) {
        self.lock().totals.connections = open;
    }

    pub(crate) fn set_troubled(&self, troubled: bool) {
        self.lock().totals.troubled = troubled;
    }

    /// Since the start.
    pub(crate) fn totals(&self) -> Totals {
        self.lock().totals.clone()
    }

    /// The last lines with errors, the newest first, as they may be shown.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.lock().errors.iter().cloned().collect()
    }

    /// Since the last call.
    pub(crate) fn take(&self) -> Tally {
        std::mem::take(&mut self.lock().fresh)
    }

    /// Nothing that is locked here is left half-way by a panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    pub(crate) fn count(&mut self, source: IpAddr, counts: &Counts) {
        self.counts.add(counts);
        self.count_source(source, counts.lines());
    }

    pub(crate) fn add(&mut self, more: &Self) {
        self.counts.add(&more.counts);
        for (source, lines) in &more.sources {
            self.count_source(*source, *lines);
        }
    }

    fn count_source(&mut self, source: IpAddr, lines: u64) {
        if self.sources.len() < SOURCES || self.sources.contains_key(&source) {
            *self.sources.entry(source).or_default() += lines;
        }
    }

    /// The addresses with the most lines, those with more first.
    pub(crate) fn top(&self, most: usize) -> Vec<(IpAddr, u64)> {
        let mut sources: Vec<_> = self.sources.iter().map(|(ip, lines)| (*ip, *lines)).collect();
        sources.sort_unstable_by_key(|(ip, lines)| (std::cmp::Reverse(*lines), *ip));
        sources.truncate(most);
        sources
    }
}

/// Addresses that are counted apart.
const SOURCES: usize = 1000;
/// Lines with errors that are kept to be shown.
const ERRORS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(lines: u64) -> Counts {
        Counts { levels: [0, 0, lines, 0, 0, 0], bytes: 10 * lines }
    }

    #[test]
    fn sources_are_counted_apart_up_to_a_limit() {
        let mut tally = Tally::default();
        for n in 0..2000_u32 {
            tally.count(IpAddr::V4(n.into()), &counts(u64::from(n)));
        }
        assert_eq!(tally.sources.len(), SOURCES);
        assert_eq!(tally.counts.lines(), 1999 * 2000 / 2);
        let ip = |n: u32| IpAddr::V4(n.into());
        assert_eq!(tally.top(2), [(ip(999), 999), (ip(998), 998)]);
        let before = tally.clone();
        tally.add(&before);
        assert_eq!(tally.top(1), [(ip(999), 2 * 999)]);
    }
}
