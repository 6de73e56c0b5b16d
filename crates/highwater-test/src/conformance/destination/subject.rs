//! What is done to a destination.

use std::future::Future;
use std::time::Duration;

use highwater_core::{BoxDestination, Destination, Error, Readable, Result};
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::conformance::check::{assert_no_runtime, check};
use crate::cuts::points;
use crate::script::{SOURCE_FAILED, cues};
use crate::{Cue, Log, Script, drop_at_poll};

/// A destination, what is written to it, and whether that has arrived.
pub(super) struct Subject<'a, T, F, J> {
    pub(super) make: &'a F,
    pub(super) chunks: &'a [T],
    pub(super) judge: &'a J,
    /// What kind of chunks these are, or nothing.
    pub(super) name: &'a str,
}

/// When a suite asks what has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a test should say what it promises at each")]
pub enum Moment {
    /// After `flush`: all that was written must be there.
    Flushed,
    /// After `finish`: all that was written must be there.
    Finished,
    /// After `abort`: what is there must be the beginning of what was written, or nothing.
    Aborted,
    /// After the destination was dropped without either: as after an abort.
    Dropped,
}

/// A call of a destination, in the order of a run without mishap.
#[derive(Debug, Clone, Copy)]
enum Call {
    Open,
    Write(usize),
    Flush,
    Finish,
}

