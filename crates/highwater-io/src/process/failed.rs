//! How a child failed.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll};

use futures_core::Stream;
use highwater_core::Readable;
use tokio::process::ChildStderr;

use crate::io::{AsyncSource, read};

/// The end of what a program says on standard error.
pub(super) struct Tail {
    stderr: Option<Readable<AsyncSource<ChildStderr>>>,
    kept: VecDeque<u8>,
}

impl Tail {
    pub(super) fn new(stderr: ChildStderr) -> Self {
        Self { stderr: Some(read(stderr)), kept: VecDeque::new() }
    }

    /// Takes what is there.
    pub(super) fn read_on(&mut self, cx: &mut Context<'_>) {
        while let Some(stderr) = &mut self.stderr {
            match Pin::new(stderr).poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.kept.extend(&chunk[chunk.len().saturating_sub(KEPT)..]);
                    self.kept.drain(..self.kept.len().saturating_sub(KEPT));
                }
                // It is only for the error: that it cannot be read is none.
                Poll::Ready(_) => self.stderr = None,
                Poll::Pending => return,
            }
        }
    }

    pub(super) fn text(&self) -> String {
        let (front, back) = self.kept.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).trim().to_owned()
    }
}

/// Bytes of standard error that are kept.
const KEPT: usize = 4096;

/// A program ended otherwise than well: in the errors of [`spawn`](super::spawn) and [`spawn_quiet`](super::spawn_quiet), for `downcast_ref`.
#[derive(Debug, Clone)]
pub struct Failed {
    status: ExitStatus,
    said: String,
}

impl Failed {
    pub(super) fn new(status: ExitStatus, said: String) -> Self {
        Self { status, said }
    }

    /// How it ended.
    pub fn status(&self) -> ExitStatus {
        self.status
    }

    /// The end of what it said on standard error, of a [`spawn_quiet`](super::spawn_quiet).
    pub fn said(&self) -> &str {
        &self.said
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status.fmt(f)?;
        if self.said.is_empty() { Ok(()) } else { write!(f, ": {}", self.said) }
    }
}

impl std::error::Error for Failed {}
