//! What a poll of a task gives by the reference, which is asked with what was seen.

use std::task::Poll;

use super::bench::Bench;
use super::parts::Refused;
use super::reference::{How, Life, Trouble, Wait};
use super::tasks::{Kind, Stage, Task, Told};

type Polled = Poll<Result<(), Refused>>;

impl Bench {
    pub(super) fn expect_task(
        &mut self,
        task: &Task,
        first: bool,
        held: bool,
        real: &Polled,
    ) -> Polled {
        let refused = matches!(real, Poll::Ready(Err((Trouble::Overflow, _))));
        let seen = (!refused).then_some(false);
        match &task.kind {
            Kind::Send(told) => self.expect_send(task, *told, first, real),
            Kind::Reserve(_, told, _) if held => {
                let put = self.model.put(told.pair(), How::Turn(task.who), seen);
                Poll::Ready(put.map(|_| ()).map_err(|trouble| (trouble, Some(told.id))))
            }
            Kind::Sink(_, Some(told), _) if held => {
                let put = self.model.put(told.pair(), How::Sink(task.who), seen);
                Poll::Ready(put.map(|_| ()).map_err(|trouble| (trouble, None)))
            }
            Kind::Sink(_, None, _) if held => {
                self.model.end(None);
                self.expect_wait(task, Wait::Outcome, real)
            }
            Kind::Reserve(stage, _, kept) | Kind::Sink(stage, _, kept)
                if stage.get() != Stage::Closes =>
            {
                let granted = stage.get() == Stage::Holds;
                match self.expect_turn(task, *kept, granted) {
                    Poll::Ready(Err(trouble)) => Poll::Ready(Err((trouble, None))),
                    _ => Poll::Pending,
                }
            }
            Kind::Drain => self.expect_wait(task, Wait::Drain, real),
            Kind::Cork => {
                self.model.corks += usize::from(first);
                Poll::Pending
            }
            _ => self.expect_wait(task, Wait::Outcome, real),
        }
    }

    fn expect_wait(&mut self, task: &Task, wait: Wait, real: &Polled) -> Polled {
        self.model.wait(task.who, wait, real.is_ready()).map_err(|trouble| (trouble, None))
    }

    /// A send writes at once, or waits for its turn and then writes.
    fn expect_send(&mut self, task: &Task, told: Told, first: bool, real: &Polled) -> Polled {
        let refused = |trouble| (trouble, Some(told.id));
        if first {
            let seen = real.is_ready().then_some(false);
            match self.model.put(told.pair(), How::Send, seen) {
                Err(Trouble::Overflow) => {}
                result => {
                    if result.is_ok() {
                        self.nobody_is_overtaken(task);
                    }
                    return Poll::Ready(result.map(|_| ()).map_err(refused));
                }
            }
        }
        self.expect_turn(task, told.weight, real.is_ready()).map(|turn| {
            turn.and_then(|()| self.model.put(told.pair(), How::Turn(task.who), Some(false)))
                .map(|_| ())
                .map_err(refused)
        })
    }

    /// B18: a turn was given to nobody who came later than one who sleeps.
    fn expect_turn(&mut self, task: &Task, weight: usize, seen: bool) -> Poll<Result<(), Trouble>> {
        let open = self.model.life == Life::Open;
        let answer = self.model.wait(task.who, Wait::Turn(weight), seen);
        if answer.is_ready() && open {
            self.nobody_is_overtaken(task);
        }
        answer
    }

    /// Nobody who came before slept already when this one was woken, and sleeps still.
    fn nobody_is_overtaken(&self, task: &Task) {
        let mut others = self.tasks.iter().filter(|other| other.kind.waits_for_turn());
        let overtaken = others
            .find(|other| other.who < task.who && !other.flag.is_up() && other.polled < task.woken);
        self.same("overtaken", overtaken.map(|other| other.who), None);
    }

    pub(super) fn note_task(&mut self, kind: &Kind, real: &Polled, first: bool, held: bool) {
        let what = match (kind, real) {
            (Kind::Reserve(..), Poll::Pending) if kind.holds_turn() && first => {
                "permit: granted at once"
            }
            (Kind::Reserve(..), Poll::Pending) if kind.holds_turn() => "permit: granted later",
            (Kind::Sink(..), Poll::Pending) if kind.holds_turn() => "sink: ready",
            (_, Poll::Pending) => return,
            (Kind::Send(..), Poll::Ready(Ok(()))) if first => "send: at once",
            (Kind::Send(..), Poll::Ready(Ok(()))) => "send: waited, woken",
            (Kind::Send(..), Poll::Ready(Err(_))) => "send: refused",
            (Kind::Reserve(..), Poll::Ready(Ok(()))) => "permit: used",
            (Kind::Reserve(..), Poll::Ready(Err(_))) if held => "permit: refused its chunk",
            (Kind::Reserve(..), Poll::Ready(Err(_))) => "permit: refused",
            (Kind::Sink(_, Some(_), _), Poll::Ready(Ok(()))) => "sink: sent",
            (Kind::Sink(_, None, _), Poll::Ready(Ok(()))) => "sink: closed",
            (Kind::Sink(..), Poll::Ready(Err(_))) => "sink: failed",
            (Kind::Drain, Poll::Ready(Ok(()))) if first => "drain: at once",
            (Kind::Drain, Poll::Ready(Ok(()))) => "drain: waited, woken",
            (Kind::Drain, Poll::Ready(Err(_))) => "drain: failed",
            (Kind::Outcome, Poll::Ready(Ok(()))) => "finished: well",
            (Kind::Outcome, Poll::Ready(Err(_))) => "finished: failed",
            (Kind::Cork, Poll::Ready(_)) => return,
        };
        self.note(what);
    }
}