impl<T, D, H, F, J> Subject<'_, T, F, J>
where
    T: Clone + Send + 'static,
    D: Destination<Chunk = T> + 'static,
    F: Fn() -> (D, H),
    J: Fn(&mut H, Moment, &[T]) -> Result<(), String>,
{
    #[track_caller]
    pub(super) fn everything(&self) {
        assert_no_runtime();
        self.check("`open`, `write` of each chunk, `finish`", async || {
            self.writes(self.chunks).await
        });
        self.check("`open`, `finish`, with nothing written", async || self.writes(&[]).await);
        self.check("`accept` of each chunk, `write` of those that come back", async || {
            self.accepts().await
        });
        self.check("`flush` after every chunk", async || self.flushes().await);
        for k in points(self.chunks.len()) {
            self.check(format!("`abort` behind {k} chunks"), async || {
                self.breaks_off(k, true).await
            });
            self.check(format!("dropped behind {k} chunks"), async || {
                self.breaks_off(k, false).await
            });
        }
        self.dropped_calls();
        self.in_pipelines();
    }

    async fn writes(&self, chunks: &[T]) -> Result<(), String> {
        let (mut to, mut handle) = self.open().await?;
        for chunk in chunks {
            good("write", to.write(chunk.clone()).await)?;
        }
        good("finish", to.finish().await)?;
        self.judge(&mut handle, Moment::Finished, chunks).await
    }

    /// A pipeline offers each chunk first. Half of them with an idle source behind each.
    async fn accepts(&self) -> Result<(), String> {
        let (mut to, mut handle) = self.open().await?;
        for (k, chunk) in self.chunks.iter().enumerate() {
            let accepted =
                to.accept(chunk.clone()).map_err(|error| format!("accept fails: {error:?}"))?;
            if let Some(chunk) = accepted {
                good("write", to.write(chunk).await)?;
            }
            if k < self.chunks.len() / 2 {
                good("on_idle", to.on_idle().await)?;
            }
        }
        good("flush", to.flush().await)?;
        self.judge(&mut handle, Moment::Flushed, self.chunks).await?;
        good("finish", to.finish().await)?;
        self.judge(&mut handle, Moment::Finished, self.chunks).await
    }

    async fn flushes(&self) -> Result<(), String> {
        let (mut to, mut handle) = self.open().await?;
        for k in 0..=self.chunks.len() {
            good("flush", to.flush().await)?;
            let arrived = self.judge(&mut handle, Moment::Flushed, &self.chunks[..k]).await;
            arrived.map_err(|why| format!("after {k} chunks: {why}"))?;
            if let Some(chunk) = self.chunks.get(k) {
                good("write", to.write(chunk.clone()).await)?;
            }
        }
        good("finish", to.finish().await)?;
        self.judge(&mut handle, Moment::Finished, self.chunks).await
    }

    /// Nothing more comes behind so many chunks.
    async fn breaks_off(&self, k: usize, aborts: bool) -> Result<(), String> {
        let (mut to, mut handle) = self.open().await?;
        for chunk in &self.chunks[..k] {
            good("write", to.write(chunk.clone()).await)?;
        }
        if aborts {
            good("abort", to.abort(&Error::aborted()).await)?;
        }
        drop(to);
        let moment = if aborts { Moment::Aborted } else { Moment::Dropped };
        self.judge(&mut handle, moment, &self.chunks[..k]).await
    }

    /// Every call, dropped at each of its polls.
    #[track_caller]
    fn dropped_calls(&self) {
        let writes = points(self.chunks.len()).filter(|k| *k < self.chunks.len()).map(Call::Write);
        let calls = [Call::Open].into_iter().chain(writes).chain([Call::Flush, Call::Finish]);
        for call in calls {
            for poll in 1..=MOST_POLLS {
                let what = format!("{call:?} dropped at its poll {poll}");
                let mut through = false;
                self.check(format!("{what}, `abort`"), async || {
                    through = self.drops(call, poll).await?;
                    Ok(())
                });
                if through {
                    break;
                }
                if let Call::Write(k) = call {
                    let work = async || self.goes_on(k, poll).await;
                    self.check(format!("{what}, and the other chunks"), work);
                }
            }
        }
    }

    /// An abort follows. True when the call was through before it could be dropped.
    async fn drops(&self, call: Call, poll: usize) -> Result<bool, String> {
        let (mut to, mut handle) = (self.make)();
        let (opens, written) = match call {
            Call::Open => (false, 0),
            Call::Write(k) => (true, k),
            Call::Flush | Call::Finish => (true, self.chunks.len()),
        };
        if opens {
            good("open", to.open().await)?;
        }
        for chunk in &self.chunks[..written] {
            good("write", to.write(chunk.clone()).await)?;
        }
        let result = match call {
            Call::Open => drop_at_poll(poll, to.open()).await,
            Call::Write(k) => drop_at_poll(poll, to.write(self.chunks[k].clone())).await,
            Call::Flush => drop_at_poll(poll, to.flush()).await,
            Call::Finish => drop_at_poll(poll, to.finish()).await,
        };
        let through = result.is_some();
        good("the call", result.unwrap_or(Ok(())))?;
        let moment = match to.abort(&Error::aborted()).await {
            // It had gone too far to be stopped.
            Err(error) if error.is_committed() && matches!(call, Call::Finish) => Moment::Finished,
            aborted => good("abort", aborted).map(|()| Moment::Aborted)?,
        };
        drop(to);
        let offered = if let Call::Write(k) = call { k + 1 } else { written };
        self.judge(&mut handle, moment, &self.chunks[..offered]).await?;
        Ok(through)
    }

    /// The write of a chunk is dropped, the others are written, and the end comes.
    async fn goes_on(&self, dropped: usize, poll: usize) -> Result<(), String> {
        let (mut to, mut handle) = self.open().await?;
        let written = async {
            for (k, chunk) in self.chunks.iter().enumerate() {
                if k == dropped {
                    drop_at_poll(poll, to.write(chunk.clone())).await;
                } else {
                    to.write(chunk.clone()).await?;
                }
            }
            to.finish().await
        };
        if written.await.is_err() {
            // To be of no use any more is sound as well, if it says so.
            return good("abort", to.abort(&Error::aborted()).await);
        }
        let mut without = self.chunks.to_vec();
        without.remove(dropped);
        match self.judge(&mut handle, Moment::Finished, self.chunks).await {
            Ok(()) => Ok(()),
            Err(_) => self.judge(&mut handle, Moment::Finished, &without).await,
        }
    }

    #[track_caller]
    fn in_pipelines(&self) {
        let steady = || cues(self.chunks);
        let paused = || steady().flat_map(|cue| [Cue::Pending, cue]);
        self.check("in a pipeline", async || {
            let (to, mut handle) = (self.make)();
            let report = source(steady()).pipe_to(to).run().await;
            good("the pipeline", report.map(|_| ()))?;
            self.judge(&mut handle, Moment::Finished, self.chunks).await
        });
        self.check("in a pipeline, boxed, with a source that pauses", async || {
            let (to, mut handle) = (self.make)();
            let report = source(paused()).pipe_to(BoxDestination::new(to)).run().await;
            good("the pipeline", report.map(|_| ()))?;
            self.judge(&mut handle, Moment::Finished, self.chunks).await
        });
        for k in points(self.chunks.len()) {
            let failing = paused().take(2 * k).chain([Cue::Error]);
            let work = async || self.in_a_pipeline_that_fails(k, source(failing)).await;
            self.check(format!("in a pipeline that fails behind {k} chunks"), work);
        }
    }

    async fn in_a_pipeline_that_fails(
        &self,
        k: usize,
        source: Readable<Script<T>>,
    ) -> Result<(), String> {
        let (to, mut handle) = (self.make)();
        match source.pipe_to(to).run().await {
            Err(error) if error.to_string().starts_with(SOURCE_FAILED) => {}
            other => return Err(format!("not the error of the source comes out: {other:?}")),
        }
        self.judge(&mut handle, Moment::Aborted, &self.chunks[..k]).await
    }

    async fn open(&self) -> Result<(D, H), String> {
        let (mut to, handle) = (self.make)();
        good("open", to.open().await)?;
        Ok((to, handle))
    }

    /// Tasks that `make` has spawned to take what arrives have their turns first.
    async fn judge(&self, handle: &mut H, moment: Moment, written: &[T]) -> Result<(), String> {
        for _ in 0..TURNS {
            yield_now().await;
        }
        (self.judge)(handle, moment, written)
    }

    #[track_caller]
    fn check<Fut>(&self, what: impl Into<String>, work: impl FnOnce() -> Fut)
    where
        Fut: Future<Output = Result<(), String>>,
    {
        let mut what = what.into();
        if !self.name.is_empty() {
            what = format!("{what} ({})", self.name);
        }
        check(what, || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
            runtime.block_on(async { timeout(PATIENCE, work()).await }).map_err(|_| "it hangs")?
        });
    }
}

fn source<T>(cues: impl Iterator<Item = Cue<T>>) -> Readable<Script<T>> {
    Script::new(&Log::default(), cues).readable()
}

fn good(call: &str, result: Result<()>) -> Result<(), String> {
    result.map_err(|error| format!("{call} fails: {error:?}"))
}

/// Polls at which a call is dropped.
const MOST_POLLS: usize = 8;
/// Turns that other tasks have before it is looked at what has arrived.
const TURNS: usize = 32;
/// Real time, in which whatever does not hang is through.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 5 } else { 60 });
