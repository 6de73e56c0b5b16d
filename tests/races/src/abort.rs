//! An abort beside the end of a pipeline: the result is what the destination has done.

use std::sync::Arc;

use highwater_core::sync::Mutex;
use highwater_core::{CancellationToken, Destination, Error, Readable, Report, Result};

use crate::checker::{block_on, check, thread};
use crate::scenarios::items;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Untouched,
    Open,
    Committed,
    Aborted,
}

/// Commits in two steps, and gives way between them.
struct Commits(Arc<Mutex<Fate>>);

impl Commits {
    fn is(&self, fate: Fate, before: Fate) {
        let mut state = self.0.lock().expect("no test panics under it");
        assert_eq!(*state, before, "there is one end, and {fate:?} came behind it");
        *state = fate;
    }
}

impl Destination for Commits {
    type Chunk = u32;

    async fn open(&mut self) -> Result<()> {
        self.is(Fate::Open, Fate::Untouched);
        Ok(())
    }

    async fn write(&mut self, _: u32) -> Result<()> {
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        thread::yield_now();
        self.is(Fate::Committed, Fate::Open);
        Ok(())
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.is(Fate::Aborted, Fate::Open);
        Ok(())
    }
}

/// The result must be what the destination has done; an abort that came before everything has not even opened it.
fn assert_agree(result: Result<Report>, fate: &Mutex<Fate>) {
    let fate = *fate.lock().expect("no test panics under it");
    match result {
        Ok(_) => assert_eq!(fate, Fate::Committed),
        Err(error) => {
            assert!(error.is_aborted(), "{error}");
            assert!(matches!(fate, Fate::Untouched | Fate::Aborted), "{fate:?}");
        }
    }
}

/// I26, I45: whenever the abort comes, the pipeline says what the destination did, and it did one of both.
#[test]
fn abort_beside_finish() {
    check("abort beside finish", || {
        let fate = Arc::new(Mutex::new(Fate::Untouched));
        let token = CancellationToken::new();
        let cancel = token.clone();
        let aborts = thread::spawn(move || cancel.cancel());
        let pipeline = Readable::from_iter(0..2).pipe_to(Commits(Arc::clone(&fate)));
        let result = block_on(pipeline.abort_on(token).run());
        assert!(aborts.join().is_ok());
        assert_agree(result, &fate);
    });
}

/// I29, I45: the same of a pipeline on a task of its own, by its handle, while its source ends.
#[test]
fn abort_of_a_task_beside_its_end() {
    check("abort of a task beside its end", || {
        let fate = Arc::new(Mutex::new(Fate::Untouched));
        let (writable, source) = items(1);
        let running = source.pipe_to(Commits(Arc::clone(&fate))).spawn();
        let ends = thread::spawn(move || writable.end());
        running.abort();
        let result = block_on(running.join());
        assert!(ends.join().is_ok());
        assert_agree(result, &fate);
    });
}
