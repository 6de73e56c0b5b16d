//! One buffer beside its reference, and the steps that are taken with both.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::{Rc, Weak};
use std::sync::atomic::AtomicU64;
use std::sync::{self, Arc, Mutex};

use highwater_core::{Budget, Buffered, Control, HighWaterMark, Readable, Writable, pass_through};

use super::parts::{Chunk, Flag, Random, Temper};
use super::reference::{How, Reference};
use super::tasks::Task;

/// What all buffers of a sequence have in common.
pub(super) struct Common {
    pub(super) seed: u64,
    /// Whether the steps are written down, which takes longer than doing them.
    pub(super) traced: bool,
    /// Whether all who write wait for room, so that the mark and a chunk is a bound.
    pub(super) polite: bool,
    pub(super) budget: Option<Budget>,
    pub(super) clock: Arc<AtomicU64>,
    pub(super) trace: RefCell<Vec<String>>,
}

impl Common {
    #[track_caller]
    pub(super) fn same<T: PartialEq + Debug>(&self, what: &str, real: T, expected: T) {
        assert!(
            real == expected,
            "{what}: {real:?}, expected {expected:?}; seed {}\n{}",
            self.seed,
            self.trace.borrow().join("\n"),
        );
    }
}

pub(super) struct Bench {
    pub(super) common: Rc<Common>,
    /// Which of the buffers it is.
    index: usize,
    pub(super) random: Random,
    pub(super) model: Reference,
    pub(super) fates: Arc<Mutex<Vec<u8>>>,
    pub(super) weights: Vec<usize>,
    /// The chunk that panics when it is dropped: one at a time, for two would end the process.
    sore: Option<u32>,
    pub(super) writers: Vec<Rc<Writable<Chunk>>>,
    /// Every handle there was but those of sinks: those that tasks hold live on.
    pub(super) handles: Vec<Weak<Writable<Chunk>>>,
    /// Handles that are used as a `Sink`.
    pub(super) sinks: usize,
    pub(super) reader: Option<Readable<Buffered<Chunk>>>,
    pub(super) control: Control,
    pub(super) reader_flag: Arc<Flag>,
    /// What the reader waits for: a chunk even while paused?
    pub(super) reader_waits: Option<bool>,
    pub(super) tasks: Vec<Task>,
    pub(super) next_who: usize,
    /// Wakers of tasks that are no more.
    pub(super) gone: Vec<sync::Weak<Flag>>,
    pub(super) fired: BTreeMap<&'static str, u64>,
}

impl Bench {
    pub(super) fn new(common: &Rc<Common>, index: usize, mut random: Random) -> Self {
        let (high, low, hard) = random_mark(&mut random, common.budget.is_some());
        let mut mark = HighWaterMark::items(high).with_low(low).with_hard(hard);
        if let Some(budget) = &common.budget {
            mark = mark.with_budget(budget);
        }
        let weights = random_weights(&mut random, [high, hard], common.budget.is_some());
        let (writable, readable) = pass_through(mark.with_weight(Chunk::weigh));
        let writable = Rc::new(writable);
        let bench = Self {
            common: Rc::clone(common),
            index,
            random,
            handles: vec![Rc::downgrade(&writable)],
            model: Reference::new(high, low, hard),
            fates: Arc::default(),
            weights,
            sore: None,
            writers: vec![writable],
            sinks: 0,
            control: readable.control(),
            reader: Some(readable),
            reader_flag: Arc::default(),
            reader_waits: None,
            tasks: Vec::new(),
            next_who: 0,
            gone: Vec::new(),
            fired: BTreeMap::new(),
        };
        bench.log(|| format!("high {high} low {low} hard {hard}"));
        bench
    }

