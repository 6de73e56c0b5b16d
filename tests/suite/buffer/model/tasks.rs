//! What waits for something, or holds on to something: sends, permits, sinks, drains, corks.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use futures::Sink;
use highwater_core::{Error, Writable};

use super::bench::Bench;
use super::parts::{Chunk, Flag, Refused, Temper, pause_once, refused, trouble, unless_planned};
use super::reference::Wait;

type Work = Pin<Box<dyn Future<Output = Result<(), Refused>>>>;

pub(super) struct Task {
    pub(super) who: usize,
    pub(super) kind: Kind,
    future: Work,
    pub(super) flag: Arc<Flag>,
    /// The step at which it was polled last.
    pub(super) polled: u64,
    /// The step since which it may have had a turn, when it is polled.
    pub(super) woken: u64,
}

#[derive(Clone)]
pub(super) enum Kind {
    Send(Told),
    /// Waits for a permit of this weight, or holds one for the chunk to come.
    Reserve(Rc<Cell<Stage>>, Told, usize),
    /// Waits until its sink is ready, which keeps this weight; then sends the chunk, or closes.
    Sink(Rc<Cell<Stage>>, Option<Told>, usize),
    Drain,
    Outcome,
    Cork,
}

/// How far somebody is with a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    WaitReason,
    Holds,
    Closes,
}

/// What a task knows of its chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) id: u32,
    pub(super) weight: usize,
    pub(super) temper: Temper,
}

impl Told {
    fn of(chunk: &Chunk) -> Self {
        Self { id: chunk.id, weight: chunk.weight, temper: chunk.temper }
    }

    pub(super) fn pair(self) -> (u32, usize) {
        (self.id, self.weight)
    }
}

/// Making them.
impl Bench {
    /// A writer, if there is room for one more task.
    fn free_writer(&mut self) -> Option<Rc<Writable<Chunk>>> {
        if self.tasks.len() > 12 { None } else { self.writer() }
    }

    pub(super) fn start_send(&mut self) {
        let Some(writer) = self.free_writer() else { return };
        let chunk = self.chunk();
        let kind = Kind::Send(Told::of(&chunk));
        self.begin(kind, Box::pin(async move { writer.send(chunk).await.map_err(refused) }));
    }

    pub(super) fn start_reserve(&mut self) {
        let Some(writer) = self.free_writer() else { return };
        let chunk = self.chunk();
        let stage = Rc::new(Cell::new(Stage::WaitReason));
        let weight = if self.random.below(4) == 0 { 1 } else { chunk.weight };
        let kind = Kind::Reserve(Rc::clone(&stage), Told::of(&chunk), weight);
        let future = async move {
            let permit = match writer.reserve_weight(weight).await {
                Ok(permit) => permit,
                Err(error) => {
                    chunk.into_id();
                    return Err((trouble(&error), None));
                }
            };
            stage.set(Stage::Holds);
            pause_once().await;
            permit.send(chunk).map_err(refused)
        };
        self.begin(kind, Box::pin(future));
    }

    pub(super) fn start_sink(&mut self) {
        let Some(writer) = self.free_writer() else { return };
        let mut sink = Writable::clone(&writer);
        drop(writer);
        self.sinks += 1;
        self.model.writers += 1;
        let mut chunk = (self.random.below(16) > 0).then(|| self.chunk());
        // An error of a sink drops the chunk.
        if let Some(chunk) = &mut chunk {
            self.soothe(chunk);
        }
        let stage = Rc::new(Cell::new(Stage::WaitReason));
        let told = chunk.as_ref().map(Told::of);
        let kind = Kind::Sink(Rc::clone(&stage), told, self.model.high.max(1));
        let future = async move {
            poll_fn(|cx| Pin::new(&mut sink).poll_ready(cx)).await?;
            stage.set(Stage::Holds);
            pause_once().await;
            if let Some(chunk) = chunk {
                Pin::new(&mut sink).start_send(chunk)?;
                sink.done();
            } else {
                stage.set(Stage::Closes);
                poll_fn(|cx| Pin::new(&mut sink).poll_close(cx)).await?;
            }
            Ok(())
        };
        self.begin(kind, Box::pin(async move { future.await.map_err(plain) }));
    }

    pub(super) fn start_drain(&mut self) {
        let Some(writer) = self.free_writer() else { return };
        self.begin(Kind::Drain, Box::pin(async move { writer.drain().await.map_err(plain) }));
    }

    pub(super) fn start_finished(&mut self) {
        let Some(writer) = self.free_writer() else { return };
        self.begin(Kind::Outcome, Box::pin(async move { writer.finished().await.map_err(plain) }));
    }

    pub(super) fn start_cork(&mut self) {
        let Some(writer) = self.free_writer() else { return };
        self.note("cork: begun");
        let future = async move {
            let _cork = writer.cork();
            pending().await
        };
        self.begin(Kind::Cork, Box::pin(future));
    }

    fn begin(&mut self, kind: Kind, future: Work) {
        self.next_who += 1;
        let who = self.next_who;
        let flag = Flag::of(&self.common.clock);
        self.tasks.push(Task { who, kind, future, flag, polled: 0, woken: 0 });
        self.poll_task(self.tasks.len() - 1, true);
    }
}

fn plain(error: Error) -> Refused {
    (trouble(&error), None)
}

/// Polling and dropping them.
impl Bench {
    /// Polls one that was woken, or one that was not.
    pub(super) fn poll_tasks(&mut self, woken: bool) {
        if self.tasks.is_empty() {
            return;
        }
        let from = self.random.below(self.tasks.len());
        let all = self.tasks.len();
        let found = (0..all).map(|at| (from + at) % all).find(|at| {
            let task = &self.tasks[*at];
            task.flag.is_up() == woken || (woken && task.kind.holds_turn())
        });
        if let Some(at) = found {
            if !woken {
                self.note("poll without a reason");
            }
            self.poll_task(at, false);
        }
    }

