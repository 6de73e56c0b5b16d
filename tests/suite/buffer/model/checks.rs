//! What must hold after each step.

use std::rc::Weak;

use super::bench::Bench;
use super::parts::unless_planned;
use super::reference::Life;
use super::tasks::Kind;

impl Bench {
    /// Everything that can be seen of the buffer that a step was taken with.
    pub(super) fn check_seen(&mut self) {
        let stats = self.control.stats();
        let writer = self.handles.iter().find_map(Weak::upgrade);
        self.model.is_gate_seen = writer.is_some() || self.model.share.is_none();
        let counts = self.model.counts(stats.buffered);
        self.same("what counts as gone", counts.then_some(stats.buffered), Some(stats.buffered));
        self.same("writers", stats.writers, self.model.writers);
        self.check_gone();
        if let Some(writer) = writer {
            let full = writer.needs_drain();
            let real = (writer.buffered(), writer.corks());
            let ended = (writer.is_ended(), writer.is_destroyed());
            let as_it_may = self.model.gate(full);
            self.same("the gate", as_it_may.then_some(full), Some(full));
            self.same("seen by a writer", real, (self.model.buffered, self.model.seen_corks()));
            let over = matches!(self.model.life, Life::Ending | Life::Ended);
            self.same("the life", ended, (over, self.model.life == Life::Destroyed));
        }
        if let Some(reader) = &self.reader {
            let expected = self.model.buffered.saturating_sub(self.model.given);
            self.same("seen by the reader", reader.buffered(), expected);
        }
    }

    /// I8, I31, I44: while there is room, somebody of those who wait for it was woken; what is kept stays within the mark.
    pub(super) fn check_turns(&self) {
        let promised = self.model.promised();
        if self.common.polite {
            let most = (self.model.high.max(1) - 1).saturating_add(self.heaviest());
            self.same("within the mark and a chunk", promised.min(most), promised);
        }
        let mut waiting = self.tasks.iter().filter(|task| task.kind.waits_for_turn()).peekable();
        if self.model.has_room() && waiting.peek().is_some() {
            let woken = waiting.any(|task| task.flag.is_up());
            self.same("somebody was woken for the room", woken, true);
        }
    }

    /// The most that one chunk or one turn weighs.
    pub(super) fn heaviest(&self) -> usize {
        self.weights.iter().copied().fold(self.model.high.max(1), usize::max)
    }

    /// I31: whatever would be ready was woken.
    pub(super) fn check_wakes(&self) {
        for task in self.tasks.iter().filter(|task| !task.flag.is_up()) {
            let ready = task.kind.wait().is_some_and(|wait| self.model.is_ready(wait));
            self.same(
                "woken",
                (task.kind.name(), task.who, ready),
                (task.kind.name(), task.who, false),
            );
        }
        let mut waiting = self.tasks.iter().filter(|task| task.kind.waits_for_room());
        let asleep = waiting.any(|task| !task.flag.is_up());
        let ready = match self.reader_waits {
            _ if self.reader_flag.is_up() => false,
            None => false,
            Some(true) => self.model.clone().readable(true, asleep).is_ready(),
            Some(false) => self.model.clone().next(asleep).is_ready(),
        };
        if ready {
            self.same("the reader was woken", self.reader_flag.is_up(), true);
        }
    }

    /// I32: nobody keeps the waker of a task that is no more.
    fn check_gone(&mut self) {
        let kept = self.gone.drain(..).filter(|flag| flag.strong_count() > 0).count();
        self.same("wakers of tasks that are gone", kept, 0);
    }

    /// I3: each chunk was dropped exactly once.
    pub(super) fn tear_down(&mut self) {
        while !self.tasks.is_empty() {
            self.drop_task_at(0);
        }
        self.writers.clear();
        let reader = self.reader.take();
        unless_planned(|| drop(reader));
        let fates = self.fates.lock().unwrap().clone();
        let wrong = fates.iter().position(|drops| *drops != 1);
        self.same("a chunk that was not dropped once", wrong, None);
    }
}

/// I44: what is forgotten locks up nobody.
impl Bench {
    /// Forgets all who wait but one, which it returns: the others are not polled any more. What holds room or delivery by
    /// right is dropped. `None` if nobody waits, or nobody reads.
    pub(super) fn forget_all_but_one(&mut self) -> Option<usize> {
        let holds = |kind: &Kind| kind.holds_turn() || matches!(kind, Kind::Cork);
        while let Some(at) = self.tasks.iter().position(|task| holds(&task.kind)) {
            self.drop_task_at(at);
        }
        self.pause(false);
        if self.model.life != Life::Open || self.reader.is_none() {
            return None;
        }
        let waiting = self.tasks.iter().filter(|task| task.kind.waits_for_room());
        let waiting: Vec<_> = waiting.map(|task| task.who).collect();
        if waiting.is_empty() { None } else { Some(self.random.one_of(&waiting)) }
    }

    /// Polls the one if it was woken or has its turn. False if it was not, or is no more.
    pub(super) fn poll_one(&mut self, who: usize) -> bool {
        let ready = |kind: &Kind, woken: bool| woken || kind.holds_turn();
        let all = self.tasks.iter();
        let mut all = all.map(|task| task.who == who && ready(&task.kind, task.flag.is_up()));
        let at = all.position(|polls| polls);
        at.inspect(|at| self.poll_task(*at, false)).is_some()
    }

    /// Whether the one waits for room still.
    pub(super) fn still_waits(&self, who: usize) -> bool {
        let mut waiting = self.tasks.iter().filter(|task| task.kind.waits_for_room());
        self.model.life == Life::Open && waiting.any(|task| task.who == who)
    }
}