    pub(super) fn step(&mut self) {
        match self.random.below(68) {
            0..9 => self.write(How::Write),
            9..12 => self.write(How::TryWrite),
            12..16 => self.start_send(),
            16..19 => self.start_reserve(),
            19..22 => self.start_drain(),
            22 => self.start_finished(),
            23 => self.start_cork(),
            24..34 => self.poll_tasks(true),
            34..36 => self.poll_tasks(false),
            36..38 => self.drop_task(),
            38..48 => self.poll_next(),
            48..50 => self.poll_readable(),
            50..53 => {
                self.read();
            }
            53 => self.unshift(),
            54 => self.pause(true),
            55..57 => self.pause(false),
            57..59 => self.clone_writer(),
            59 => self.drop_writer(),
            60 => self.swap_waker(),
            61..64 => self.rarely(),
            64..68 => self.start_sink(),
            _ => unreachable!("68 choices"),
        }
    }

    /// What ends the sequence, or nearly.
    fn rarely(&mut self) {
        match self.random.below(24) {
            0 => self.end(None),
            1 => self.end(Some(7)),
            2 => self.destroy_by_writer(),
            3 => self.destroy_by_control(),
            4 => self.drop_reader(),
            5 => self.destroy_by_reader(),
            _ => {}
        }
    }

    pub(super) fn note(&mut self, what: &'static str) {
        *self.fired.entry(what).or_default() += 1;
    }

    pub(super) fn log(&self, text: impl FnOnce() -> String) {
        if self.common.traced {
            self.common.trace.borrow_mut().push(format!("{}: {}", self.index, text()));
        }
    }

    #[track_caller]
    pub(super) fn same<T: PartialEq + Debug>(&self, what: &str, real: T, expected: T) {
        if real != expected {
            self.log(|| format!("{:?}", self.model));
        }
        self.common.same(what, real, expected);
    }

    pub(super) fn writer(&mut self) -> Option<Rc<Writable<Chunk>>> {
        if self.writers.is_empty() {
            return None;
        }
        let at = self.random.below(self.writers.len());
        Some(Rc::clone(&self.writers[at]))
    }

    pub(super) fn chunk(&mut self) -> Chunk {
        let temper = self.temper();
        let mut fates = self.fates.lock().unwrap();
        let id = u32::try_from(fates.len()).unwrap();
        fates.push(0);
        drop(fates);
        if temper == Temper::Sore {
            self.sore = Some(id);
        }
        let weight = self.weights[self.random.below(self.weights.len())];
        Chunk { id, weight, temper, fates: Arc::clone(&self.fates) }
    }

    fn temper(&mut self) -> Temper {
        match self.random.below(32) {
            0 => Temper::Heavy,
            1 if self.sore_chunk().is_none() => Temper::Sore,
            _ => Temper::Calm,
        }
    }

    /// The chunk does not panic when it is dropped.
    pub(super) fn soothe(&mut self, chunk: &mut Chunk) {
        if chunk.temper == Temper::Sore {
            chunk.temper = Temper::Calm;
            self.sore = None;
        }
    }

    /// The chunk that panics when it is dropped, while there is one.
    pub(super) fn sore_chunk(&self) -> Option<u32> {
        self.sore.filter(|id| self.fates.lock().unwrap()[*id as usize] == 0)
    }
}

/// With a budget, weights stay so small that their sum is a number.
fn random_mark(random: &mut Random, is_shared: bool) -> (usize, usize, usize) {
    let highs = [0, 1, 2, 3, 16, 16_384, usize::MAX];
    let high = random.one_of(if is_shared { &highs[..6] } else { &highs });
    let low = random.one_of(&[0, high / 2, high]);
    let hard = random.one_of(&[high, high.saturating_add(2), high.saturating_mul(64)]);
    (high, low, hard)
}

fn random_weights(random: &mut Random, [high, hard]: [usize; 2], is_shared: bool) -> Vec<usize> {
    let most = if is_shared { hard } else { usize::MAX };
    let some = [1, 1, 1, high.saturating_sub(1), high, high.saturating_add(1), hard, most];
    let some: &[usize] = match random.below(3) {
        0 => &some[..1],
        1 => &some[..6],
        _ => &some,
    };
    some.iter().map(|weight| *weight.max(&1)).collect()
}
