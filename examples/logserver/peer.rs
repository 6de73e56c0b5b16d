//! A client, and what is known of its lines.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

/// A connection. Whoever reads it, stores its lines and answers it shares this.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    account: watch::Sender<Account>,
}

/// Lines of one connection, counted from its first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Account {
    /// Read from the connection.
    taken: u64,
    /// Handed to the operating system: they are in the file even if the program is killed.
    pub(crate) stored: u64,
    /// No more are read.
    ended: bool,
}

impl Account {
    /// Nothing will be added any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.ended && self.stored == self.taken
    }
}

impl Peer {
    pub(crate) fn new(address: SocketAddr) -> Arc<Self> {
        Arc::new(Self { address, account: watch::Sender::default() })
    }

    pub(crate) fn take(&self, lines: u64) {
        self.account.send_modify(|account| account.taken += lines);
    }

    pub(crate) fn store(&self, lines: u64) {
        self.account.send_modify(|account| account.stored += lines);
    }

    pub(crate) fn account(&self) -> watch::Receiver<Account> {
        self.account.subscribe()
    }
}

/// Says when it is dropped that no more lines are read from a connection, for whatever reason.
#[derive(Debug)]
pub(crate) struct Reading(pub(crate) Arc<Peer>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.account.send_modify(|account| account.ended = true);
    }
}
