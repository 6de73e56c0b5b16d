//! Lines to show the server with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use bytes::Bytes;
use highwater::net::connect;
use highwater::prelude::*;
use highwater::rate_limit::Rate;
use highwater::task::{self, Task};
use highwater::{Readable, Report, Result};
use tempfile::TempDir;

use crate::text::Utc;

/// A temporary file, removed in the end, and who fills it.
pub(crate) struct Demo {
    folder: TempDir,
    sending: Option<Task<Result<Report>>>,
}

impl Demo {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()?, sending: None })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Sends lines to the server, with more errors every other minute.
    pub(crate) fn start(mut self, server: SocketAddr) -> Self {
        crate::text::say(format_args!("no --out: it sends lines to itself (--help says more)"));
        self.sending = Some(task::spawn(async move {
            let (_, outgoing) = connect(server).await?.split();
            let lines = Readable::from_iter(0..)
                .rate_limit(Rate::per_second(RATE))
                .map(line)
                .map(Bytes::from);
            lines.pipe_to(outgoing).run().await
        }));
        self
    }
}

fn line(n: u64) -> String {
    let minute = n / (60 * RATE);
    let one_in = if minute.is_multiple_of(2) { 1000 } else { 20 };
    let level = match n {
        _ if n.is_multiple_of(one_in) => "ERROR",
        _ if n.is_multiple_of(50) => "WARN",
        _ => "INFO",
    };
    format!("[{}] {level}: request {n} took {} ms\n", Utc(SystemTime::now()), n * 7919 % 997)
}

/// Lines per second.
const RATE: u64 = 200;
