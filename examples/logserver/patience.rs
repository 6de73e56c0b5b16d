//! The limit on the time that a line may take.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use highwater::stage::StageInfo;
use highwater::{Error, Readable, Result, Source};
use tokio::time::{Instant, Sleep, sleep_until};

/// Fails when the rest of a line does not come within `limit` of its first byte: a client that drips bytes is never idle.
///
/// It is only found late while it is waited for. While the server is slow, the rest of the line may be there, unread.
pub(crate) fn line_timeout<S>(source: Readable<S>, limit: Duration) -> Readable<LineTimeout<S>>
where
    S: Source<Chunk = Bytes> + Unpin,
{
    let info = StageInfo::new(NAME).with_max_bytes(0);
    source.stage(info, |source| LineTimeout {
        source: Some(source),
        limit,
        begun: None,
        timer: None,
    })
}

/// The source made by [`line_timeout`].
pub(crate) struct LineTimeout<S> {
    source: Option<S>,
    limit: Duration,
    /// When the line that is not whole yet began.
    begun: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> LineTimeout<S> {
    fn see(&mut self, chunk: &[u8]) {
        let Some(last) = chunk.last() else { return };
        if *last == b'\n' {
            (self.begun, self.timer) = (None, None);
        } else if self.begun.is_none() || chunk.contains(&b'\n') {
            (self.begun, self.timer) = (Some(Instant::now()), None);
        }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(begun) = self.begun else { return false };
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(begun + limit)));
        timer.as_mut().poll(cx).is_ready()
    }
}

impl<S: Source<Chunk = Bytes> + Unpin> Stream for LineTimeout<S> {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(source) = &mut self.source else { return Poll::Ready(None) };
        let mut polled = Pin::new(source).poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(chunk))) => self.see(chunk),
            Poll::Pending if self.is_late(cx) => {
                let text = format!("a line took longer than {:?}", self.limit);
                polled = Poll::Ready(Some(Err(Error::timeout(text).in_stage(NAME))));
            }
            _ => {}
        }
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.source = None;
        }
        polled
    }
}

impl<S: Source<Chunk = Bytes> + Unpin> Source for LineTimeout<S> {
    type Chunk = Bytes;
}

/// What it is called in errors.
pub(crate) const NAME: &str = "line_timeout";

#[cfg(test)]
mod tests {
    use super::*;
    use highwater::{HighWaterMark, pass_through};
    use tokio::time::{advance, sleep};

    const LIMIT: Duration = Duration::from_secs(30);

    /// F78: a byte every 20 s is not idle, and yet too slow.
    #[tokio::test(start_paused = true)]
    async fn a_line_that_drips_is_late() {
        let (writable, readable) = pass_through(HighWaterMark::bytes(1024));
        let mut readable = line_timeout(readable, LIMIT);
        let drip = async {
            for _ in 0..2 {
                writable.send(Bytes::from_static(b"x")).await.expect("it is read");
                sleep(Duration::from_secs(20)).await;
            }
        };
        let read = async {
            assert_eq!(readable.next().await.expect("a byte").expect("no error"), "x");
            assert_eq!(readable.next().await.expect("a byte").expect("no error"), "x");
            let error = readable.next().await.expect("an end").expect_err("it is late");
            assert!(error.is_timeout() && error.stage() == Some(NAME), "{error}");
            assert!(readable.next().await.is_none());
        };
        tokio::join!(drip, read);
    }

    /// Between lines there is no limit, and each line has its own.
    #[tokio::test(start_paused = true)]
    async fn whole_lines_may_be_far_apart() {
        let (writable, readable) = pass_through(HighWaterMark::bytes(1024));
        let drip = async move {
            for chunk in ["a\n", "b", "c\nd", "\n", "e\n"] {
                writable.send(Bytes::from_static(chunk.as_bytes())).await.expect("it is read");
                sleep(if chunk.ends_with('\n') { LIMIT * 10 } else { LIMIT / 2 }).await;
            }
            writable.end();
        };
        let (bytes, ()) = tokio::join!(line_timeout(readable, LIMIT).to_bytes(), drip);
        assert_eq!(bytes.expect("in time"), "a\nbc\nd\ne\n");
    }

    /// While nobody reads, time goes by for nobody.
    #[tokio::test(start_paused = true)]
    async fn a_slow_server_does_not_blame_the_client() {
        let (writable, readable) = pass_through(HighWaterMark::bytes(1024));
        let mut readable = line_timeout(readable, LIMIT);
        writable.send(Bytes::from_static(b"half")).await.expect("it is read");
        assert_eq!(readable.next().await.expect("half a line").expect("no error"), "half");
        assert!(futures::poll!(readable.next()).is_pending());
        writable.send(Bytes::from_static(b" and half\n")).await.expect("it is read");
        advance(LIMIT * 2).await;
        assert_eq!(readable.next().await.expect("the rest").expect("no error"), " and half\n");
    }
}