    pub(super) fn poll_task(&mut self, at: usize, first: bool) {
        let mut task = self.tasks.swap_remove(at);
        task.polled = self.common.clock.load(SeqCst);
        let woken = task.flag.up.swap(false, SeqCst);
        task.woken = if woken { task.flag.at.load(SeqCst) } else { task.polled };
        let held = task.kind.holds_turn();
        let waker = Waker::from(Arc::clone(&task.flag));
        let mut cx = Context::from_waker(&waker);
        let real = unless_planned(|| task.future.as_mut().poll(&mut cx));
        drop(waker);
        self.log(|| format!("poll {} {}: {real:?}", task.kind.name(), task.who));
        self.same("a weigher panics", real.is_none(), task.kind.weighs_badly(first, held));
        let Some(real) = real else {
            self.note("panic: weigh in a task");
            // A send weighs before it waits.
            return if first { self.bury(task, false) } else { self.lose(task) };
        };
        let expected = self.expect_task(&task, first, held, &real);
        self.same(task.kind.name(), real, expected);
        self.note_task(&task.kind, &real, first, held);
        match real {
            Poll::Pending => self.tasks.push(task),
            Poll::Ready(result) => self.bury(task, result.is_ok()),
        }
    }

    /// Dropping the future drops its handle, which may be the last.
    fn bury(&mut self, task: Task, well: bool) {
        let is_sink = matches!(task.kind, Kind::Sink(..));
        self.gone.push(Arc::downgrade(&task.flag));
        drop(task);
        if is_sink {
            self.sinks -= 1;
            self.model.drop_writer(well);
        } else {
            self.count_writers(false);
        }
    }

    /// The task is gone before it was done.
    fn lose(&mut self, task: Task) {
        if matches!(task.kind, Kind::Cork) {
            self.model.corks -= 1;
        } else {
            self.model.leave(task.who);
        }
        self.bury(task, false);
    }

    pub(super) fn drop_task(&mut self) {
        if !self.tasks.is_empty() {
            let at = self.random.below(self.tasks.len());
            self.drop_task_at(at);
        }
    }

    pub(super) fn drop_task_at(&mut self, at: usize) {
        let mut task = self.tasks.swap_remove(at);
        self.log(|| format!("drop {} {}", task.kind.name(), task.who));
        self.note(match &task.kind {
            Kind::Cork => "cork: ended",
            Kind::Sink(..) => "sink: dropped",
            kind if kind.holds_turn() => "permit: dropped",
            _ => "future dropped while it waits",
        });
        let is_sore = task.kind.chunk().is_some_and(|chunk| chunk.temper == Temper::Sore);
        let future = std::mem::replace(&mut task.future, Box::pin(pending()));
        let dropped = unless_planned(|| drop(future));
        self.same("a chunk panics", dropped.is_none(), is_sore);
        if is_sore {
            self.note("panic: drop of a future");
        }
        self.lose(task);
    }

    pub(super) fn swap_waker(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let at = self.random.below(self.tasks.len());
        let old = &self.tasks[at].flag;
        let (up, woken) = (old.is_up(), old.at.load(SeqCst));
        let flag = Flag::of(&self.common.clock);
        flag.up.store(up, SeqCst);
        flag.at.store(woken, SeqCst);
        self.tasks[at].flag = flag;
        self.note("waker swapped");
        self.poll_task(at, false);
    }
}

impl Kind {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Send(..) => "send",
            Self::Reserve(..) => "reserve",
            Self::Sink(..) => "sink",
            Self::Drain => "drain",
            Self::Outcome => "finished",
            Self::Cork => "cork",
        }
    }

    fn chunk(&self) -> Option<Told> {
        match self {
            Self::Send(told) | Self::Reserve(_, told, _) => Some(*told),
            Self::Sink(_, told, _) => *told,
            _ => None,
        }
    }

    fn stage(&self) -> Option<Stage> {
        match self {
            Self::Send(..) => Some(Stage::WaitReason),
            Self::Reserve(stage, ..) | Self::Sink(stage, ..) => Some(stage.get()),
            _ => None,
        }
    }

    pub(super) fn holds_turn(&self) -> bool {
        self.stage() == Some(Stage::Holds)
    }

    pub(super) fn waits_for_turn(&self) -> bool {
        self.stage() == Some(Stage::WaitReason)
    }

    pub(super) fn waits_for_room(&self) -> bool {
        self.waits_for_turn() || matches!(self, Self::Drain)
    }

    /// Whether this poll weighs a chunk that panics. A send does so first of all, the others when they have their turn.
    fn weighs_badly(&self, first: bool, held: bool) -> bool {
        let weighs = if matches!(self, Self::Send(..)) { first } else { held };
        weighs && self.chunk().is_some_and(|chunk| chunk.temper == Temper::Heavy)
    }

    /// What it waits for, if it does.
    pub(super) fn wait(&self) -> Option<Wait> {
        match self {
            Self::Send(told) => Some(Wait::Turn(told.weight)),
            Self::Reserve(stage, _, kept) | Self::Sink(stage, _, kept) => match stage.get() {
                Stage::WaitReason => Some(Wait::Turn(*kept)),
                Stage::Holds => None,
                Stage::Closes => Some(Wait::Outcome),
            },
            Self::Drain => Some(Wait::Drain),
            Self::Outcome => Some(Wait::Outcome),
            Self::Cork => None,
        }
    }
}
