//! Streams whose readable was dropped while their writable is still open.
//!
//! yamux cannot close one direction for reading. Without a reader the peer would fill its window and then wait for ever, so
//! the task of the session reads such a stream and discards the bytes; a peer that continues to send is reset.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use highwater_core::Error;

use super::stream::{Shared, Unread, WINDOW, poll_packet};

/// The streams that the task of a session discards.
pub(super) struct Discards {
    unread: Arc<Unread>,
    running: FuturesUnordered<Discard>,
}

impl Discards {
    pub(super) fn new(unread: Arc<Unread>) -> Self {
        Self { unread, running: FuturesUnordered::new() }
    }

    /// Discards what has arrived. Each stream is polled only when something arrived for it.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        let streams = self.unread.take(cx);
        self.running.extend(streams.into_iter().map(|stream| Discard { stream, bytes: 0 }));
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) {}
    }
}

/// Reads a stream until it is dropped, ends, or has sent too much.
struct Discard {
    /// yamux wakes the reader of a stream that is dropped, so that this ends with it.
    stream: Weak<Shared>,
    bytes: usize,
}

impl Future for Discard {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(stream) = self.stream.upgrade() {
            let Ok(packet) = ready!(stream.poll(|stream| poll_packet(stream, cx))) else { break };
            self.bytes += packet.len();
            if self.bytes > WINDOW {
                stream.reset(&too_much());
                break;
            }
        }
        Poll::Ready(())
    }
}

#[cold]
fn too_much() -> Error {
    let sent = format!("the peer has sent over {WINDOW} bytes that nobody reads");
    Error::limit(sent).in_stage("session")
}
