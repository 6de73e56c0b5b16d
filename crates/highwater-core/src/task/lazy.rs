//! A task that is spawned when it is first needed.

use super::Task;

/// Nothing before it is started, a task from then on. The task ends with this.
pub struct LazyTask(State);

enum State {
    Waiting(Box<dyn FnOnce() -> Task<()> + Send>),
    Running(#[expect(dead_code, reason = "dropping it ends the task")] Task<()>),
    Starting,
}

impl LazyTask {
    /// `spawn` is called by the first [`start`](Self::start).
    pub fn new(spawn: impl FnOnce() -> Task<()> + Send + 'static) -> Self {
        Self(State::Waiting(Box::new(spawn)))
    }

    /// Spawns the task, the first time.
    #[inline]
    pub fn start(&mut self) {
        if matches!(self.0, State::Waiting(_)) {
            self.spawn();
        }
    }

    #[cold]
    fn spawn(&mut self) {
        if let State::Waiting(spawn) = std::mem::replace(&mut self.0, State::Starting) {
            self.0 = State::Running(spawn());
        }
    }
}

debug_fields!(LazyTask);
