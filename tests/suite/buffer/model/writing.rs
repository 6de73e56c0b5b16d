//! Writing and ending, with the buffer and its reference.

use std::rc::Rc;

use highwater_core::Writable;

use super::bench::Bench;
use super::parts::{Temper, refused, told, unless_planned};
use super::reference::{How, Trouble};

impl Bench {
    pub(super) fn write(&mut self, how: How) {
        let Some(writer) = self.writer() else { return };
        let how = if self.common.polite { How::TryWrite } else { how };
        let chunk = self.chunk();
        let (id, weight, temper) = (chunk.id, chunk.weight, chunk.temper);
        self.log(|| format!("{how:?} {id} of {weight} {temper:?}"));
        let real = unless_planned(|| match how {
            How::TryWrite => writer.try_write(chunk).map(|()| false),
            _ => writer.write(chunk).map(|room| room.is_full()),
        });
        self.same("a weigher panics", real.is_none(), temper == Temper::Heavy);
        let Some(real) = real else { return self.note("panic: weigh in a write") };
        let real = real.map_err(refused);
        let expected = self.model.put((id, weight), how, real.ok());
        let expected = expected.map_err(|trouble| (trouble, Some(id)));
        if how == How::TryWrite {
            self.note(if real.is_ok() { "try_write: taken" } else { "try_write: refused" });
            self.same("try_write", real.map(|_| ()), expected.map(|_| ()));
        } else {
            self.same("write", real, expected);
        }
    }

    pub(super) fn clone_writer(&mut self) {
        let Some(writer) = self.writer().filter(|_| self.writers.len() < 4) else { return };
        self.log(|| "clone a writer".to_owned());
        let writer = Rc::new(Writable::clone(&writer));
        self.handles.push(Rc::downgrade(&writer));
        self.writers.push(writer);
        self.model.writers += 1;
    }

    pub(super) fn drop_writer(&mut self) {
        if self.writers.is_empty() || (self.writers.len() == 1 && self.random.below(8) > 0) {
            return;
        }
        let at = self.random.below(self.writers.len());
        let writer = self.writers.swap_remove(at);
        let done = self.random.below(2) == 0;
        self.log(|| format!("drop a writer, done {done}"));
        self.note(if done { "done" } else { "writer dropped" });
        match Rc::try_unwrap(writer) {
            Ok(writer) if done => {
                writer.done();
                self.count_writers(true);
            }
            writer => {
                drop(writer);
                self.count_writers(false);
            }
        }
    }

    /// Tells the reference of the handles that are gone.
    pub(super) fn count_writers(&mut self, done: bool) {
        self.handles.retain(|handle| handle.strong_count() > 0);
        while self.model.writers > self.handles.len() + self.sinks {
            self.model.drop_writer(done);
        }
    }

    pub(super) fn end(&mut self, failure: Option<u32>) {
        let Some(writer) = self.writer() else { return };
        self.log(|| format!("end {failure:?}"));
        match failure {
            None => writer.end(),
            Some(n) => writer.fail(told(n)),
        }
        self.model.end(failure.map(Trouble::Told));
        self.note(if failure.is_some() { "fail" } else { "end" });
    }

    pub(super) fn destroy_by_writer(&mut self) {
        let Some(writer) = self.writer() else { return };
        self.destroy("destroy: by writer", Trouble::Told(8), false, |_| writer.destroy(told(8)));
    }

    pub(super) fn destroy_by_control(&mut self) {
        let control = self.control.clone();
        let trouble = Trouble::PrematureClose;
        self.destroy("destroy: by control", trouble, false, |_| control.destroy(None));
    }

    pub(super) fn destroy_by_reader(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        self.reader_waits = None;
        self.destroy("destroy: by reader", Trouble::Told(9), true, |_| reader.destroy(told(9)));
    }

    pub(super) fn drop_reader(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        self.reader_waits = None;
        self.destroy("reader dropped", Trouble::PrematureClose, true, |_| drop(reader));
    }

    /// Destroys, which panics if a chunk that is dropped does. `with_reader` says whether the reader's chunks go, too.
    fn destroy(
        &mut self,
        what: &'static str,
        trouble: Trouble,
        with_reader: bool,
        destroy: impl FnOnce(&Self),
    ) {
        self.log(|| what.to_owned());
        let sore = self.sore_chunk();
        let panics = sore.is_some_and(|id| self.model.drops(id, with_reader));
        let real = unless_planned(|| destroy(self));
        self.same("a chunk panics", real.is_none(), panics);
        if panics {
            self.note("panic: drop in a destroy");
        }
        self.model.destroy(trouble);
        if with_reader {
            self.model.taken.clear();
        }
        self.note(what);
    }
}
