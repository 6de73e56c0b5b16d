//! Connections: let in, read, answered, cut off.

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use highwater::lines::{LineBlocks, LineCounts, LongLine};
use highwater::mux::MergeHandle;
use highwater::net::{Incoming, Listening, Outgoing, Socket};
use highwater::{CancellationToken, Destination, Readable, Result, Transform};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::patience::line_timeout;
use crate::peer::{Peer, Reading};
use crate::stats::Stats;

/// What a client may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of a line; what is beyond is dropped.
    pub(crate) line: usize,
    /// How long a connection may give no byte.
    pub(crate) idle: Duration,
    /// How long a line may take from its first byte to its last.
    pub(crate) line_time: Duration,
    /// How long a client may leave an answer unread.
    pub(crate) write: Duration,
    /// Whether clients are told how many of their lines are stored.
    pub(crate) acknowledge: bool,
}

/// Whole lines of one connection, as they were read together.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) peer: Arc<Peer>,
    /// Each is one line or several.
    pub(crate) blocks: Vec<Bytes>,
    pub(crate) lines: u64,
}

/// A connection, as it is merged with the others.
pub(crate) type Lines = Pin<Box<dyn Stream<Item = Result<Received>> + Send>>;

/// Lets connections in.
pub(crate) struct Intake {
    pub(crate) merge: MergeHandle<Lines>,
    pub(crate) limits: Limits,
    pub(crate) stats: Arc<Stats>,
}

impl Intake {
    /// Lets connections in until `stop`. Then nothing more is read, and this ends when all that was read is stored and
    /// answered.
    pub(crate) async fn run(self, mut listening: Listening, stop: CancellationToken) -> Result<()> {
        let mut connections = JoinSet::new();
        loop {
            self.stats.set_connections(connections.len());
            tokio::select! {
                socket = listening.accept() => {
                    let answering = self.let_in(socket?, stop.child_token())?;
                    connections.spawn(answering);
                }
                // So that what is over does not pile up.
                Some(_) = connections.join_next() => {}
                () = stop.cancelled() => break,
            }
        }
        // Without its handle, the merge ends with its last connection.
        drop((listening, self.merge));
        while connections.join_next().await.is_some() {
            self.stats.set_connections(connections.len());
        }
        Ok(())
    }

    /// Adds a connection to those that are read, and gives the work of answering it. `cut` ends it.
    fn let_in(
        &self,
        socket: Socket,
        cut: CancellationToken,
    ) -> Result<impl Future<Output = ()> + Send + use<>> {
        let peer = Peer::new(socket.peer());
        let (incoming, outgoing) = socket.into_duplex().split();
        let (limits, stats) = (self.limits, Arc::clone(&self.stats));
        self.merge.add(self.lines(incoming, &peer, &cut))?;
        Ok(async move {
            if let Err(error) = answer(&peer, outgoing, limits).await {
                // The system tells either the reading or the writing side that nothing was taken in time, and only once.
                if error.is_timeout() || error.io_kind() == Some(ErrorKind::TimedOut) {
                    stats.unanswered();
                }
                cut.cancel();
            }
        })
    }

    fn lines(
        &self,
        incoming: Readable<Incoming>,
        peer: &Arc<Peer>,
        cut: &CancellationToken,
    ) -> Readable<Lines> {
        let stats = Arc::clone(&self.stats);
        let bytes =
            incoming.take_until(cut.clone().cancelled_owned()).idle_timeout(self.limits.idle);
        line_timeout(bytes, self.limits.line_time)
            .pipe(WholeLines::new(self, peer, cut))
            .until_error(move |error| stats.lost(&error))
            .boxed()
    }
}

/// Finds the whole lines of each chunk, and keeps nothing but the start of a line.
struct WholeLines {
    split: LineBlocks,
    counts: LineCounts,
    reading: Reading,
    cut: CancellationToken,
    stats: Arc<Stats>,
}

impl WholeLines {
    fn new(intake: &Intake, peer: &Arc<Peer>, cut: &CancellationToken) -> Self {
        let split =
            LineBlocks::new().with_max_length(intake.limits.line).on_long_line(LongLine::Truncate);
        Self {
            counts: split.counts(),
            split,
            reading: Reading(Arc::clone(peer)),
            cut: cut.clone(),
            stats: Arc::clone(&intake.stats),
        }
    }

    /// What the splitter has, behind a first block.
    fn collect(&mut self, first: Option<Bytes>, before: (u64, u64)) -> Result<Option<Received>> {
        let mut blocks = Vec::from_iter(first);
        while let Some(block) = self.split.read()? {
            blocks.push(block);
        }
        if blocks.is_empty() {
            return Ok(None);
        }
        let (lines, truncated) = self.figures();
        self.stats.truncated(truncated - before.1);
        let (peer, lines) = (Arc::clone(&self.reading.0), lines - before.0);
        peer.take(lines);
        Ok(Some(Received { peer, blocks, lines }))
    }

    /// Lines so far, and those of them that were cut.
    fn figures(&self) -> (u64, u64) {
        (self.counts.lines(), self.counts.truncated())
    }
}

impl Transform for WholeLines {
    type Input = Bytes;
    type Output = Received;

    fn write(&mut self, chunk: Bytes) -> Result<Option<Received>> {
        let before = self.figures();
        let first = self.split.write(chunk)?;
        self.collect(first, before)
    }

    fn read(&mut self) -> Result<Option<Received>> {
        let before = self.figures();
        self.collect(None, before)
    }

    /// A last line without newline is a line if the client has ended there, and not if it was cut off.
    fn end(&mut self) -> Result<()> {
        if self.cut.is_cancelled() { Ok(()) } else { self.split.end() }
    }

    fn name(&self) -> &'static str {
        "whole_lines"
    }
}

/// Tells the client how many of its lines are stored, as that grows, and ends the connection when nothing more will come.
async fn answer(peer: &Peer, mut outgoing: Outgoing, limits: Limits) -> Result<()> {
    let mut account = peer.account();
    let mut told = 0;
    loop {
        let due =
            account.wait_for(|now| now.is_closed() || limits.acknowledge && now.stored > told);
        let now = *due.await?;
        if limits.acknowledge && now.stored > told {
            told = now.stored;
            timeout(limits.write, tell(&mut outgoing, told)).await??;
        } else {
            return timeout(limits.write, Destination::finish(&mut outgoing)).await?;
        }
    }
}

async fn tell(outgoing: &mut Outgoing, stored: u64) -> Result<()> {
    outgoing.write(format!("{stored}\n").into()).await?;
    Destination::flush(outgoing).await
}
