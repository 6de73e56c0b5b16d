//! The standard input of a child.

use bytes::Bytes;
use highwater_core::{Destination, Error, Result};
use tokio::process::ChildStdin;

use crate::io::{AsyncDestination, write};

/// The standard input of a program: a destination of [`Bytes`], as [`io::write`](crate::io::write()) is one. Other chunks
/// go through `.map(Bytes::from)`.
///
/// The pipe is closed when it is finished, aborted or dropped, also where it was only lent to the pipeline: a program that
/// waits for the end of its input would otherwise wait for ever.
#[derive(Debug)]
pub struct Input {
    /// Until the pipe is closed.
    destination: Option<AsyncDestination<ChildStdin>>,
}

impl Input {
    pub(super) fn new(stdin: ChildStdin) -> Self {
        Self { destination: Some(write(stdin)) }
    }

    fn open(&mut self) -> Result<&mut AsyncDestination<ChildStdin>> {
        self.destination.as_mut().ok_or_else(|| Error::write_after_end().in_stage("process::input"))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Destination for Input {
    type Chunk = Bytes;

    async fn open(&mut self) -> Result<()> {
        Destination::open(self.open()?).await
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.open()?.write(chunk).await
    }

    fn accept(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.open()?.accept(chunk)
    }

    async fn flush(&mut self) -> Result<()> {
        Destination::flush(self.open()?).await
    }

    async fn on_idle(&mut self) -> Result<()> {
        self.open()?.on_idle().await
    }

    async fn finish(&mut self) -> Result<()> {
        Destination::finish(self.open()?).await?;
        // A shutdown does not close a pipe.
        self.destination = None;
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.destination = None;
        Ok(())
    }

    fn weight(&self, chunk: &Bytes) -> usize {
        chunk.len()
    }

    fn max_bytes(&self) -> Option<usize> {
        self.destination.as_ref().map_or(Some(0), Destination::max_bytes)
    }

    fn buffer(&self) -> Option<highwater_core::Control> {
        None
    }

    fn name(&self) -> &'static str {
        "process::Input"
    }
}
